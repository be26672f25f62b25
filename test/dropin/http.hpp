// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A Beast HTTP server and client as they are written for boost::asio::ssl::stream, in the four
// styles. The client posts a body of each length of `body_lengths` over one connection and gets it
// back; the last request closes it. Both throw on whatever does not go as it should.
#pragma once

#include "connection.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace tls_async::test {

namespace http = beast::http;
using http_request = http::request<http::string_body>;
using http_response = http::response<http::string_body>;

inline std::vector<std::size_t> const body_lengths{0, 1, 16'385, 500'000};

inline http_request request_of(std::size_t nth) {
  http_request request{http::verb::post, "/echo", 11, std::string(body_lengths[nth], 'q')};
  request.keep_alive(nth + 1 != body_lengths.size());
  request.prepare_payload();
  return request;
}
inline http_response response_to(http_request const& request) {
  http_response response{http::status::ok, 11, request.body()};
  response.keep_alive(request.keep_alive());
  response.prepare_payload();
  return response;
}
inline void require_answers(http_response const& response, http_request const& request) {
  if (response.result() != http::status::ok || response.body() != request.body()) {
    throw std::runtime_error("the response is not the one to the request");
  }
}

// ---- Callbacks.

template <class Stream>
class callback_http_server {
public:
  explicit callback_http_server(Stream& stream) : stream_(stream) {}

  void start() {
    stream_.async_handshake(Stream::server,
                            beast::bind_front_handler(&callback_http_server::handshaken, this));
  }
  bool ended = false;

private:
  void handshaken(error_code ec) {
    require(ec, "server handshake");
    read();
  }
  void read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_, [this](error_code ec, std::size_t) {
      require(ec, "server read");
      response_ = response_to(request_);
      write();
    });
  }
  void write() {
    http::async_write(stream_, response_, [this](error_code ec, std::size_t) {
      require(ec, "server write");
      if (response_.keep_alive()) return read();
      stream_.async_shutdown([this](error_code end) {
        require(end, "server shutdown");
        ended = true;
      });
    });
  }

  Stream& stream_;
  beast::flat_buffer buffer_;
  http_request request_;
  http_response response_;
};

template <class Stream>
class callback_http_client {
public:
  explicit callback_http_client(Stream& stream) : stream_(stream) {}

  void start() {
    stream_.async_handshake(Stream::client, [this](error_code ec) {
      require(ec, "client handshake");
      next();
    });
  }
  bool ended = false;

private:
  void next() {
    if (requests_ == body_lengths.size()) return shutdown();
    request_ = request_of(requests_++);
    response_ = {};
    http::async_write(stream_, request_, [this](error_code ec, std::size_t) {
      require(ec, "client write");
      read();
    });
  }
  void read() {
    http::async_read(stream_, buffer_, response_, [this](error_code ec, std::size_t) {
      require(ec, "client read");
      require_answers(response_, request_);
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
  beast::flat_buffer buffer_;
  http_request request_;
  http_response response_;
  std::size_t requests_ = 0;
};

// ---- Coroutines. `Token` is use_awaitable or deferred.

template <class Stream, class Token>
asio::awaitable<void> coroutine_http_server(Stream& stream, Token token) {
  co_await stream.async_handshake(Stream::server, token);
  beast::flat_buffer buffer;
  bool goes_on = true;
  while (goes_on) {
    http_request request;
    co_await http::async_read(stream, buffer, request, token);
    http_response const response = response_to(request);
    co_await http::async_write(stream, response, token);
    goes_on = response.keep_alive();
  }
  co_await stream.async_shutdown(token);
}

template <class Stream, class Token>
asio::awaitable<void> coroutine_http_client(Stream& stream, Token token) {
  co_await stream.async_handshake(Stream::client, token);
  beast::flat_buffer buffer;
  for (std::size_t nth = 0; nth != body_lengths.size(); ++nth) {
    http_request const request = request_of(nth);
    http_response response;
    co_await http::async_write(stream, request, token);
    co_await http::async_read(stream, buffer, response, token);
    require_answers(response, request);
  }
  co_await stream.async_shutdown(token);
}

// ---- Futures: on a thread of its own, while another runs the io_context.

template <class Stream>
void future_http_client(Stream& stream) {
  stream.async_handshake(Stream::client, asio::use_future).get();
  beast::flat_buffer buffer;
  for (std::size_t nth = 0; nth != body_lengths.size(); ++nth) {
    http_request const request = request_of(nth);
    http_response response;
    http::async_write(stream, request, asio::use_future).get();
    http::async_read(stream, buffer, response, asio::use_future).get();
    require_answers(response, request);
  }
  stream.async_shutdown(asio::use_future).get();
}

// ---- Blocking.

template <class Stream>
void blocking_http_server(Stream& stream) {
  stream.handshake(Stream::server);
  beast::flat_buffer buffer;
  bool goes_on = true;
  while (goes_on) {
    http_request request;
    http::read(stream, buffer, request);
    http_response const response = response_to(request);
    http::write(stream, response);
    goes_on = response.keep_alive();
  }
  stream.shutdown();
}

template <class Stream>
void blocking_http_client(Stream& stream) {
  stream.handshake(Stream::client);
  beast::flat_buffer buffer;
  for (std::size_t nth = 0; nth != body_lengths.size(); ++nth) {
    http_request const request = request_of(nth);
    http_response response;
    http::write(stream, request);
    http::read(stream, buffer, response);
    require_answers(response, request);
  }
  stream.shutdown();
}

}  // namespace tls_async::test
