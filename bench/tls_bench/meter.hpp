// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Measures the calling thread, and knows what plaintext must arrive.
#pragma once

#include "sample.hpp"
#include "system_calls.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace tls_async::bench {

/// CPU time and system calls of this thread from its making on, each for one of `messages`.
class meter {
public:
  void stop(sample& result, std::uint64_t messages) const {
    double const cpu = thread_cpu() - cpu_, n = static_cast<double>(messages);
    system_calls const now = system_calls_of_this_thread().now();
    result["cpu"] = cpu / n;
    result["sends"] = static_cast<double>(now.sends - calls_.sends) / n;
    result["receives"] = static_cast<double>(now.receives - calls_.receives) / n;
    result["waits"] = static_cast<double>(now.waits - calls_.waits) / n;
  }

private:
  system_calls calls_ = system_calls_of_this_thread().now();
  double cpu_ = thread_cpu();
};

/// The plaintext of every message: bytes that show a shift, a loss or a repetition.
inline std::string message_of(std::size_t bytes) {
  std::string message(bytes, '\0');
  unsigned state = 1;
  for (char& c : message)
    c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24);
  return message;
}

/// Compares what arrives with the message, over and over: all of it when checking, else its ends.
class expected_plaintext {
public:
  expected_plaintext(std::string message, bool all) : message_(std::move(message)), all_(all) {}

  void take(char const* data, std::size_t n) {
    std::size_t const size = message_.size();
    bool right =
        data[0] == message_[taken_ % size] && data[n - 1] == message_[(taken_ + n - 1) % size];
    for (std::size_t i = 0; all_ && right && i < n;) {
      std::size_t const at = (taken_ + i) % size, some = std::min(n - i, size - at);
      right = std::memcmp(data + i, message_.data() + at, some) == 0;
      i += some;
    }
    if (!right) throw std::runtime_error("wrong plaintext arrived");
    taken_ += n;
  }
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

private:
  std::string message_;
  bool all_;
  std::uint64_t taken_ = 0;
};

/// Latencies of single round trips.
class latencies {
public:
  using clock = std::chrono::steady_clock;

  explicit latencies(std::uint64_t expected) { all_.reserve(expected); }
  void add(clock::time_point start) {
    all_.push_back(std::chrono::duration<double>(clock::now() - start).count());
  }
  void tell(sample& result) {
    if (all_.empty()) throw std::runtime_error("no round trip was measured");
    std::sort(all_.begin(), all_.end());
    result["p50"] = all_[all_.size() / 2];
    result["p99"] = all_[all_.size() * 99 / 100];
  }

private:
  std::vector<double> all_;
};

}  // namespace tls_async::bench
