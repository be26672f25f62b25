// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// asio::ssl::stream, of either Asio.
#pragma once

#include "asio_net.hpp"

#include <array>
#include <cstddef>

#ifdef TLS_ASYNC_BENCH_STANDALONE
namespace tls_async::bench::inline on_standalone_asio {
#else
namespace tls_async::bench::inline on_boost_asio {
#endif

/// `BufferBytes` for input and output, where this Asio lets us choose; none for its default.
template <std::size_t... BufferBytes>
struct asio_ssl : asio_net {
  static constexpr bool tls = true, many_writers = false;
  using stream = net::ssl::stream<tcp::socket>;

  static stream make(tcp::socket socket, SSL_CTX* raw) {
    auto context = shared(raw);
    return {std::move(socket), context, BufferBytes...};
  }
  static awaitable<void> handshake(stream& s, role side) {
    return s.async_handshake(
        side == role::server ? net::ssl::stream_base::server : net::ssl::stream_base::client,
        use_awaitable);
  }
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
  static SSL* session(stream& s) { return s.native_handle(); }
  static void count(stream& s, record_counter& records) { records.count(session(s)); }
};

}  // namespace
