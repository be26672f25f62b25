// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Servers that ask for the client's certificate.
#include <tls_async_test/certificates.hpp>
#include "trial.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/ssl.h>

namespace tls_async::test {
namespace {

constexpr auto refused = "certificate verify failed";
constexpr auto missing = "peer did not return a certificate";

void use(context& of, identity const& who) {
  of.use_certificate_chain(who.certificate_chain);
  of.use_private_key(who.private_key);
}

int announced(context& server) {
  return sk_X509_NAME_num(SSL_CTX_get_client_CA_list(server.native_handle()));
}

struct client_certificate_fixture {
  context server = ready_server();
  context client = ready_client();
  std::string const& authority = client_identity().authority;
  std::string const& other_authority = make_identity(identity_kind::untrusted).authority;
};

BOOST_FIXTURE_TEST_SUITE(client_certificate, client_certificate_fixture)

BOOST_AUTO_TEST_CASE(required_certificate_is_verified_in_each_version) {
  server.trust(authority);
  server.require_client_certificate();
  for (auto const only : {context::version::tls1_2, context::version::tls1_3}) {
    auto each = ready_client();
    each.set_versions(only, only);
    auto const without = try_handshake(each, server);
    BOOST_TEST(without.server_reason == missing, without);

    use(each, client_identity());
    auto const with = try_handshake(each, server);
    BOOST_TEST(with.completed, with);
    BOOST_TEST(with.client_subject == "tls_async test client");
  }
}

BOOST_AUTO_TEST_CASE(certificate_of_another_authority_is_refused_even_if_only_requested) {
  server.trust(other_authority);
  use(client, client_identity());
  server.require_client_certificate();
  BOOST_TEST(try_handshake(client, server).server_reason == refused);
  server.request_client_certificate();
  BOOST_TEST(try_handshake(client, server).server_reason == refused);
}

BOOST_AUTO_TEST_CASE(server_certificate_does_not_make_a_client) {
  server.trust(authority);
  server.require_client_certificate();
  use(client, server_identity());
  BOOST_TEST(try_handshake(client, server).server_reason == refused);
}

BOOST_AUTO_TEST_CASE(requested_certificate_may_be_missing) {
  server.trust(authority);
  server.request_client_certificate();
  BOOST_TEST(try_handshake(client, server).completed);
  use(client, client_identity());
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.completed, was);
  BOOST_TEST(was.client_subject == "tls_async test client");
}

BOOST_AUTO_TEST_CASE(client_is_not_asked_by_default) {
  server.trust(authority);
  use(client, client_identity());
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.completed, was);
  BOOST_TEST(was.client_subject == "");
}

BOOST_AUTO_TEST_CASE(names_of_trusted_authorities_are_announced_once_each) {
  server.trust(authority);
  BOOST_TEST(announced(server) <= 0);
  server.require_client_certificate();
  BOOST_TEST(announced(server) == 1);
  server.trust(authority + other_authority);
  BOOST_TEST(announced(server) == 2);
  // An authority that got a new key and kept its name.
  server.trust(make_rsa(2048, "same").certificate + make_rsa(2048, "same").certificate);
  BOOST_TEST(announced(server) == 3);
}

BOOST_AUTO_TEST_CASE(names_that_take_too_much_room_are_not_announced) {
  server.trust(authority);
  server.require_client_certificate();
  // 300 times 64 bytes of common name, the most that X.520 allows: more than 16 KiB.
  auto const base = make_rsa(2048, std::string(60, 'x')).certificate;
  std::string many;
  for (int i = 0; i < 300; ++i) {
    many += renamed(base, std::string(60, 'x') + std::to_string(1000 + i));
  }
  server.trust(many);
  BOOST_TEST(announced(server) <= 0);
  use(client, client_identity());
  BOOST_TEST(try_handshake(client, server).completed);
}

BOOST_AUTO_TEST_CASE(asking_without_trust_is_refused) {
  check_refused(errc::empty_trust_store,
                "require_client_certificate() has nothing to verify clients with yet: The peer "
                "cannot be verified because nothing is trusted: call trust_system(), ",
                [&] { server.require_client_certificate(); });
  check_refused(errc::empty_trust_store,
                "request_client_certificate() has nothing to verify clients with yet: ", [&] {
                  server.request_client_certificate();
                });
  BOOST_TEST(try_handshake(client, server).completed);
}

BOOST_AUTO_TEST_CASE(asking_is_for_servers) {
  check_refused(errc::wrong_role,
                "require_client_certificate() is for servers: The context is for the other role: ",
                [&] { client.require_client_certificate(); });
  check_refused(errc::wrong_role, "request_client_certificate() is for servers: ", [&] {
    client.request_client_certificate();
  });
}

BOOST_AUTO_TEST_CASE(chain_of_a_client_has_a_limit) {
  server.trust(authority);
  server.require_client_certificate();
  auto const& own = client_identity();
  // 60 certificates of about 600 bytes in DER: more than 32 KiB.
  std::string chain = own.certificate_chain;
  for (int i = 0; i < 60; ++i) {
    chain += make_identity(identity_kind::server_rsa).certificate_chain;
  }
  client.use_certificate_chain(chain);
  client.use_private_key(own.private_key);
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.server_reason == "excessive message size", was);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
