// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The two ways in which a session script drives its stream.
#pragma once

#include <tls_async/tls_async.hpp>

#include <cstddef>
#include <utility>

namespace tls_async::test {

/// How the script drives a stream of this library.
struct tls_verbs {
  static constexpr bool half_close =
      true;  ///< Reads on beside close_write and shutdown, to the end.
  static constexpr bool writes_all = true;
  static constexpr bool eager_client = true;  ///< Reads and writes before the handshake is done.
  static constexpr std::size_t writers = 2;

  static void handshake(auto& s, bool is_client, auto token) {
    if (is_client) {
      tls_handshake(s, as_client{"localhost"}, std::move(token));
    } else {
      tls_handshake(s, as_server{}, std::move(token));
    }
  }
  static void write(auto& s, auto buffers, auto token) { tls_write(s, buffers, std::move(token)); }
  static void read(auto& s, auto buffers, auto token) {
    tls_read_some(s, buffers, std::move(token));
  }
  static void close_write(auto& s, auto token) { tls_close_write(s, std::move(token)); }
  static void shutdown(auto& s, auto token) { tls_shutdown(s, std::move(token)); }
};

/// How it drives boost::asio::ssl::stream, or ours through the same members, within Asio's rules:
/// one write and one read at a time, and a shutdown beside neither.
struct asio_verbs {
  static constexpr bool half_close = false;
  static constexpr bool writes_all = false;
  static constexpr bool eager_client = false;
  static constexpr std::size_t writers = 1;

  static void handshake(auto& s, bool is_client, auto token) {
    s.async_handshake(is_client ? s.client : s.server, std::move(token));
  }
  static void write(auto& s, auto buffers, auto token) {
    s.async_write_some(buffers, std::move(token));
  }
  static void read(auto& s, auto buffers, auto token) {
    s.async_read_some(buffers, std::move(token));
  }
  static void close_write(auto&, auto) {}
  static void shutdown(auto& s, auto token) { s.async_shutdown(std::move(token)); }
};

}  // namespace tls_async::test
