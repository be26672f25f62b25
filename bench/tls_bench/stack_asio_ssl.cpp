// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "asio_ssl_stack.hpp"
#include "sides.hpp"

namespace tls_async::bench {

stack asio_ssl_stack() { return table_of<asio_ssl<>>("asio_ssl"); }

}  // namespace tls_async::bench
