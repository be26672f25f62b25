// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// splice(2), pipe(7). The sockets have O_NONBLOCK, and SPLICE_F_NONBLOCK is for the pipe. EAGAIN
// may mean either: an empty pipe is never full and one that holds something is never empty, so here
// it always means the socket.
#include "splice.hpp"

#include <boost/asio/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace tls_proxy {

using boost::system::error_code;

bool lent_pipe::borrow() noexcept {
  if (ends_.read != -1) return true;
  auto& kept = kept_here();
  if (kept.count != 0) {
    ends_ = kept.places[--kept.count];
    return true;
  }
  std::array<int, 2> made{};
  if (::pipe2(made.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
  ends_ = {made[0], made[1]};
  return true;
}

// One that holds something is of no use to others.
void lent_pipe::give_back() noexcept {
  if (ends_.read == -1) return;
  auto& kept = kept_here();
  if (held_ == 0 && kept.count < most_kept) {
    kept.places[kept.count++] = ends_;
  } else {
    close(ends_);
  }
  ends_ = {};
  held_ = 0;
}

std::size_t lent_pipe::fill(int from, error_code& error) noexcept {
  for (;;) {
    auto const moved = ::splice(from, nullptr, ends_.write, nullptr, most_bytes,
                                SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved > 0) {
      error = {};
      return held_ = static_cast<std::size_t>(moved);
    }
    if (moved < 0 && errno == EINTR) continue;
    error = moved == 0 ? error_code(boost::asio::error::eof)
                       : error_code(errno, boost::system::system_category());
    return 0;
  }
}

std::size_t lent_pipe::drain(int to, error_code& error) noexcept {
  std::size_t drained = 0;
  error = {};
  while (held_ != 0) {
    // No more than there is: kernel TLS holds a record back for what it is told will follow.
    auto const moved =
        ::splice(ends_.read, nullptr, to, nullptr, held_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved > 0) {
      held_ -= static_cast<std::size_t>(moved);
      drained += static_cast<std::size_t>(moved);
    } else if (moved == 0 || errno != EINTR) {
      error = moved == 0 ? error_code(boost::asio::error::broken_pipe)
                         : error_code(errno, boost::system::system_category());
      break;
    }
  }
  return drained;
}

lent_pipe::kept_ends::~kept_ends() {
  while (count != 0)
    lent_pipe::close(places[--count]);
}

void lent_pipe::close(ends const& both) noexcept {
  ::close(both.read);
  ::close(both.write);
}

lent_pipe::kept_ends& lent_pipe::kept_here() noexcept {
  thread_local kept_ends kept;
  return kept;
}

}  // namespace tls_proxy
