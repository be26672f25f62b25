// wants: tls_handshake needs to know our role
// errors: 1
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0

#include <tls_async/tls_async.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace asio = boost::asio;
using tls_stream = tls_async::stream<asio::ip::tcp::socket>;

asio::awaitable<void> connect(tls_stream& s) { co_await tls_handshake(s); }
