// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// This library's stream: by default, with rings of another size, and on another next layer.
#pragma once

#include "asio_net.hpp"

#include <tls_async/tls_async.hpp>

#include <array>
#include <cstddef>

namespace tls_async::bench {

// Without a number the rings are those of the default.
template <std::size_t RingRecords = 0, class NextLayer = tcp::socket>
struct tls_async_type : asio_net {
  static constexpr bool tls = true, many_writers = true;
  using stream = tls_async::stream<NextLayer>;

  static stream make(tcp::socket socket, SSL_CTX* raw) {
    auto context = shared(raw);
    stream_options options;
    if (RingRecords != 0) options.ring_records = RingRecords;
    return {NextLayer(std::move(socket)), context, options};
  }
  static awaitable<void> handshake(stream& s, role side) {
    return s.async_handshake(side == role::server ? stream::server : stream::client, use_awaitable);
  }
  static auto write(stream& s, char const* data, std::size_t n) {
    return tls_write(s, net::buffer(data, n), use_awaitable);
  }
  static auto write(stream& s, char const* first, std::size_t n, char const* second,
                    std::size_t m) {
    return tls_write(
        s, std::array<net::const_buffer, 2>{net::buffer(first, n), net::buffer(second, m)},
        use_awaitable);
  }
  static auto read_some(stream& s, char* data, std::size_t n) {
    return tls_read_some(s, net::buffer(data, n), use_awaitable);
  }
  static SSL* session(stream& s) { return s.native_handle(); }
  static void count(stream& s, record_counter& records) { records.count(session(s)); }
};

}  // namespace tls_async::bench
