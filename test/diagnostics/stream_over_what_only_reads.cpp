// wants: tls_async::stream stands on an async_stream
// errors: 1
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0

#include <tls_async/tls_async.hpp>

#include <boost/asio/readable_pipe.hpp>

void end(tls_async::stream<boost::asio::readable_pipe>& s) {
  (void)tls_shutdown(s, [](tls_async::error_code) {});
}
