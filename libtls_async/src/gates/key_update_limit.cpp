// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/gates/key_update_limit.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace tls_async::detail {

std::uint32_t key_update_limit::allowed(stream_options const& options, std::uint64_t seen,
                                        clock_function now) noexcept {
  std::uint32_t const rate = options.most_key_updates_per_second;
  std::uint32_t const burst = std::max(options.most_key_updates_in_a_row, rate);
  spent_ += seen - std::exchange(counted_, seen);
  if (spent_ != 0) {
    time_point const moment = now();
    // Whole seconds first: milliseconds since the start of the clock, times a high rate, are more
    // than 64 bits hold.
    auto const elapsed = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(moment - earned_).count());
    auto const earned = elapsed / 1000 * rate + elapsed % 1000 * rate / 1000;
    if (earned != 0) {
      spent_ -= std::min(earned, spent_);
      earned_ = moment;
    }
  }
  return static_cast<std::uint32_t>(burst - std::min<std::uint64_t>(burst, spent_));
}

}  // namespace tls_async::detail
