// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What sessions over real sockets share: a loop that is run until something has happened, and a
// handshake on it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include "memory_session.hpp"

namespace tls_async::test {

struct socket_loop {
  // The limit only turns a hang into a failure.
  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) {
      io.restart();
      BOOST_REQUIRE_EQUAL(io.run_one_for(60s), 1U);
    }
  }
  template <class Stream>
  void shake_hands(Stream& client, Stream& server) {
    ending of_client, of_server;
    tls_handshake(client, as_client{"localhost"}, of_client.token());
    tls_handshake(server, as_server{}, of_server.token());
    run_until([&] { return of_client.done && of_server.done; });
    BOOST_REQUIRE_EQUAL(of_client.ec, error_code());
    BOOST_REQUIRE_EQUAL(of_server.ec, error_code());
  }

  boost::asio::io_context io{1};
};

}  // namespace tls_async::test
