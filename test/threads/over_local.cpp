// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A pair of local sockets.
#include "tcp_ends.hpp"

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace tls_async::threads {

both_ends over_local(ingredients of) {
  using socket = asio::local::stream_protocol::socket;
  socket client(of.client.socket->executor), server(of.server.socket->executor);
  asio::local::connect_pair(client, server);
  return ends_over<socket>(std::move(of), std::move(client), std::move(server));
}

}  // namespace tls_async::threads
