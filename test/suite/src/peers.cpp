// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async_test/hostile_peer.hpp>
#include <tls_async_test/peers.hpp>

#include <map>
#include <tuple>

namespace tls_async::test {
namespace {

context_ptr make_peer_context(role side, int version, who peer) {
  context_ptr made(SSL_CTX_new(side == role::client ? TLS_client_method() : TLS_server_method()));
  SSL_CTX* const raw = made.get();
  SSL_CTX_set_min_proto_version(raw, version);
  SSL_CTX_set_max_proto_version(raw, version);
  // What record_protection knows.
  SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_cipher_list(raw, "ECDHE-ECDSA-AES128-GCM-SHA256");
  SSL_CTX_set1_groups_list(raw, "X25519:P-256");
  if (peer == who::untrusted) {
    use_identity(raw, make_identity(identity_kind::untrusted));
  } else if (peer == who::known) {
    use_identity(raw, side == role::client ? client_identity() : server_identity());
  } else if (side == role::server) {
    use_identity(raw, make_identity(identity_kind::wrong_host));
  }
  return made;
}

}  // namespace

SSL_CTX* peer_context(role side, int version, who peer) {
  static std::map<std::tuple<role, int, who>, context_ptr> made;
  auto& found = made[{side, version, peer}];
  if (!found) found = make_peer_context(side, version, peer);
  return found.get();
}

std::size_t records_of_session(role side, int version) {
  role const other = side == role::client ? role::server : role::client;
  auto const context = make_context(other, {.version = version, .client_certificate = true});
  raw_session ours(context.get(), other, {one_record_ring, one_record_ring});
  hostile_peer peer(peer_context(side, version, who::known), side, pace::record_by_record, {});
  for (auto said = std::optional<std::string>(std::string()); said; said = peer.next()) {
    ours.give(*said);
    std::string plaintext;
    if (SSL_is_init_finished(ours.ssl()) == 0) ours.handshake();
    while (SSL_is_init_finished(ours.ssl()) != 0 && ours.read(plaintext)) {
    }
    peer.receive(ours.take());
  }
  return peer.points();
}

}  // namespace tls_async::test
