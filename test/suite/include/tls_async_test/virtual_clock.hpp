// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A clock that stands still until a test moves it: `stream<T, virtual_clock>` meets its deadlines
// without anybody waiting for them.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/wait_traits.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <stdexcept>

namespace tls_async::test {

struct virtual_clock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<virtual_clock>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept { return current; }
  static void advance(duration by) noexcept { current += by; }

  // Not at the epoch, so that a time that was never set stands out.
  static inline time_point current{std::chrono::hours(1)};
};

}  // namespace tls_async::test

// The event loop looks at virtual timers again after a moment of real time: a timer that is due in
// virtual time is found then, and one that is not is never waited for.
template <>
struct boost::asio::wait_traits<tls_async::test::virtual_clock> {
  using clock = tls_async::test::virtual_clock;
  static clock::duration to_wait_duration(clock::duration const& d) noexcept {
    return d <= clock::duration::zero() ? clock::duration::zero() : std::chrono::milliseconds(1);
  }
  static clock::duration to_wait_duration(clock::time_point const& t) noexcept {
    return to_wait_duration(t - clock::now());
  }
};

namespace tls_async::test {

/// Advances the clock, lets every timer that is due expire, and runs all handlers that are ready.
inline void pass(boost::asio::io_context& io, virtual_clock::duration time) {
  virtual_clock::advance(time);
  boost::asio::basic_waitable_timer<virtual_clock> last(io, virtual_clock::now());
  bool is_over = false;
  last.async_wait([&](boost::system::error_code) { is_over = true; });
  io.restart();
  while (!is_over) {
    constexpr auto too_long = std::chrono::seconds(60);  // only turns a hang into a failure
    if (io.run_one_for(too_long) == 0) throw std::runtime_error{"virtual_clock: no timer expires"};
  }
  io.restart();
  io.poll();
}

}  // namespace tls_async::test
