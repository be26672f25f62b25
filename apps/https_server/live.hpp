// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A WebSocket that tells what the whole server has done so far, twice a second.
#pragma once

#include "service.hpp"
#include "websocket.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

namespace https_server {

// Sends one message with what was negotiated on this connection, then the counters as JSON, until
// the client leaves or the server stops. What the client sends is ignored.
boost::asio::awaitable<websocket_record> live(tls_stream& stream, upgrade_request const& request,
                                              service const& server,
                                              websocket_memory::share& memory,
                                              boost::asio::cancellation_slot stop);

}  // namespace https_server
