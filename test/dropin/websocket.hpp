// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A Beast WebSocket server and client as they are written for boost::asio::ssl::stream, in the four
// styles. The client sends a message of each length of `message_lengths`, gets it back, and closes.
// Both throw on whatever does not go as it should.
#pragma once

#include "connection.hpp"

#include <tls_async/beast.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace tls_async::test {

namespace websocket = beast::websocket;

inline std::vector<std::size_t> const message_lengths{0, 1, 16'385, 300'000};

inline void require_closed(error_code ec) {
  if (ec != websocket::error::closed) throw boost::system::system_error(ec, "a close was expected");
}
inline void require_same(std::size_t length, beast::flat_buffer const& received) {
  if (beast::buffers_to_string(received.data()) != std::string(length, 'm')) {
    throw std::runtime_error("the echo differs from what was sent");
  }
}

// ---- Callbacks. `WebSocket` is websocket::stream<TLS stream>.

template <class WebSocket>
class callback_websocket_server {
public:
  explicit callback_websocket_server(WebSocket& stream) : stream_(stream) {}

  void start() {
    stream_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    stream_.next_layer().async_handshake(ssl::stream_base::server, [this](error_code ec) {
      require(ec, "server TLS handshake");
      stream_.async_accept([this](error_code accepted) {
        require(accepted, "server accept");
        read();
      });
    });
  }
  bool closed = false;

private:
  void read() {
    stream_.async_read(buffer_, [this](error_code ec, std::size_t) {
      if (ec) {
        require_closed(ec);
        closed = true;
        return;
      }
      stream_.async_write(buffer_.data(), [this](error_code written, std::size_t n) {
        require(written, "server write");
        buffer_.consume(n);
        read();
      });
    });
  }

  WebSocket& stream_;
  beast::flat_buffer buffer_;
};

template <class WebSocket>
class callback_websocket_client {
public:
  explicit callback_websocket_client(WebSocket& stream) : stream_(stream) {}

  void start() {
    stream_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::client));
    stream_.next_layer().async_handshake(ssl::stream_base::client, [this](error_code ec) {
      require(ec, "client TLS handshake");
      stream_.async_handshake("localhost", "/", [this](error_code upgraded) {
        require(upgraded, "client handshake");
        next();
      });
    });
  }
  bool closed = false;

private:
  void next() {
    if (messages_ == message_lengths.size()) return close();
    sent_.assign(message_lengths[messages_++], 'm');
    buffer_.clear();
    stream_.async_write(asio::buffer(sent_), [this](error_code ec, std::size_t) {
      require(ec, "client write");
      read();
    });
  }
  void read() {
    stream_.async_read(buffer_, [this](error_code ec, std::size_t) {
      require(ec, "client read");
      require_same(sent_.size(), buffer_);
      next();
    });
  }
  void close() {
    stream_.async_close(websocket::close_code::normal, [this](error_code ec) {
      require(ec, "client close");
      closed = true;
    });
  }

  WebSocket& stream_;
  beast::flat_buffer buffer_;
  std::string sent_;
  std::size_t messages_ = 0;
};

// ---- Coroutines.

template <class WebSocket>
asio::awaitable<void> coroutine_websocket_server(WebSocket& stream) {
  co_await stream.next_layer().async_handshake(ssl::stream_base::server, asio::use_awaitable);
  co_await stream.async_accept(asio::use_awaitable);
  for (;;) {
    beast::flat_buffer buffer;
    error_code ec;
    co_await stream.async_read(buffer, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) {
      require_closed(ec);
      co_return;
    }
    co_await stream.async_write(buffer.data(), asio::use_awaitable);
  }
}

template <class WebSocket>
asio::awaitable<void> coroutine_websocket_client(WebSocket& stream) {
  co_await stream.next_layer().async_handshake(ssl::stream_base::client, asio::use_awaitable);
  co_await stream.async_handshake("localhost", "/", asio::use_awaitable);
  for (std::size_t const length : message_lengths) {
    std::string const sent(length, 'm');
    beast::flat_buffer received;
    co_await stream.async_write(asio::buffer(sent), asio::use_awaitable);
    co_await stream.async_read(received, asio::use_awaitable);
    require_same(length, received);
  }
  co_await stream.async_close(websocket::close_code::normal, asio::use_awaitable);
}

// ---- Blocking.

template <class WebSocket>
void blocking_websocket_server(WebSocket& stream) {
  stream.next_layer().handshake(ssl::stream_base::server);
  stream.accept();
  for (;;) {
    beast::flat_buffer buffer;
    error_code ec;
    stream.read(buffer, ec);
    if (ec) return require_closed(ec);
    stream.write(buffer.data());
  }
}

template <class WebSocket>
void blocking_websocket_client(WebSocket& stream) {
  stream.next_layer().handshake(ssl::stream_base::client);
  stream.handshake("localhost", "/");
  for (std::size_t const length : message_lengths) {
    std::string const sent(length, 'm');
    beast::flat_buffer received;
    stream.write(asio::buffer(sent));
    stream.read(received);
    require_same(length, received);
  }
  stream.close(websocket::close_code::normal);
}

}  // namespace tls_async::test
