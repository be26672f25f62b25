// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An echo server and client as they are written for boost::asio::ssl::stream, in the four styles:
// callbacks, coroutines, futures, deferred operations. A line goes there and back for each length
// of `line_lengths`, then the client ends the session. Both throw on whatever does not go as it
// should.
#pragma once

#include "connection.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace tls_async::test {

inline std::vector<std::size_t> const line_lengths{1, 2, 16'383, 16'384, 16'385, 1'000'000};

/// So many bytes with the end of line, in which each position is told from its neighbours.
inline std::string line_of(std::size_t length) {
  std::string line(length, '\n');
  for (std::size_t i = 0; i + 1 < length; ++i)
    line[i] = static_cast<char>('!' + (i + i / 90) % 90);
  return line;
}
inline void require_same(std::string const& sent, std::string const& received) {
  if (sent != received) throw std::runtime_error("the echo differs from what was sent");
}

// ---- Callbacks.

template <class Stream>
class callback_echo_server {
public:
  explicit callback_echo_server(Stream& stream) : stream_(stream) {}

  void start() {
    stream_.async_handshake(Stream::server, [this](error_code ec) {
      require(ec, "server handshake");
      read();
    });
  }
  bool ended = false;

private:
  void read() {
    asio::async_read_until(stream_, asio::dynamic_buffer(line_), '\n',
                           [this](error_code ec, std::size_t n) {
                             if (ec == asio::error::eof) return shutdown();
                             require(ec, "server read");
                             write(n);
                           });
  }
  void write(std::size_t length) {
    asio::async_write(stream_, asio::buffer(line_, length), [this](error_code ec, std::size_t n) {
      require(ec, "server write");
      line_.erase(0, n);
      read();
    });
  }
  void shutdown() {
    stream_.async_shutdown([this](error_code ec) {
      require(ec, "server shutdown");
      ended = true;
    });
  }

  Stream& stream_;
  std::string line_;
};

template <class Stream>
class callback_echo_client {
public:
  explicit callback_echo_client(Stream& stream) : stream_(stream) {}

  void start() {
    stream_.async_handshake(Stream::client, [this](error_code ec) {
      require(ec, "client handshake");
      next();
    });
  }
  bool ended = false;

private:
  void next() {
    if (lines_ == line_lengths.size()) return shutdown();
    sent_ = line_of(line_lengths[lines_++]);
    received_.clear();
    asio::async_write(stream_, asio::buffer(sent_), [this](error_code ec, std::size_t) {
      require(ec, "client write");
      read();
    });
  }
  void read() {
    asio::async_read_until(stream_, asio::dynamic_buffer(received_), '\n',
                           [this](error_code ec, std::size_t) {
                             require(ec, "client read");
                             require_same(sent_, received_);
                             next();
                           });
  }
  void shutdown() {
    stream_.async_shutdown([this](error_code ec) {
      require(ec, "client shutdown");
      ended = true;
    });
  }

  Stream& stream_;
  std::string sent_, received_;
  std::size_t lines_ = 0;
};

// ---- Coroutines.

template <class Stream>
asio::awaitable<void> coroutine_echo_server(Stream& stream) {
  co_await stream.async_handshake(Stream::server, asio::use_awaitable);
  std::string line;
  for (;;) {
    error_code ec;
    std::size_t const n = co_await asio::async_read_until(
        stream, asio::dynamic_buffer(line), '\n', asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::eof) break;
    require(ec, "server read");
    co_await asio::async_write(stream, asio::buffer(line, n), asio::use_awaitable);
    line.erase(0, n);
  }
  co_await stream.async_shutdown(asio::use_awaitable);
}

template <class Stream>
asio::awaitable<void> coroutine_echo_client(Stream& stream) {
  co_await stream.async_handshake(Stream::client, asio::use_awaitable);
  for (std::size_t const length : line_lengths) {
    std::string const sent = line_of(length);
    std::string received;
    co_await asio::async_write(stream, asio::buffer(sent), asio::use_awaitable);
    co_await asio::async_read_until(stream, asio::dynamic_buffer(received), '\n',
                                    asio::use_awaitable);
    require_same(sent, received);
  }
  co_await stream.async_shutdown(asio::use_awaitable);
}

// ---- Futures: on a thread of their own, while others run the io_context.

template <class Stream>
void future_echo_server(Stream& stream) {
  stream.async_handshake(Stream::server, asio::use_future).get();
  std::string line;
  for (;;) {
    std::size_t n = 0;
    try {
      n = asio::async_read_until(stream, asio::dynamic_buffer(line), '\n', asio::use_future).get();
    } catch (boost::system::system_error const& error) {
      if (error.code() == asio::error::eof) break;
      throw;
    }
    asio::async_write(stream, asio::buffer(line, n), asio::use_future).get();
    line.erase(0, n);
  }
  stream.async_shutdown(asio::use_future).get();
}

template <class Stream>
void future_echo_client(Stream& stream) {
  stream.async_handshake(Stream::client, asio::use_future).get();
  for (std::size_t const length : line_lengths) {
    std::string const sent = line_of(length);
    std::string received;
    asio::async_write(stream, asio::buffer(sent), asio::use_future).get();
    asio::async_read_until(stream, asio::dynamic_buffer(received), '\n', asio::use_future).get();
    require_same(sent, received);
  }
  stream.async_shutdown(asio::use_future).get();
}

// ---- Deferred: operations are made first and launched later, alone or as a chain.

template <class Stream>
asio::awaitable<void> deferred_echo_server(Stream& stream) {
  co_await stream.async_handshake(Stream::server, asio::deferred);
  std::string line;
  for (;;) {
    error_code ec;
    auto read = asio::async_read_until(stream, asio::dynamic_buffer(line), '\n', asio::deferred);
    std::size_t const n = co_await std::move(read)(asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::eof) break;
    require(ec, "server read");
    auto write = asio::async_write(stream, asio::buffer(line, n), asio::deferred);
    line.erase(0, co_await std::move(write));
  }
  co_await stream.async_shutdown(asio::deferred);
}

template <class Stream>
asio::awaitable<void> deferred_echo_client(Stream& stream) {
  co_await stream.async_handshake(Stream::client, asio::deferred);
  for (std::size_t const length : line_lengths) {
    std::string const sent = line_of(length);
    std::string received;
    auto there_and_back = asio::async_write(
        stream, asio::buffer(sent), asio::deferred([&](error_code ec, std::size_t) {
          require(ec, "client write");
          return asio::async_read_until(stream, asio::dynamic_buffer(received), '\n',
                                        asio::deferred);
        }));
    co_await std::move(there_and_back)(asio::use_awaitable);
    require_same(sent, received);
  }
  co_await stream.async_shutdown(asio::deferred);
}

}  // namespace tls_async::test
