// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A standalone Asio of another version than Boost's, by default and with larger buffers: from
// version 1.38 on its stream takes their sizes, and then seals several records before each send.
#define TLS_ASYNC_BENCH_STANDALONE
#include "asio_ssl_stack.hpp"
#include "sides.hpp"

namespace tls_async::bench {

stack asio_ssl_newer_stack() { return table_of<asio_ssl<>>("asio_ssl_newer"); }

#if ASIO_VERSION >= 103800
// Room for the records of 64 KiB, which is what async_write passes down at once.
stack asio_ssl_newer_tuned_stack() {
  return table_of<asio_ssl<128 * 1024, 128 * 1024>>("asio_ssl_newer_tuned");
}
#endif

}  // namespace tls_async::bench
