// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What is known of one client, whichever version of HTTP it speaks.
#pragma once

#include "reply.hpp"
#include "request_record.hpp"
#include "service.hpp"
#include "websocket.hpp"

#include <tls_async/beast.hpp>
#include <tls_async/tls_async.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace https_server {

struct client {
  client(boost::asio::ip::tcp::socket socket, boost::asio::ip::tcp::endpoint const& from,
         std::shared_ptr<tls_async::context> context, service const& shared);

  // Ends the connection now.
  void abort();
  std::string why(boost::system::error_code error) const;
  reply answer_to(http::request_header<> const& request, bool keep_alive) const;
  // Whether the answer may be the list of a directory: to make that is work.
  bool is_listing(std::string_view target) const;
  // Counts the response and tells it to the log.
  void record(request_record& done, std::chrono::steady_clock::time_point begun) const;

  std::shared_ptr<tls_async::context> tls;  // whoever counts sees that the stream has gone
  tls_stream stream;
  service const& server;
  std::string name;                                // for the log: address, and subject if it has
  boost::asio::cancellation_signal finish_signal;  // the server stops
  bool finishing = false;
  bool stalled = false;
};

}  // namespace https_server
