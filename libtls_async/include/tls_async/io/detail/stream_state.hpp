// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// stream_core over a next layer: the only place that calls it, and the timer.
#pragma once

#include <tls_async/io/detail/lowest_layer.hpp>
#include <tls_async/io/detail/stream_core.hpp>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace tls_async::detail {

/// One of Asio's own, and not derived from one, which may do more than read.
template <class NextLayer>
inline constexpr bool is_socket = false;
template <class Protocol, class Executor>
inline constexpr bool is_socket<boost::asio::basic_stream_socket<Protocol, Executor>> = true;

template <class T>
concept closes_with_code = requires(T& t, error_code ec) {
  t.close(ec);
};
template <class T>
concept closes = requires(T& t) {
  t.close();
};

/// How a gate lets go of the next layer. One that is ours is closed, which ends its operations:
/// then they need no slots, and this is nothing.
template <bool IsNeeded>
class gate_cancellation {
public:
  auto slot() noexcept { return signal_.slot(); }
  void emit() { signal_.emit(boost::asio::cancellation_type::terminal); }

private:
  boost::asio::cancellation_signal signal_;
};
template <>
class gate_cancellation<false> {
public:
  boost::asio::cancellation_slot slot() noexcept { return {}; }
  void emit() {}
};

/// `NextLayer` is a stream or a reference to one. `Clock` has the duration of
/// std::chrono::steady_clock.
template <class NextLayer, class Clock>
class stream_state final : public stream_core {
public:
  using next_layer_type = std::remove_reference_t<NextLayer>;
  using executor_type = typename next_layer_type::executor_type;
  static constexpr bool is_closed_by_us = [] {
    if constexpr (std::is_reference_v<NextLayer>) {
      return false;
    } else {
      using lowest = typename lowest_layer<NextLayer>::type;
      return closes_with_code<lowest> || closes<lowest>;
    }
  }();

  template <class Arg, class Session>
  stream_state(Arg&& next_layer, Session session, stream_options const& options)
      : stream_core(session, options, sizeof(stream_state)),
        next_layer_(std::forward<Arg>(next_layer)),
        timer_(next_layer_.get_executor()) {
    if (options.ktls != ktls::off && !is_socket<next_layer_type>) {
      throw boost::system::system_error(
          make_error_code(errc::bad_option),
          "ktls needs a socket as the next layer: a boost::asio::basic_stream_socket");
    }
  }

  [[nodiscard]] next_layer_type& next_layer() noexcept { return next_layer_; }
  [[nodiscard]] executor_type const& executor() noexcept { return timer_.get_executor(); }
  [[nodiscard]] time_point now() const override {
    return time_point(
        std::chrono::duration_cast<time_point::duration>(Clock::now().time_since_epoch()));
  }

  ~stream_state() { leave_account(); }

  /// The stream is gone. The next layer may follow at once if it is only referred to, so the gates
  /// let go of it through signals of their own; one that is ours lives until they have, but is
  /// closed now.
  void destroy_stream() {
    auto const inside = lock();
    bool const was_open = has_next_layer_;
    has_next_layer_ = false;
    close();
    if (!was_open || is_abandoned_) return;
    timer_.cancel();
    flush_cancel_.emit();
    fill_cancel_.emit();
    if constexpr (is_closed_by_us) {
      auto& lowest = lowest_layer<NextLayer>::of(next_layer_);
      error_code ignored;
      if constexpr (closes_with_code<typename lowest_layer<NextLayer>::type>) {
        lowest.close(ignored);
      } else {
        lowest.close();
      }
    }
  }

private:
  enum class event { flushed, writable, filled, readable, landed, expired };

  // Keeps the state alive while the next layer or the timer is busy. Destroyed without having been
  // called, it tells that the io_context is going down: then the handlers of all verbs must be
  // destroyed too, for one of them may own the stream, and with it this state.
  template <event Event>
  class gate_handler {
  public:
    using cancellation_slot_type = boost::asio::cancellation_slot;

    gate_handler(stream_state& state, boost::asio::cancellation_slot slot)
        : state_(std::static_pointer_cast<stream_state>(state.shared_from_this())), slot_(slot) {}
    gate_handler(gate_handler&&) noexcept = default;
    gate_handler& operator=(gate_handler&&) = delete;
    ~gate_handler() {
      if (!state_) return;
      state_->is_abandoned_ = true;
      state_->abandon();
    }

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }

    void operator()(error_code ec, std::size_t n = 0) {
      any_io_executor const& here = state_->executor();
      run(here, true, ec, n);
    }

  protected:
    void run(any_io_executor const& here, bool is_io_executor, error_code ec,
             [[maybe_unused]] std::size_t n) {
      auto const state = std::move(state_);
      auto inside = state->lock();
      gate_step const from{here, is_io_executor, inside};
      if constexpr (Event == event::flushed) {
        state->flushed(from, ec, n);
      } else if constexpr (Event == event::writable) {
        state->has_room(from, ec);
      } else if constexpr (Event == event::filled) {
        state->filled(from, ec, n);
      } else if constexpr (Event == event::readable) {
        state->receive(from, ec);
      } else if constexpr (Event == event::landed) {
        state->landed(from, ec, std::as_bytes(std::span(state->landing_)), n);
      } else if (!ec) {
        state->timer_expired(from);
      }
    }

  private:
    std::shared_ptr<stream_state> state_;
    boost::asio::cancellation_slot slot_;
  };

  // The same on an executor that is not the next layer's own.
  template <event Event>
  class gate_handler_on : public gate_handler<Event> {
  public:
    using executor_type = any_io_executor;

    gate_handler_on(stream_state& state, boost::asio::cancellation_slot slot,
                    any_io_executor executor)
        : gate_handler<Event>(state, slot), executor_(std::move(executor)) {}

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    void operator()(error_code ec, std::size_t n = 0) {
      auto const here = executor_;
      this->run(here, false, ec, n);
    }

  private:
    any_io_executor executor_;
  };

  // A gate step runs on the executor of the verb that started it, so an explicit strand is kept.
  // Where that is the next layer's own, nothing is bound, and Asio completes without a detour.
  template <event Event, class Initiate>
  void run_on(operation const* starter, boost::asio::cancellation_slot slot, Initiate initiate) {
    if (starter == nullptr || starter->on_io_executor) {
      initiate(gate_handler<Event>(*this, slot));
    } else {
      initiate(gate_handler_on<Event>(*this, slot, starter->executor()));
    }
  }

  [[nodiscard]] int descriptor() override {
    if constexpr (is_socket<next_layer_type>) {
      if (!has_next_layer_ || !next_layer_.is_open()) return -1;
      error_code ec;
      if (!next_layer_.native_non_blocking()) next_layer_.native_non_blocking(true, ec);
      return ec ? -1 : next_layer_.native_handle();
    } else {
      return -1;
    }
  }
  void start_waiting_flush([[maybe_unused]] operation const* starter) override {
    if constexpr (is_socket<next_layer_type>) {
      run_on<event::writable>(starter, flush_cancel_.slot(), [&](auto handler) {
        next_layer_.async_wait(next_layer_type::wait_write, std::move(handler));
      });
    }
  }
  void start_flush(std::span<std::byte const> ciphertext, operation const* starter) override {
    run_on<event::flushed>(starter, flush_cancel_.slot(), [&](auto handler) {
      next_layer_.async_write_some(boost::asio::const_buffer(ciphertext.data(), ciphertext.size()),
                                   std::move(handler));
    });
  }
  void start_fill(std::span<std::byte> room, operation const* starter) override {
    run_on<event::filled>(starter, fill_cancel_.slot(), [&](auto handler) {
      next_layer_.async_read_some(boost::asio::mutable_buffer(room.data(), room.size()),
                                  std::move(handler));
    });
  }
  void start_waiting_fill(operation const* starter) override {
    if constexpr (is_socket<next_layer_type>) {
      run_on<event::readable>(starter, fill_cancel_.slot(), [&](auto handler) {
        next_layer_.async_wait(next_layer_type::wait_read, std::move(handler));
      });
    } else {
      run_on<event::landed>(starter, fill_cancel_.slot(), [&](auto handler) {
        next_layer_.async_read_some(boost::asio::buffer(landing_), std::move(handler));
      });
    }
  }
  // A read of a socket that was cancelled has taken nothing, which no other next layer promises.
  bool let_go_of_fill() override {
    if constexpr (is_socket<next_layer_type> && is_closed_by_us) {
      error_code ignored;
      next_layer_.cancel(ignored);
    } else if constexpr (is_socket<next_layer_type>) {
      fill_cancel_.emit();
    }
    return is_socket<next_layer_type>;
  }
  // Asio's own receive would wait if there is nothing after all.
  void receive(gate_step from, error_code ec) {
    if (engine().receives_directly()) return has_input(from, ec);
    auto const room = ec || !has_next_layer_ ? std::span<std::byte>() : fill_room();
    if (room.empty()) {
      return landed(from, ec ? ec : make_error_code(boost::system::errc::not_enough_memory), {}, 0);
    }
    ::ssize_t const n = ::recv(next_layer_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    if (n >= 0) return filled(from, {}, static_cast<std::size_t>(n));
    error_code const failed(errno, boost::system::system_category());
    if (failed != boost::asio::error::would_block && failed != boost::asio::error::interrupted) {
      return filled(from, failed, 0);
    }
    engine().ring().end_fill(0);
    received_nothing(from);
  }
  [[nodiscard]] bool more_is_there() override {
    auto& lowest = lowest_layer<next_layer_type>::of(next_layer_);
    if constexpr (requires(error_code ec) { lowest.available(ec); }) {
      error_code ignored;
      return lowest.available(ignored) != 0;
    }
    return false;
  }
  void arm_timer(time_point expiry, operation const* starter) override {
    timer_.expires_at(typename Clock::time_point(expiry.time_since_epoch()));
    run_on<event::expired>(starter, {},
                           [&](auto handler) { timer_.async_wait(std::move(handler)); });
  }
  void disarm_timer() override { timer_.cancel(); }
  // From whichever thread has made room, under the lock of the account.
  void resume() override {
    boost::asio::post(executor(), [weak = this->weak_from_this()] {
      auto const state = std::static_pointer_cast<stream_state>(weak.lock());
      if (!state) return;
      auto inside = state->lock();
      any_io_executor const& here = state->executor();
      state->resumed(gate_step{here, true, inside});
    });
  }

  NextLayer next_layer_;
  boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, executor_type> timer_;
  [[no_unique_address]] gate_cancellation<!is_closed_by_us> flush_cancel_;
  // Another type: two empty members of one have to have two addresses.
  struct fill_cancellation : gate_cancellation<!is_closed_by_us> {};
  [[no_unique_address]] fill_cancellation fill_cancel_;
  [[no_unique_address]] std::conditional_t<is_socket<next_layer_type>, std::array<std::byte, 0>,
                                           std::array<std::byte, landing_bytes>>
      landing_;
  bool has_next_layer_ = true;
  bool is_abandoned_ = false;
};

}  // namespace tls_async::detail
