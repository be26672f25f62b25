// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How much a peer may send that leads to nothing: PING, SETTINGS, RST_STREAM, empty frames, header
// blocks without an end, frames that nobody knows. All of it is counted in one way, by its bytes;
// what leads to something gives them back, and never more than these. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ratio>

namespace http2 {

class allowance {
public:
  using clock = std::chrono::steady_clock;

  static constexpr std::int64_t most = 128 << 10;
  static constexpr std::int64_t each_second = 4 << 10;

  /// `size` bytes have come. `now` never goes back.
  void spend(std::size_t size, clock::time_point now) {
    using time_of_a_byte = std::chrono::duration<std::int64_t, std::ratio<1, each_second>>;
    auto const passed = std::chrono::floor<time_of_a_byte>(now - since_);
    since_ += std::chrono::duration_cast<clock::duration>(passed);
    give_back(static_cast<std::size_t>(std::min(passed.count(), most)));
    left_ -= static_cast<std::int64_t>(size);
  }
  /// Not beyond what there was in the beginning.
  void give_back(std::size_t size) {
    left_ = std::min(most, left_ + static_cast<std::int64_t>(size));
  }
  [[nodiscard]] bool is_spent() const { return left_ < 0; }

private:
  std::int64_t left_ = most;
  clock::time_point since_ = clock::now();
};

}  // namespace http2
