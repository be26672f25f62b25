// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How many KeyUpdates the peer may send: a bucket of tokens, so that so many may come at once, and
// so many a second in the long run.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/gates/verb.hpp>
#include <tls_async/options.hpp>

#include <cstdint>

namespace tls_async::detail {

class key_update_limit {
public:
  /// How many may come from here on, of which `seen` have come so far. Not with a rate of 0.
  [[nodiscard]] std::uint32_t allowed(stream_options const& options, std::uint64_t seen,
                                      clock_function now) noexcept;

private:
  std::uint32_t counted_ = 0;
  std::uint32_t spent_ = 0;
  time_point earned_{};
};

}  // namespace tls_async::detail
