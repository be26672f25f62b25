// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What all WebSockets together may hold (--websocket-bytes), and the share of one.
#pragma once

#include <atomic>
#include <cstddef>

namespace https_server {

// From any thread.
class websocket_memory {
public:
  explicit websocket_memory(std::size_t most) : left_(most) {}

  // One WebSocket's, given back at its end.
  class share {
  public:
    explicit share(websocket_memory& all) : all_(all) {}
    share(share const&) = delete;
    share& operator=(share const&) = delete;
    ~share() { all_.left_ += held_; }

    // False if there is not so much left.
    bool take(std::size_t bytes) noexcept {
      auto left = all_.left_.load();
      do {
        if (left < bytes) return false;
      } while (!all_.left_.compare_exchange_weak(left, left - bytes));
      held_ += bytes;
      return true;
    }
    void give_back(std::size_t bytes) noexcept {
      all_.left_ += bytes;
      held_ -= bytes;
    }

  private:
    websocket_memory& all_;
    std::size_t held_ = 0;
  };

private:
  std::atomic<std::size_t> left_;
};

}  // namespace https_server
