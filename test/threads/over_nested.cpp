// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Another TLS stream, whose operations complete on whichever thread has driven it.
#include "tcp_ends.hpp"

#include <openssl/ssl.h>

#include <thread>

namespace tls_async::threads {

both_ends over_nested(ingredients of) {
  using socket = asio::ip::tcp::socket;
  socket client_socket(of.client.socket->executor), server_socket(of.server.socket->executor);
  join(client_socket, server_socket);
  using layer = stream<socket>;
  layer client(std::move(client_socket), of.for_client, of.options);
  layer server(std::move(server_socket), of.for_server, of.options);
  SSL_set1_host(client.native_handle(), "localhost");
  std::thread peer([&] {
    error_code ec;
    if (server.handshake(layer::server, ec)) complain("an inner server: " + ec.message());
  });
  error_code ec;
  if (client.handshake(layer::client, ec)) complain("an inner client: " + ec.message());
  peer.join();
  return ends_over<layer>(std::move(of), std::move(client), std::move(server));
}

}  // namespace tls_async::threads
