// wants: a time limit is a std::chrono::duration: 5s
// errors: 1
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0

#include <tls_async/tls_async.hpp>

#include <boost/asio/ip/tcp.hpp>

namespace asio = boost::asio;
using tls_stream = tls_async::stream<asio::ip::tcp::socket>;

void shake_hands(tls_stream& s) {
  tls_handshake(s, tls_async::as_server{}, 5, [](tls_async::error_code) {});
}
