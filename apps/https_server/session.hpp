// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One connection: handshake, requests one after the other, shutdown. Every wait has its deadline.
#pragma once

#include "reply.hpp"
#include "request_record.hpp"
#include "server_context.hpp"
#include "service.hpp"
#include "websocket.hpp"

#include "serving/connection.hpp"
#include "serving/stall_watch.hpp"

#include <tls_async/beast.hpp>
#include <tls_async/tls_async.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <memory>
#include <string>

namespace https_server {

class session : public serving::connection, public std::enable_shared_from_this<session> {
public:
  session(boost::asio::ip::tcp::socket socket, boost::asio::ip::tcp::endpoint const& client,
          std::shared_ptr<server_context> tls, service const& server);

  // Serves the connection until it ends.
  boost::asio::awaitable<void> run() override;

  // Ends the connection once the request under way is answered.
  void finish() override;
  // Ends the connection now.
  void abort() override;

  tls_async::stats stats() const noexcept override { return stream_.stats(); }

private:
  using request_parser = http::request_parser<http::empty_body>;
  using error_code = boost::system::error_code;

  boost::asio::awaitable<bool> handshake();
  boost::asio::awaitable<bool> wait_for_request();
  boost::asio::awaitable<bool> serve_request();
  boost::asio::awaitable<error_code> read_header(request_parser& parser);
  reply answer_to(upgrade_request const& request, bool keep_alive);
  boost::asio::awaitable<void> serve_websocket(upgrade_request const& request,
                                               request_record& record);
  boost::asio::awaitable<void> send_burst(reply const& response, request_record& record);
  boost::asio::awaitable<void> send(reply const& response, request_record& record);
  boost::asio::awaitable<void> shut_down();
  auto until_finish();
  std::string why(error_code error) const;

  std::shared_ptr<server_context> tls_;  // whose callbacks the stream calls
  tls_stream stream_;
  service const& server_;
  std::string peer_;
  boost::beast::flat_buffer received_;
  boost::asio::steady_timer header_timer_;
  serving::stall_watch stall_watch_;                // while something is sent
  boost::asio::cancellation_signal finish_signal_;  // ends a wait in which nothing is in flight
  bool finishing_ = false;
  bool stalled_ = false;
  bool has_body_ = false;  // of the last request, which may still be on its way
};

}  // namespace https_server
