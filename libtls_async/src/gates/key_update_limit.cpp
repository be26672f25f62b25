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
  // What has come since, also where the count has gone round.
  auto const now_counted = static_cast<std::uint32_t>(seen);
  spent_ += now_counted - std::exchange(counted_, now_counted);
  if (spent_ != 0) {
    time_point const moment = now();
    // Whole seconds first: milliseconds since the start of the clock, times a high rate, are more
    // than 64 bits hold.
    auto const elapsed = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(moment - earned_).count());
    auto const earned = elapsed / 1000 * rate + elapsed % 1000 * rate / 1000;
    if (earned != 0) {
      spent_ -= static_cast<std::uint32_t>(std::min<std::uint64_t>(earned, spent_));
      earned_ = moment;
    }
  }
  return burst - std::min(burst, spent_);
}

}  // namespace tls_async::detail
