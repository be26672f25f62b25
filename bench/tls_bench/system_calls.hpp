// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Counts the system calls of each thread, by standing before the C library's functions: the same
// for every stack, OpenSSL's own descriptor I/O included.
#pragma once

#include <atomic>
#include <cstdint>

namespace tls_async::bench {

struct system_calls {
  std::uint64_t sends = 0;     ///< Calls that send, those that would have blocked too.
  std::uint64_t receives = 0;  ///< Calls that receive, those that would have blocked too.
  std::uint64_t waits = 0;     ///< Calls of epoll_wait.
};

/// Counts of one thread, which other threads may read.
class system_call_counts {
public:
  void add_send() noexcept { add(sends_); }
  void add_receive() noexcept { add(receives_); }
  void add_wait() noexcept { add(waits_); }
  [[nodiscard]] system_calls now() const noexcept { return {sends_, receives_, waits_}; }

private:
  using count = std::atomic<std::uint64_t>;
  // One thread adds, so this need not be one step, which would cost more.
  static void add(count& to) noexcept {
    to.store(to.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  count sends_ = 0, receives_ = 0, waits_ = 0;
};

/// Of the calling thread, since it started.
system_call_counts& system_calls_of_this_thread() noexcept;

}  // namespace tls_async::bench
