// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "socket_pump.hpp"

#include <boost/asio/error.hpp>

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace tls_async::test::model {

bool socket_pump::move() {
  bool moved = false;
  while (move_out() || move_in())
    moved = true;
  return moved;
}

bool socket_pump::move_out() {
  std::array<char, 16'384> room;
  if (leaving_.empty() && !on_.over->out.has_ended) {
    auto const n = ::recv(far_, room.data(), room.size(), MSG_DONTWAIT);
    if (n > 0) leaving_.assign(room.data(), static_cast<std::size_t>(n));
    bool const has_failed = n < 0 && errno != EAGAIN;
    if (n == 0 || has_failed) on_.over->out.has_ended = true;
  }
  if (leaving_.empty()) return false;
  error_code ec;
  auto const taken = on_.over->take(leaving_, ec);
  if (ec) leaving_.clear();
  leaving_.erase(0, taken.value_or(0));
  on_.over->settle();
  return taken.value_or(0) != 0;
}

bool socket_pump::move_in() {
  std::array<char, 16'384> room;
  error_code ec;
  if (coming_.empty() && !told_end_) {
    auto const given = on_.over->give(boost::asio::buffer(room), ec);
    coming_.assign(room.data(), given.value_or(0));
  }
  if (ec) {
    told_end_ = true;
    ::shutdown(far_, ec == boost::asio::error::eof ? SHUT_WR : SHUT_RDWR);
  }
  if (coming_.empty()) return false;
  auto const sent = ::send(far_, coming_.data(), coming_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && errno == EAGAIN) return false;
  coming_.erase(0, sent < 0 ? coming_.size() : static_cast<std::size_t>(sent));
  return true;
}

}  // namespace tls_async::test::model
