// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A WebSocket (RFC 6455) on a connection that a request has asked to upgrade. Its memory is there
// only while it is.
#pragma once

#include "service.hpp"
#include "websocket_memory.hpp"

#include "serving/as_values.hpp"

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
using serving::as_values;
using upgrade_request = boost::beast::http::request<boost::beast::http::empty_body>;

// Whether a request asks for a WebSocket at this path.
bool asks_for_websocket(upgrade_request const& request, std::string_view path);

// What a WebSocket has done, for the log.
struct websocket_record {
  unsigned status = 101;
  std::uint64_t bytes = 0;        // of the messages that were sent
  boost::system::error_code end;  // none if it was closed as it should be
};

// What one holds before it has a long message (204 KiB were measured): most of all the state of
// compression, both ways. What TLS holds for the connection is not in it.
constexpr std::size_t open_websocket_bytes = std::size_t{224} << 10;

// Compresses where the client wants it, pings a client that is silent, and is ended by a client
// that does not answer (--idle-seconds), a message that is too long (--message-bytes) or for which
// no memory is left ("try again later"), or the stop of the server, which sends a close frame with
// "going away". One read and one write at a time.
class websocket {
public:
  // `memory` holds open_websocket_bytes already. `stop` is emitted when the server stops. All these
  // have to outlive this.
  websocket(tls_stream& stream, connection_limits const& limits, websocket_memory::share& memory,
            boost::asio::cancellation_slot stop);
  websocket(websocket const&) = delete;
  websocket& operator=(websocket const&) = delete;
  ~websocket();

  // Answers the request; false if it was refused.
  boost::asio::awaitable<bool> accept(upgrade_request const& request);
  // One whole message in place of the last; false at the end, whatever that was.
  boost::asio::awaitable<bool> read(boost::beast::flat_buffer& message);
  // Takes whatever comes, and keeps nothing of it, until the end.
  boost::asio::awaitable<void> pass_over();
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
                                              service const& server,
                                              websocket_memory::share& memory,
                                              boost::asio::cancellation_slot stop);

}  // namespace https_server
