// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A reference to a socket, which dies right after its stream.
#include "tcp_ends.hpp"

namespace tls_async::threads {

both_ends over_tcp_ref(ingredients of) {
  using socket = asio::ip::tcp::socket;
  socket client(of.client.socket->executor), server(of.server.socket->executor);
  join(client, server);
  return ends_over<socket&>(std::move(of), std::move(client), std::move(server));
}

}  // namespace tls_async::threads
