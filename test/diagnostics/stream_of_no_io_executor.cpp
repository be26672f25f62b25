// wants: tls_async::stream stands on an async_stream
// errors: 1
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0

#include <tls_async/tls_async.hpp>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace asio = boost::asio;
using erased_socket = asio::basic_stream_socket<asio::ip::tcp, asio::any_completion_executor>;

void open(tls_async::stream<erased_socket>& s) {
  s.async_shutdown([](tls_async::error_code) {});
}
