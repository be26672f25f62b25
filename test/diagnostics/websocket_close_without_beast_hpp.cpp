// wants: a WebSocket over a tls_async::stream needs #include <tls_async/beast.hpp>
// errors: 1
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0

#include <tls_async/tls_async.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/websocket.hpp>

namespace beast = boost::beast;
using tls_stream = tls_async::stream<boost::asio::ip::tcp::socket>;

void end(beast::websocket::stream<tls_stream>& s) { s.close(beast::websocket::normal); }
