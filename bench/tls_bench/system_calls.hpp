// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Counts the system calls of each thread, by standing before the C library's functions: the same
// for every stack, OpenSSL's own descriptor I/O included.
#pragma once

#include <cstdint>

namespace tls_async::bench {

struct system_calls {
  std::uint64_t sends = 0;     ///< Calls that send, those that would have blocked too.
  std::uint64_t receives = 0;  ///< Calls that receive, those that would have blocked too.
  std::uint64_t waits = 0;     ///< Calls of epoll_wait.
};

/// Of the calling thread, since it started.
system_calls& system_calls_of_this_thread() noexcept;

}  // namespace tls_async::bench
