// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What it prints: who has not finished, and the verbs that are in progress.
#include "watchdog.hpp"

#include <cstdlib>
#include <iostream>
#include <utility>

namespace tls_async::threads {

watchdog::watchdog(std::chrono::seconds patience)
    : patience_(patience), thread_([this] { run(); }) {}

watchdog::~watchdog() {
  {
    std::lock_guard const alone(mutex_);
    is_over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void watchdog::watch(std::vector<std::shared_ptr<standing>> ends) {
  {
    std::lock_guard const alone(mutex_);
    ends_ = std::move(ends);
    until_ = std::chrono::steady_clock::now() + patience_;
  }
  changed_.notify_one();
}

void watchdog::says(char const* phase) {
  std::lock_guard const alone(mutex_);
  phase_ = phase;
}

void watchdog::rest() {
  std::lock_guard const alone(mutex_);
  ends_.clear();
  until_ = std::chrono::steady_clock::time_point::max();
}

void watchdog::run() {
  std::unique_lock alone(mutex_);
  while (!is_over_) {
    bool const is_watching = until_ != std::chrono::steady_clock::time_point::max();
    if (!is_watching) {
      changed_.wait(alone);
    } else if (changed_.wait_until(alone, until_) == std::cv_status::timeout &&
               std::chrono::steady_clock::now() >= until_) {
      bark();
    }
  }
}

void watchdog::bark() {
  std::cerr << "HANGS: while " << phase_ << "\n  in " << scene() << '\n';
  for (auto const& one : ends_) {
    std::string verbs;
    for (int what = 0; what != verb_kinds; ++what) {
      int const n = one->in_progress[static_cast<std::size_t>(what)];
      if (n != 0) verbs += ", " + std::to_string(n) + " " + name_of(static_cast<verb_kind>(what));
    }
    if (one->has_finished && verbs.empty()) continue;
    std::cerr << "  " << one->name << (one->has_shaken ? "" : ", no handshake")
              << (one->closes ? ", closes" : "") << (one->has_ended ? ", has met the end" : "")
              << (one->is_broken ? ", broken" : "") << (one->is_gone ? ", gone" : "")
              << (one->has_finished ? ", finished" : "") << verbs << '\n';
  }
  std::cerr << summary() << std::endl;
  std::_Exit(3);
}

}  // namespace tls_async::threads
