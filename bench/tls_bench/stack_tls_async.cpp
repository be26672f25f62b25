// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "load.hpp"
#include "sides.hpp"
#include "tls_async_stack.hpp"

#include <boost/beast/core/tcp_stream.hpp>

namespace tls_async::bench {

stack tls_async_stack() { return table_of<tls_async_type<>>("tls_async"); }
// Only to serve idle connections: waiting by readiness is not for this next layer.
stack tls_async_beast_stack() {
  stack s;
  s.name = "tls_async_beast";
  s.serve = serve<tls_async_type<0, boost::beast::tcp_stream>>;
  return s;
}
load_table tls_async_load() { return load_table_of<tls_async_type<>>(); }

}  // namespace tls_async::bench
