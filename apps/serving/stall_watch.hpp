// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// When a connection makes no progress any more. A completed write tells little of it: the kernel
// takes megabytes before the peer reads any, and then calls a socket writable only when a third of
// them has gone. What the peer has acknowledged tells: a slow reader goes on, one that has stopped
// is ended.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace serving {

// Bytes that the peer has acknowledged so far, 0 for a socket that is closed. A peer that doesn't
// read acknowledges no more once its buffers are full.
std::uint64_t acknowledged_bytes(boost::asio::ip::tcp::socket& socket);

// Counts the looks at which nothing had changed. Pure.
class stall_count {
public:
  static constexpr int looks_in_limit = 4;

  // Whether nothing has changed for the whole limit.
  bool is_stalled(std::uint64_t progress) noexcept {
    unchanged_ = progress == progress_ ? unchanged_ + 1 : 0;
    progress_ = progress;
    return unchanged_ >= looks_in_limit;
  }
  // The next look may come just after this, so it is only what the others are compared with.
  void restart() noexcept { unchanged_ = -1; }

private:
  std::uint64_t progress_ = 0;
  int unchanged_ = -1;
};

// Looks a few times within the limit, while there is something to watch, and costs nothing else.
class stall_watch {
public:
  // `progress` is a number that changes with it. `stalled` is called when it has not changed for
  // the limit, or up to a quarter longer.
  stall_watch(boost::asio::any_io_executor const& executor, std::chrono::nanoseconds limit,
              std::function<std::uint64_t()> progress, std::function<void()> stalled);

  struct ended_by {
    void operator()(stall_watch* self) const noexcept { self->watching_ = false; }
  };

  // On the executor of the timer, until what it returns is gone. `owner` keeps this alive: once it
  // is gone nothing is called.
  [[nodiscard]] std::unique_ptr<stall_watch, ended_by> begin(std::weak_ptr<void> owner);
  // For good: its timer keeps no io_context running.
  void stop() { timer_.cancel(); }

private:
  void look_later(std::weak_ptr<void> owner);

  boost::asio::steady_timer timer_;
  std::chrono::nanoseconds limit_;
  std::function<std::uint64_t()> progress_;
  std::function<void()> stalled_;
  stall_count count_;
  bool watching_ = false;
  bool looking_ = false;  // the timer runs; it is not stopped each time that a short write ends
};

}  // namespace serving
