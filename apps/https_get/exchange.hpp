// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One connection with one request: resolve, connect, handshake, ask, receive. Every wait but that
// for the name has its deadline. Each step throws failure.
#pragma once

#include "console.hpp"
#include "destination.hpp"
#include "failure.hpp"
#include "options.hpp"

#include <tls_async/tls_async.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/url/url.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace https_get {

class exchange {
public:
  exchange(boost::asio::io_context& io, tls_async::context& context, options const& chosen,
           boost::urls::url const& url, console& out);

  boost::asio::awaitable<void> connect();

  // Puts the body into `file`. Returns what to ask instead, if the server or `file` wants that.
  boost::asio::awaitable<std::optional<boost::urls::url>> fetch(destination& file);

private:
  using error_code = boost::system::error_code;
  using clock = std::chrono::steady_clock;
  using response_parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;

  boost::asio::awaitable<void> ask(destination const& file);
  boost::asio::awaitable<void> receive_header();
  boost::asio::awaitable<void> receive_body(destination& file);
  void require_framing() const;

  std::optional<boost::urls::url> redirect() const;
  std::optional<boost::urls::url> part_refused(destination& file) const;
  std::string answer() const;
  void accept(destination& file);
  void expect_progress();

  failure handshake_failure(error_code error) const;
  failure receive_failure(error_code error) const;
  std::string why(error_code error) const;
  std::string peer() const;
  void report_times();

  options const& options_;
  boost::urls::url url_;
  console& console_;
  tls_async::stream<boost::beast::tcp_stream> stream_;
  boost::beast::flat_buffer received_;
  std::optional<response_parser> response_;

  clock::time_point started_ = clock::now();
  clock::time_point resolved_, connected_, negotiated_, first_byte_;
};

}  // namespace https_get
