// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Beast's stream, which may have timeouts of its own.
#include "tcp_ends.hpp"

#include <boost/beast/core/tcp_stream.hpp>

namespace tls_async::threads {

both_ends over_beast(ingredients of) {
  asio::ip::tcp::socket client(of.client.socket->executor), server(of.server.socket->executor);
  join(client, server);
  using layer = boost::beast::tcp_stream;
  return ends_over<layer>(std::move(of), layer(std::move(client)), layer(std::move(server)));
}

}  // namespace tls_async::threads
