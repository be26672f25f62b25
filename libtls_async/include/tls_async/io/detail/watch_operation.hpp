// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A wait of a file watcher: reads what the kernel has collected, else waits for it, and then until
// nothing comes any more. What is known from one wait to the next is in watch_state. Linux only.
#pragma once

#include <tls_async/requirements.hpp>

#include <boost/asio/detail/config.hpp>

#if defined(__linux__) && defined(BOOST_ASIO_HAS_POSIX_STREAM_DESCRIPTOR)

#include <tls_async/error.hpp>
#include <tls_async/io/detail/watched_paths.hpp>
#include <tls_async/time_limit.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/wait_traits.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <type_traits>
#include <utility>

#include <unistd.h>

namespace tls_async::detail {

/// What a watcher and its wait share.
template <class Executor, class Clock>
class watch_state {
public:
  using executor_type = Executor;
  using clock = Clock;

  watch_state(Executor const& executor, std::filesystem::path const* first, std::size_t count,
              time_limit debounce)
      : descriptor_(executor),
        timer_(executor),
        paths_(open(descriptor_), first, count),
        debounce_(std::min<std::chrono::nanoseconds>(debounce.span(), std::chrono::hours(24))),
        told_(paths_.changes()) {}

  [[nodiscard]] Executor executor() noexcept { return timer_.get_executor(); }

  /// False if a wait is in progress.
  [[nodiscard]] bool begin() noexcept { return !std::exchange(is_waited_for_, true); }
  void end() noexcept { is_waited_for_ = false; }

  void cancel() noexcept {
    ++cancels_;
    error_code ignored;
    descriptor_.cancel(ignored);
    timer_.cancel();
  }
  void close() noexcept {
    cancel();
    error_code ignored;
    descriptor_.close(ignored);
  }
  /// Whether a wait that began when `cancels()` was this is to go on.
  [[nodiscard]] bool goes_on(std::uint64_t since) const noexcept {
    return cancels_ == since && descriptor_.is_open();
  }
  /// Moves with each `cancel()`.
  [[nodiscard]] std::uint64_t cancels() const noexcept { return cancels_; }

  [[nodiscard]] std::chrono::nanoseconds debounce() const noexcept { return debounce_; }

  /// Takes what the kernel has collected.
  [[nodiscard]] error_code read() noexcept { return paths_.read(); }
  /// Moves with each change that was read.
  [[nodiscard]] std::uint64_t changes() const noexcept { return paths_.changes(); }
  [[nodiscard]] bool is_told() const noexcept { return told_ == changes(); }
  void tell() noexcept { told_ = changes(); }

  template <class Handler>
  void wait_for_events(Handler&& handler) {
    descriptor_.async_wait(descriptor::wait_read, std::forward<Handler>(handler));
  }
  template <class Handler>
  void wait_until(typename Clock::time_point when, Handler&& handler) {
    timer_.expires_at(when);
    timer_.async_wait(std::forward<Handler>(handler));
  }

private:
  using descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;

  static int open(descriptor& into) {
    int const made = watched_paths::open();
    error_code ec;
    into.assign(made, ec);
    if (ec) {
      ::close(made);
      throw boost::system::system_error(ec, "file_watcher");
    }
    return made;
  }

  descriptor descriptor_;
  boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Executor> timer_;
  watched_paths paths_;
  std::chrono::nanoseconds debounce_;
  std::uint64_t told_;
  std::uint64_t cancels_ = 0;
  bool is_waited_for_ = false;
};

/// The one wait in progress: while this lives, `begin()` is false for others.
template <class State>
class watch_turn {
public:
  explicit watch_turn(std::shared_ptr<State> of) noexcept : state_(std::move(of)) {}
  watch_turn(watch_turn&&) noexcept = default;
  watch_turn& operator=(watch_turn&&) = delete;
  ~watch_turn() { end(); }

  [[nodiscard]] State& state() const noexcept { return *state_; }
  /// Lets the state go.
  void end() noexcept {
    if (state_) state_->end();
    state_.reset();
  }

private:
  std::shared_ptr<State> state_;
};

/// For boost::asio::async_compose. The first step is posted, so that nothing is told from within
/// the function that starts it.
template <class State>
class watch_operation {
public:
  explicit watch_operation(std::shared_ptr<State> of) noexcept
      : cancels_(of->cancels()), turn_(std::move(of)) {}

  template <class Self>
  void operator()(Self& self, error_code ec = {}) {
    if (std::exchange(is_new_, false)) {
      self.reset_cancellation_state(boost::asio::enable_total_cancellation());
      return boost::asio::post(std::move(self));
    }
    auto& state = turn_.state();
    bool const is_cancelled = self.cancelled() != boost::asio::cancellation_type::none;
    if (is_cancelled || !state.goes_on(cancels_)) ec = boost::asio::error::operation_aborted;
    if (!ec) ec = state.read();
    if (ec) return complete(self, ec);
    if (state.is_told()) return state.wait_for_events(std::move(self));
    settle(self, state);
  }

private:
  using time_point = typename State::clock::time_point;

  // Something has changed: until nothing else does.
  template <class Self>
  void settle(Self& self, State& state) {
    auto const now = State::clock::now();
    if (!is_settling_) latest_ = now + 10 * state.debounce();
    bool const is_quiet = std::exchange(is_settling_, true) && seen_ == state.changes();
    if (is_quiet || now >= latest_) {
      state.tell();
      return complete(self, {});
    }
    seen_ = state.changes();
    state.wait_until(std::min(now + state.debounce(), latest_), std::move(self));
  }

  // The handler may do anything with the watcher.
  template <class Self>
  void complete(Self& self, error_code ec) {
    turn_.end();
    self.complete(ec);
  }

  std::uint64_t cancels_;
  std::uint64_t seen_ = 0;
  time_point latest_{};
  bool is_new_ = true;
  bool is_settling_ = false;
  watch_turn<State> turn_;
};

/// A wait that is refused: told as any other end, by a step of its own.
struct refused_watch {
  bool is_new = true;

  template <class Self>
  void operator()(Self& self) {
    if (std::exchange(is_new, false)) return boost::asio::post(std::move(self));
    self.complete(boost::asio::error::already_started);
  }
};

/// What async_initiate calls when the wait is launched.
template <class State>
struct start_watching {
  using executor_type = typename State::executor_type;
  std::shared_ptr<State> state;

  [[nodiscard]] executor_type get_executor() const noexcept { return state->executor(); }

  template <class Handler>
  void operator()(Handler&& handler) const {
    using boost::asio::async_compose;
    using given = std::decay_t<Handler>;
    given own(std::forward<Handler>(handler));
    auto const executor = state->executor();
    if (state->begin()) {
      async_compose<given, void(error_code)>(watch_operation<State>(state), own, executor);
    } else {
      async_compose<given, void(error_code)>(refused_watch(), own, executor);
    }
  }
};

}  // namespace tls_async::detail

#endif
