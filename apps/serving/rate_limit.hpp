// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How many of many things may pass: a few at once, fewer in the long run (a token bucket).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace serving {

class rate_limit {
public:
  using clock = std::chrono::steady_clock;

  // `burst` at once, and then one more after each `pause`.
  rate_limit(std::uint64_t burst, clock::duration pause)
      : burst_(burst), pause_(pause), left_(burst) {}

  // Whether one more may pass; `now` never goes back.
  bool admits(clock::time_point now) {
    if (left_ == burst_) since_ = now;
    auto const more = static_cast<std::uint64_t>((now - since_) / pause_);
    since_ += pause_ * more;
    left_ = std::min(burst_, left_ + more);
    if (left_ == 0) return ++refused_, false;
    --left_;
    return true;
  }

  // When one more may pass, after one was refused.
  clock::time_point next() const { return since_ + pause_; }
  // How many were refused since the last call.
  std::uint64_t take_refused() { return std::exchange(refused_, 0); }

private:
  std::uint64_t burst_;
  clock::duration pause_;
  std::uint64_t left_;
  std::uint64_t refused_ = 0;
  clock::time_point since_{};  // of the last one that came back
};

}  // namespace serving
