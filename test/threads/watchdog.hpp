// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Ends the process if a round does not end: the only use of time here, and far from what any round
// takes.
#pragma once

#include "end.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tls_async::threads {

class watchdog {
public:
  explicit watchdog(std::chrono::seconds patience);
  ~watchdog();
  watchdog(watchdog const&) = delete;

  /// From now on, until `rest`, what these do is expected to end.
  void watch(std::vector<std::shared_ptr<standing>> ends);
  /// In what the round is just now; a literal.
  void says(char const* phase);
  void rest();

private:
  void run();
  [[noreturn]] void bark();

  std::chrono::seconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<standing>> ends_;
  char const* phase_ = "";
  std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::time_point::max();
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace tls_async::threads
