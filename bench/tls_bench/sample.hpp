// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What one run of one scenario on one stack measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

namespace tls_async::bench {

/// CPU time of the calling thread, in seconds.
inline double thread_cpu() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Counts come first: they do not depend on the machine. A stack that has no such thing leaves it
/// 0.
struct sample {
  double sender_cpu = 0;    ///< Seconds.
  double receiver_cpu = 0;  ///< Seconds.
  double wall = 0;          ///< Seconds.
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;     ///< Of plaintext.
  std::uint64_t sends = 0;     ///< Writes to the socket, by the sender.
  std::uint64_t receives = 0;  ///< Reads from the socket, by the receiver.
};

struct size {
  std::uint64_t messages;
  std::size_t message_bytes;
  std::size_t writers = 1;
};

struct run {
  std::string stack;
  std::function<sample(size)> once;
};

struct scenario {
  std::string name;
  std::string what;
  size full;
  size smoke;
  std::vector<run> runs;  ///< The first is the one that others are compared with.
};

/// All of them, in the order of the report.
std::vector<scenario> const& scenarios();

}  // namespace tls_async::bench
