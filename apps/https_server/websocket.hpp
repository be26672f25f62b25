// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A WebSocket (RFC 6455) on a connection that a request has asked to upgrade. Its memory is there
// only while it is.
#pragma once

#include "options.hpp"

#include <tls_async/tls_async.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace https_server {

using tls_stream = tls_async::stream<boost::asio::ip::tcp::socket>;
using upgrade_request = boost::beast::http::request<boost::beast::http::empty_body>;

// Whether a request asks for a WebSocket at this path.
bool asks_for_websocket(upgrade_request const& request, std::string_view path);

// What a WebSocket has done, for the log.
struct websocket_record {
  unsigned status = 101;
  std::uint64_t bytes = 0;        // of the messages that were sent
  boost::system::error_code end;  // none if it was closed as it should be
};

// Compresses where the client wants it, pings a client that is silent, and is ended by a client
// that does not answer (--idle-seconds), a message that is too long (--message-bytes), or the stop
// of the server, which sends a close frame with "going away". One read and one write at a time.
class websocket {
public:
  // `stop` is emitted when the server stops. The stream has to outlive this.
  websocket(tls_stream& stream, connection_limits const& limits,
            boost::asio::cancellation_slot stop);
  websocket(websocket const&) = delete;
  websocket& operator=(websocket const&) = delete;
  ~websocket();

  // Answers the request; false if it was refused.
  boost::asio::awaitable<bool> accept(upgrade_request const& request);
  // One whole message; false at the end, whatever that was.
  boost::asio::awaitable<bool> read(boost::beast::flat_buffer& message);
  // A message of the same kind as the one that was read last; text if none was. Where it cannot be
  // sent, the next read tells the end.
  boost::asio::awaitable<void> write(boost::asio::const_buffer message);

  websocket_record const& record() const noexcept;

private:
  struct implementation;
  std::unique_ptr<implementation> implementation_;
};

// Sends back each message that comes, until the end.
boost::asio::awaitable<websocket_record> echo(tls_stream& stream, upgrade_request const& request,
                                              connection_limits const& limits,
                                              boost::asio::cancellation_slot stop);

}  // namespace https_server
