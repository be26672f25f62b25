// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the tests of resumption share: a server, a client's context, a clock that stands still, and
// visits of the one to the other. Uses no Asio.
#pragma once

#include <tls_async/context.hpp>
#include <tls_async/sessions/session_store.hpp>

#include <tls_async_test/certificates.hpp>

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <array>
#include "../core/engine_pair.hpp"

namespace tls_async::test {

/// Time passes when the test says so.
struct still_clock {
  std::chrono::system_clock::time_point moment = std::chrono::system_clock::now();

  session_store::clock clock() {
    return [this] { return moment; };
  }
};

inline context::version version_of(int number) {
  return number == TLS1_2_VERSION ? context::version::tls1_2 : context::version::tls1_3;
}

inline context serving(int version = TLS1_3_VERSION, identity const& own = server_identity()) {
  context server(context::role::server);
  server.set_versions(version_of(version), version_of(version));
  server.use_certificate_chain(own.certificate_chain);
  server.use_private_key(own.private_key);
  return server;
}

inline context trusting() {
  context client(context::role::client);
  client.trust(server_identity().authority);
  return client;
}

/// A client as `trusting` makes it, with the store of another: what its handshakes go by can be set
/// until it is used.
inline context sharing(context& other) {
  auto client = trusting();
  client.use_session_store(other.sessions());
  return client;
}

/// How a handshake ended.
enum class visit { failed, full, resumed };
inline std::ostream& operator<<(std::ostream& out, visit was) {
  constexpr std::array names{"failed", "full", "resumed"};
  return out << names.at(static_cast<std::size_t>(was));
}

/// One connection from its handshake, tickets included, to its end.
struct visitor {
  SSL_CTX* client;
  SSL_CTX* server;
  std::string host = "localhost";
  std::uint16_t port = 443;
  stream_options options = plain_options;          ///< Of the client.
  std::function<void(engine&)> prepare = nullptr;  ///< Before the handshake.
  std::function<void(engine&)> leave = nullptr;    ///< At the end.

  visit operator()() const {
    engine_pair pair(client, server, options, plain_options);
    if (host.empty()) {
      pair.client.be_client();
    } else {
      BOOST_REQUIRE(!pair.client.be_client_of(host, port));
    }
    if (prepare) prepare(pair.client);
    pair.handshake();
    if (leave) leave(pair.client);
    if (pair.client_step.next != want::nothing || pair.server_step.next != want::nothing)
      return visit::failed;
    bool const is_resumed = SSL_session_reused(pair.client.native_handle()) == 1;
    BOOST_TEST(is_resumed == (SSL_session_reused(pair.server.native_handle()) == 1));
    return is_resumed ? visit::resumed : visit::full;
  }
};

/// One visit with everything as usual.
inline visit once(context& client, context& server, std::string host = "localhost",
                  std::uint16_t port = 443) {
  return visitor{client.native_handle(), server.native_handle(), std::move(host), port}();
}

}  // namespace tls_async::test
