// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What one run is to do, and what it measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <string>

namespace tls_async::bench {

/// The work of one run.
struct job {
  std::uint64_t messages = 0;  ///< Or round trips, or handshakes: what is counted.
  std::size_t message_bytes = 0;
  std::size_t at_once = 1;  ///< Writers on one connection, or connections.
  int protocol = 13;        ///< TLS 1.2 or 1.3.
  bool resume = false;      ///< Handshakes go on with an earlier session.
  /// Every byte is compared and records are counted. Such a run is not timed.
  bool check = false;
};

/// Metrics by name. CPU times and latencies are in seconds, all else are counts; less is better.
using sample = std::map<std::string, double>;

/// CPU time of the calling thread, in seconds.
inline double thread_cpu() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace tls_async::bench
