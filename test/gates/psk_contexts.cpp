// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "psk_contexts.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <string_view>

namespace tls_async::test {
namespace {

constexpr std::string_view name = "key";

// The caller owns it.
SSL_SESSION* make_session(SSL* ssl) {
  std::array<unsigned char, 2> const suite{0x13, 0x01};
  std::array<unsigned char, 32> const key{1, 2, 3};
  SSL_SESSION* const session = SSL_SESSION_new();
  BOOST_REQUIRE(SSL_SESSION_set1_master_key(session, key.data(), key.size()) == 1);
  BOOST_REQUIRE(SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, suite.data())) == 1);
  BOOST_REQUIRE(SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1);
  return session;
}

int offer(SSL* ssl, EVP_MD const*, unsigned char const** id, std::size_t* length,
          SSL_SESSION** session) {
  *id = reinterpret_cast<unsigned char const*>(name.data());
  *length = name.size();
  *session = make_session(ssl);
  return 1;
}

int find(SSL* ssl, unsigned char const*, std::size_t, SSL_SESSION** session) {
  *session = make_session(ssl);
  return 1;
}

context_ptr make(role side) {
  bool const is_client = side == role::client;
  context_ptr context(SSL_CTX_new(is_client ? TLS_client_method() : TLS_server_method()));
  SSL_CTX* const raw = context.get();
  BOOST_REQUIRE(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1);
  BOOST_REQUIRE(SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256") == 1);
  // No group is common, so they do without one.
  BOOST_REQUIRE(SSL_CTX_set1_groups_list(raw, is_client ? "P-256" : "X25519") == 1);
  SSL_CTX_set_options(raw, SSL_OP_ALLOW_NO_DHE_KEX);
  SSL_CTX_set_mode(raw, tls_settings().mode);
  SSL_CTX_set_psk_use_session_callback(raw, &offer);
  SSL_CTX_set_psk_find_session_callback(raw, &find);
  SSL_CTX_set_num_tickets(raw, 0);
  return context;
}

}  // namespace

SSL_CTX* psk_context(role side) {
  static auto const client = make(role::client), server = make(role::server);
  return side == role::client ? client.get() : server.get();
}

}  // namespace tls_async::test
