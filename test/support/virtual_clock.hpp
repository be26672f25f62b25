// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A clock that stands still until a test moves it: `stream<T, virtual_clock>` meets its deadlines
// without anybody waiting for them.
#pragma once

#include <boost/asio/wait_traits.hpp>

#include <chrono>

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
