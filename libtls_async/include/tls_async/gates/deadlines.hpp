// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One timer for all deadlines of a stream. It is never set back: when it is early, it finds the
// next deadline and is set again. So a stream in full swing sets it once in a while, not once a
// verb.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/gates/verb.hpp>

#include <utility>

namespace tls_async::detail {

class deadlines {
public:
  void add(time_point expiry) noexcept {
    if (expiry >= set_to_) return;
    set_to_ = expiry;
    has_changed_ = true;
  }
  [[nodiscard]] bool has_changed() const noexcept { return has_changed_; }
  /// What the timer has to be set to now; `never` if it stays as it is.
  [[nodiscard]] time_point take_change() noexcept {
    return std::exchange(has_changed_, false) ? set_to_ : never;
  }
  [[nodiscard]] bool has_any() const noexcept { return set_to_ != never; }
  /// The timer has expired, or is to be stopped: nothing is set any more. True if something was.
  bool clear() noexcept {
    has_changed_ = false;
    return std::exchange(set_to_, never) != never;
  }

private:
  time_point set_to_ = never;
  bool has_changed_ = false;
};

}  // namespace tls_async::detail
