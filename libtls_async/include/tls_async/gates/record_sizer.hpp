// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Dynamic record size: how long the next record may be.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/gates/verb.hpp>
#include <tls_async/options.hpp>

#include <cstddef>
#include <cstdint>

namespace tls_async::detail {

class record_sizer {
public:
  /// Bytes of plaintext, after `sealed` of them in this session. Chosen by the length that is
  /// sealed: OpenSSL's own limit would keep kernel TLS from engaging.
  [[nodiscard]] std::size_t limit(stream_options const& options, std::uint64_t sealed,
                                  clock_function now) noexcept;

private:
  std::uint64_t small_from_ = 0;  // of all plaintext sealed
  time_point last_sealed_{};
};

}  // namespace tls_async::detail
