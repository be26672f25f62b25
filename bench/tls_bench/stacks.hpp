// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The stacks that are compared, each behind the same few functions, over the same counting socket.
#pragma once

#include "sample.hpp"

#include <support/certificates.hpp>

#include <tls_async/tls_async.hpp>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace tls_async::bench {

namespace asio = boost::asio;
using asio::ip::tcp;
inline constexpr auto use_awaitable = asio::use_awaitable;

/// A socket that counts the operations of the layer above it.
class counting_socket : public tcp::socket {
public:
  explicit counting_socket(tcp::socket socket) : tcp::socket(std::move(socket)) {}

  template <class Buffers, class Token>
  auto async_write_some(Buffers const& buffers, Token&& token) {
    ++sends;
    return tcp::socket::async_write_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_read_some(Buffers const& buffers, Token&& token) {
    ++receives;
    return tcp::socket::async_read_some(buffers, std::forward<Token>(token));
  }

  std::uint64_t sends = 0, receives = 0;
};

/// One context each way, for all stacks: TLS 1.3, AES-128-GCM, X25519, ECDSA P-256.
struct contexts {
  asio::ssl::context server{asio::ssl::context::tls_server};
  asio::ssl::context client{asio::ssl::context::tls_client};

  contexts() {
    auto const& identity = test::server_identity();
    server.use_certificate_chain(asio::buffer(identity.certificate_chain));
    server.use_private_key(asio::buffer(identity.private_key), asio::ssl::context::pem);
    client.add_certificate_authority(asio::buffer(identity.authority));
    for (auto* const context : {server.native_handle(), client.native_handle()}) {
      SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
      SSL_CTX_set1_groups_list(context, "X25519");
    }
  }
  static contexts& all() {
    static contexts instance;
    return instance;
  }
};

/// Lets one coroutine after the other in, for stacks that allow one writer at a time.
class coroutine_lock {
public:
  explicit coroutine_lock(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  asio::awaitable<void> lock() {
    if (std::exchange(locked_, true)) {
      asio::steady_timer turn(executor_, asio::steady_timer::time_point::max());
      waiting_.push_back(&turn);
      co_await turn.async_wait(asio::as_tuple(use_awaitable));
    }
  }
  void unlock() {
    if (waiting_.empty()) {
      locked_ = false;
    } else {
      waiting_.front()->cancel();
      waiting_.pop_front();
    }
  }

private:
  asio::any_io_executor executor_;
  std::deque<asio::steady_timer*> waiting_;
  bool locked_ = false;
};

struct tls_async_stack {
  static constexpr char const* name = "tls_async";
  using stream = tls_async::stream<counting_socket>;
  static constexpr bool many_writers = true;

  static stream make(tcp::socket socket, asio::ssl::context& context) {
    return {counting_socket(std::move(socket)), context};
  }
  static asio::awaitable<void> handshake(stream& s, asio::ssl::stream_base::handshake_type type) {
    co_await s.async_handshake(type, use_awaitable);
  }
  template <class Buffers>
  static auto write(stream& s, Buffers const& buffers) {
    return tls_write(s, buffers, use_awaitable);
  }
  template <class Buffers>
  static auto read_some(stream& s, Buffers const& buffers) {
    return tls_read_some(s, buffers, use_awaitable);
  }
};

struct asio_ssl_stack {
  static constexpr char const* name = "asio_ssl";
  using stream = asio::ssl::stream<counting_socket>;
  static constexpr bool many_writers = false;

  static stream make(tcp::socket socket, asio::ssl::context& context) {
    return {counting_socket(std::move(socket)), context};
  }
  static asio::awaitable<void> handshake(stream& s, asio::ssl::stream_base::handshake_type type) {
    co_await s.async_handshake(type, use_awaitable);
  }
  template <class Buffers>
  static auto write(stream& s, Buffers const& buffers) {
    return asio::async_write(s, buffers, use_awaitable);
  }
  template <class Buffers>
  static auto read_some(stream& s, Buffers const& buffers) {
    return s.async_read_some(buffers, use_awaitable);
  }
};

/// No TLS at all: the floor.
struct tcp_stack {
  static constexpr char const* name = "tcp";
  struct stream : counting_socket {
    using counting_socket::counting_socket;
    counting_socket& next_layer() { return *this; }
  };
  static constexpr bool many_writers = false;

  static stream make(tcp::socket socket, asio::ssl::context&) { return stream(std::move(socket)); }
  static asio::awaitable<void> handshake(stream&, asio::ssl::stream_base::handshake_type) {
    co_return;
  }
  template <class Buffers>
  static auto write(stream& s, Buffers const& buffers) {
    return asio::async_write(s, buffers, use_awaitable);
  }
  template <class Buffers>
  static auto read_some(stream& s, Buffers const& buffers) {
    return s.async_read_some(buffers, use_awaitable);
  }
};

}  // namespace tls_async::bench
