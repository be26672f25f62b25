// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "last_bytes.hpp"

#include "as_values.hpp"
#include "tcp_info.hpp"

#include <sys/socket.h>

#include <array>

namespace serving {

namespace asio = boost::asio;

// A record with an alert, of any version and suite. A request that is as short is taken for one,
// and comes behind one that was the last.
constexpr std::size_t most_of_close_notify = 64;

std::uint64_t bytes_under_way(asio::ip::tcp::socket& socket) {
  return socket.is_open() ? unacknowledged_bytes(socket.native_handle()) : 0;
}

bool has_arrived(asio::ip::tcp::socket& socket) {
  if (!socket.is_open()) return true;
  auto const descriptor = socket.native_handle();
  return is_over(descriptor) || unacknowledged_bytes(descriptor) == 0;
}

bool may_close(asio::ip::tcp::socket& socket) {
  boost::system::error_code failed;
  std::array<char, most_of_close_notify> unread;
  auto const size = socket.available(failed);
  if (failed || size > unread.size() || bytes_under_way(socket) > most_left_to_kernel) return false;
  // What may still come makes the kernel reset the connection, and drop what it has not sent.
  if (unsent_bytes(socket.native_handle()) != 0) return false;
  if (size != 0) (void)::recv(socket.native_handle(), unread.data(), size, MSG_DONTWAIT);
  return true;
}

asio::awaitable<void> deliver(tls_async::stream<asio::ip::tcp::socket>& stream) {
  boost::system::error_code end;
  do {
    auto const [error] = co_await tls_shutdown(stream, between_looks, as_values);
    end = error;
  } while (end == asio::error::timed_out && !has_arrived(stream.next_layer()));
}

}  // namespace serving
