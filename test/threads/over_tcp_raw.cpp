// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A socket whose executor is that of an io_context, by type.
#include "tcp_ends.hpp"

namespace tls_async::threads {

both_ends over_tcp_raw(ingredients of) {
  using socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;
  socket client(*of.client.socket->io), server(*of.server.socket->io);
  join(client, server);
  return ends_over<socket>(std::move(of), std::move(client), std::move(server));
}

}  // namespace tls_async::threads
