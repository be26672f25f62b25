// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Ends over a connection on the loopback.
#pragma once

#include "connection.hpp"
#include "end_of.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <utility>

namespace tls_async::threads {

template <class Socket>
void join(Socket& client, Socket& server) {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  client.connect(acceptor.local_endpoint());
  acceptor.accept(server);
}

template <class Layer, class Socket>
both_ends ends_over(ingredients of, Socket client, Socket server) {
  return {std::make_shared<end_of<Layer>>(std::move(of.client), std::move(client), of.for_client,
                                          of.options),
          std::make_shared<end_of<Layer>>(std::move(of.server), std::move(server), of.for_server,
                                          of.options)};
}

}  // namespace tls_async::threads
