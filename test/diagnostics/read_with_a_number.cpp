// wants: the last argument of a verb is a completion token for its signature
// errors: 1
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0

#include <tls_async/tls_async.hpp>

#include <boost/asio/ip/tcp.hpp>

namespace asio = boost::asio;
using tls_stream = tls_async::stream<asio::ip::tcp::socket>;

void receive(tls_stream& s, asio::mutable_buffer place) { s.async_read_some(place, 5); }
