// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// No TLS at all: half of the floor.
#include "asio_net.hpp"
#include "load.hpp"
#include "sides.hpp"

#include <array>

namespace tls_async::bench {
namespace {

struct tcp_stack_type : asio_net {
  static constexpr bool tls = false, many_writers = false;
  using stream = tcp::socket;

  static stream make(tcp::socket socket, SSL_CTX*) { return socket; }
  static awaitable<void> handshake(stream&, role) { co_return; }
  static auto write(stream& s, char const* data, std::size_t n) {
    return net::async_write(s, net::buffer(data, n), use_awaitable);
  }
  static auto write(stream& s, char const* first, std::size_t n, char const* second,
                    std::size_t m) {
    return net::async_write(
        s, std::array<net::const_buffer, 2>{net::buffer(first, n), net::buffer(second, m)},
        use_awaitable);
  }
  static auto read_some(stream& s, char* data, std::size_t n) {
    return s.async_read_some(net::buffer(data, n), use_awaitable);
  }
  static void count(stream&, record_counter&) {}
};

}  // namespace

stack tcp_stack() {
  stack s = table_of<tcp_stack_type>("tcp");
  s.peer = s.name;
  return s;
}
load_table tcp_load() { return load_table_of<tcp_stack_type>(); }

}  // namespace tls_async::bench
