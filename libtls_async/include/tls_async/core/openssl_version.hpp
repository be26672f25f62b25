// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a version of OpenSSL must not be asked for.
#pragma once

#include <array>

namespace tls_async::detail {

/// Whether SSL_free_buffers(3) keeps the buffers that are in use, as `number` of
/// OpenSSL_version_num(3) says: CVE-2024-4741, fixed in 3.0.14, 3.1.6, 3.2.2, 3.3.1. That a
/// distribution has the fix in an older version is not known here.
constexpr bool frees_only_unused_buffers(unsigned long number) noexcept {
  constexpr std::array first_fixed{14U, 6U, 2U, 1U};  // of 3.0, 3.1, ...
  unsigned long const major = number >> 28, minor = number >> 20 & 0xff, patch = number >> 4 & 0xff;
  if (major != 3 || minor >= first_fixed.size()) return major >= 3;
  return patch >= first_fixed.at(minor);
}

}  // namespace tls_async::detail
