// wants: a time limit is a std::chrono::duration: 5s
// errors: 1
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0

#include <tls_async/tls_async.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace asio = boost::asio;
using tls_stream = tls_async::stream<asio::ip::tcp::socket>;

asio::awaitable<void> send(tls_stream& s, asio::const_buffer message) {
  co_await tls_write(s, message, 5);
}
