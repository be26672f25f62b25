// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// HTTP/1.1: requests one after the other.
#pragma once

#include "client.hpp"

#include "serving/stall_watch.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace https_server {

// For a wait in which nothing is in flight. (Boost 1.81 cannot bind a slot to asio::deferred.)
inline auto until_finish(client& of) {
  return boost::asio::bind_cancellation_slot(of.finish_signal.slot(),
                                             boost::asio::as_tuple(boost::asio::use_awaitable));
}

class http1 {
public:
  // `owner` keeps all of these alive.
  http1(client& of, serving::stall_watch& watch, std::weak_ptr<void> owner);

  // For the first bytes of a request; false if there will be none.
  boost::asio::awaitable<bool> wait();
  // Answers one request; false if it was the last.
  boost::asio::awaitable<bool> serve_one();
  // Of the last request, which may still be on its way.
  bool has_body() const { return has_body_; }
  // The client has said that its request is the last, and has our answer and close_notify.
  bool is_over() const { return is_over_; }

private:
  using request_parser = http::request_parser<http::empty_body>;
  using error_code = boost::system::error_code;

  boost::asio::awaitable<error_code> read_header(request_parser& parser);
  boost::asio::awaitable<void> serve_websocket(upgrade_request const& request,
                                               request_record& record);
  boost::asio::awaitable<void> send_burst(reply const& response, std::string header,
                                          request_record& record);
  boost::asio::awaitable<void> send(reply& response, request_record& record);

  client& client_;
  serving::stall_watch& stall_watch_;
  std::weak_ptr<void> owner_;
  boost::beast::flat_buffer received_;
  std::size_t idle_bytes_;
  bool has_body_ = false;
  bool is_over_ = false;
};

}  // namespace https_server
