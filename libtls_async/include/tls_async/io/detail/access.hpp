// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How the verbs, and a stream that stands on another, come to the state of a stream, which no
// member of it shows.
#pragma once

namespace tls_async {

template <class NextLayer, class Clock>
class stream;

namespace detail {

struct access {
  template <class NextLayer, class Clock>
  static auto& state(stream<NextLayer, Clock>& s) noexcept {
    return *s.state_;
  }
  /// Null if `s` was moved from.
  template <class NextLayer, class Clock>
  static auto share_state(stream<NextLayer, Clock> const& s) noexcept {
    return s.state_;
  }
};

}  // namespace detail
}  // namespace tls_async
