// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Finds two threads in one stream at once, in debug builds: the mistake that corrupts a session
// silently.
#pragma once

#include <boost/assert.hpp>

#include <atomic>
#include <thread>

namespace tls_async::detail {

class sole_thread {
public:
  class presence {
  public:
    explicit presence(std::atomic<std::thread::id>* left) noexcept : left_(left) {}
    presence(presence const&) = delete;
    presence& operator=(presence const&) = delete;
    ~presence() {
      if (left_ != nullptr) left_->store({}, std::memory_order_release);
    }

  private:
    std::atomic<std::thread::id>* left_;
  };

  /// The calling thread is in the stream for as long as the answer lives. It may enter again
  /// meanwhile.
  [[nodiscard]] presence enter() noexcept {
#ifndef NDEBUG
    std::thread::id nobody;
    auto const me = std::this_thread::get_id();
    if (inside_.compare_exchange_strong(nobody, me, std::memory_order_acquire))
      return presence(&inside_);
    BOOST_ASSERT_MSG(
        nobody == me,
        "two threads are in one tls_async::stream at once: start all of its verbs on one strand");
#endif
    return presence(nullptr);
  }

private:
  std::atomic<std::thread::id> inside_{};
};

}  // namespace tls_async::detail
