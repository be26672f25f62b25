// wants: a time limit is a std::chrono::duration: 5s
// errors: 1
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0

#include <tls_async/tls_async.hpp>

#include <boost/asio/ip/tcp.hpp>

namespace asio = boost::asio;
using tls_stream = tls_async::stream<asio::ip::tcp::socket>;

tls_async::stream_options patient() {
  tls_async::stream_options options;
  options.handshake_deadline = 60;
  return options;
}
