// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The timer.
#include "stall_watch.hpp"

#include "tcp_info.hpp"

#include <utility>

namespace serving {

std::uint64_t acknowledged_bytes(boost::asio::ip::tcp::socket& socket) {
  return socket.is_open() ? acknowledged_bytes(socket.native_handle()) : 0;
}

stall_watch::stall_watch(boost::asio::any_io_executor const& executor,
                         std::chrono::nanoseconds limit, std::function<std::uint64_t()> progress,
                         std::function<void()> stalled)
    : timer_(executor),
      limit_(limit),
      progress_(std::move(progress)),
      stalled_(std::move(stalled)) {}

std::unique_ptr<stall_watch, stall_watch::ended_by> stall_watch::begin(std::weak_ptr<void> owner) {
  count_.restart();
  watching_ = true;
  if (!looking_) look_later(std::move(owner));
  return std::unique_ptr<stall_watch, ended_by>(this);
}

void stall_watch::look_later(std::weak_ptr<void> owner) {
  looking_ = true;
  timer_.expires_after(limit_ / stall_count::looks_in_limit);
  timer_.async_wait([this, owner = std::move(owner)](boost::system::error_code stopped) mutable {
    auto const alive = owner.lock();
    if (!alive || stopped) return;
    looking_ = false;
    if (!watching_) return;
    if (count_.is_stalled(progress_()))
      stalled_();
    else
      look_later(std::move(owner));
  });
}

}  // namespace serving
