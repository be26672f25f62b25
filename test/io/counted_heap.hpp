// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Counts the calls of malloc and its kin in the whole program, and those that OpenSSL makes apart.
// Of glibc, and not for a program with a sanitizer, which has a heap of its own.
#pragma once

#include <cstddef>

namespace tls_async::test {

struct heap_calls {
  std::size_t ours = 0;  ///< Of everybody but OpenSSL.
  std::size_t of_openssl = 0;

  static heap_calls so_far();
  heap_calls operator-(heap_calls const& earlier) const {
    return {ours - earlier.ours, of_openssl - earlier.of_openssl};
  }
};

}  // namespace tls_async::test
