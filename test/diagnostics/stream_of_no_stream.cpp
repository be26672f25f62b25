// wants: tls_async::stream stands on an async_stream
// errors: 1
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0

#include <tls_async/tls_async.hpp>

void open(tls_async::context& context) {
  tls_async::stream<int> s(5, context);
  s.async_shutdown([](tls_async::error_code) {});
}
