// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "contexts.hpp"

#include <tls_async/identities.hpp>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>

#include <tls_async_test/certificates.hpp>
#include <tls_async_test/tls_pair.hpp>

namespace tls_async::test::torture {
namespace {

std::unique_ptr<context_pair> make(context_kind kind) {
  auto made = std::make_unique<context_pair>();
  made->client.trust(server_identity().authority);
  made->server.use_certificate_chain(server_identity().certificate_chain);
  made->server.use_private_key(server_identity().private_key);
  made->client.set_alpn({"torture"});
  made->server.set_alpn({"torture"});
  if (kind == context_kind::tls12)
    made->client.set_versions(context::version::tls1_2, context::version::tls1_2);
  if (kind == context_kind::client_certificate) {
    made->client.use_certificate_chain(client_identity().certificate_chain);
    made->client.use_private_key(client_identity().private_key);
    made->server.trust(client_identity().authority);
    made->server.require_client_certificate();
    identities all;
    all.add(server_identity().certificate_chain, server_identity().private_key);
    made->server.use_identities(all);
  }
  if (kind == context_kind::budget) {
    made->client.set_memory_budget(1);
    made->server.set_memory_budget(1);
  }
  raw_session client(made->client.native_handle(), role::client, {1 << 16, 1 << 16});
  raw_session server(made->server.native_handle(), role::server, {1 << 16, 1 << 16});
  for (int i = 0; i != 8; ++i) {
    client.handshake();
    move_ciphertext(client, server);
    server.handshake();
    move_ciphertext(server, client);
  }
  (void)client.read_all();  // the tickets
  made->session.reset(SSL_get1_session(client.ssl()));
  if (SSL_SESSION_is_resumable(made->session.get()) != 1)
    throw std::runtime_error("there is no session to resume");
  return made;
}

}  // namespace

context_pair& contexts_of(context_kind kind) {
  static std::array<std::unique_ptr<context_pair>, 4> made;
  auto& pair = made.at(static_cast<std::size_t>(kind));
  if (!pair) pair = make(kind);
  return *pair;
}

}  // namespace tls_async::test::torture
