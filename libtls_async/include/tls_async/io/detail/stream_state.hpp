// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// stream_core over a next layer: the only place that calls it, and the timer.
#pragma once

#include <tls_async/io/detail/stream_core.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace tls_async::detail {

/// `NextLayer` is a stream or a reference to one. `Clock` has the duration of std::chrono::steady_clock.
template <class NextLayer, class Clock>
class stream_state final : public stream_core {
public:
  using next_layer_type = std::remove_reference_t<NextLayer>;
  using executor_type = typename next_layer_type::executor_type;

  template <class Arg, class Session>
  stream_state(Arg&& next_layer, Session session, stream_options const& options)
      : stream_core(session, options),
        next_layer_(std::forward<Arg>(next_layer)),
        timer_(next_layer_.get_executor()) {}

  [[nodiscard]] next_layer_type& next_layer() noexcept { return next_layer_; }
  [[nodiscard]] executor_type executor() noexcept { return next_layer_.get_executor(); }
  [[nodiscard]] time_point now() const override {
    return time_point(std::chrono::duration_cast<time_point::duration>(Clock::now().time_since_epoch()));
  }

  /// The stream is gone. The next layer may follow at once if it is only referred to, so the gates let go
  /// of it through signals of their own; one that is ours lives until they have, but is closed now.
  void destroy_stream() {
    bool const was_open = has_next_layer_;
    has_next_layer_ = false;
    close();
    if (!was_open || is_abandoned_) return;
    timer_.cancel();
    flush_cancel_.emit(boost::asio::cancellation_type::terminal);
    fill_cancel_.emit(boost::asio::cancellation_type::terminal);
    if constexpr (!std::is_reference_v<NextLayer>) {
      if constexpr (requires(error_code ec) { next_layer_.lowest_layer().close(ec); }) {
        error_code ignored;
        next_layer_.lowest_layer().close(ignored);
      }
    }
  }

private:
  enum class event { flushed, filled, expired };

  // Keeps the state alive while the next layer or the timer is busy. Destroyed without having been called,
  // it tells that the io_context is going down: then the handlers of all verbs must be destroyed too, for
  // one of them may own the stream, and with it this state.
  template <event Event>
  class gate_handler {
  public:
    explicit gate_handler(stream_state& state)
        : state_(std::static_pointer_cast<stream_state>(state.shared_from_this())) {}
    gate_handler(gate_handler&&) noexcept = default;
    gate_handler& operator=(gate_handler&&) = delete;
    ~gate_handler() {
      if (!state_) return;
      state_->is_abandoned_ = true;
      state_->abandon();
    }

    void operator()(error_code ec, std::size_t n) {
      auto const state = std::move(state_);
      if constexpr (Event == event::flushed) {
        state->flushed(ec, n);
      } else {
        state->filled(ec, n);
      }
    }
    void operator()(error_code ec) {
      auto const state = std::move(state_);
      if (!ec) state->timer_expired();
    }

  private:
    std::shared_ptr<stream_state> state_;
  };

  // A gate step runs on the executor of the verb that started it, so an explicit strand is kept.
  template <event Event>
  auto on(operation const* starter, boost::asio::cancellation_slot slot) {
    return boost::asio::bind_cancellation_slot(
        slot, boost::asio::bind_executor(
                  starter != nullptr
                      ? starter->executor()
                      : boost::asio::any_io_executor(next_layer_.get_executor()),
                  gate_handler<Event>(*this)));
  }

  void start_flush(std::span<std::byte const> ciphertext, operation const* starter) override {
    next_layer_.async_write_some(boost::asio::const_buffer(ciphertext.data(), ciphertext.size()),
                                 on<event::flushed>(starter, flush_cancel_.slot()));
  }
  void start_fill(std::span<std::byte> room, operation const* starter) override {
    next_layer_.async_read_some(boost::asio::mutable_buffer(room.data(), room.size()),
                                on<event::filled>(starter, fill_cancel_.slot()));
  }
  void arm_timer(time_point expiry, operation const* starter) override {
    timer_.expires_at(typename Clock::time_point(expiry.time_since_epoch()));
    timer_.async_wait(on<event::expired>(starter, {}));
  }
  void disarm_timer() override { timer_.cancel(); }

  NextLayer next_layer_;
  boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, executor_type> timer_;
  boost::asio::cancellation_signal flush_cancel_;
  boost::asio::cancellation_signal fill_cancel_;
  bool has_next_layer_ = true;
  bool is_abandoned_ = false;
};

}  // namespace tls_async::detail
