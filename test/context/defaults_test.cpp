// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a context is before anyone sets anything, and what the engine can ask of it.
#include <tls_async/core/policy.hpp>
#include <tls_async_test/certificates.hpp>
#include <tls_async_test/tls_pair.hpp>
#include "trial.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <optional>
#include <type_traits>
#include <utility>

namespace tls_async::test {
namespace {

constexpr auto client_role = context::role::client;
constexpr auto server_role = context::role::server;

// What a session of this context would really offer.
std::vector<std::string> effective_suites(context& of) {
  session_ptr const session{SSL_new(of.native_handle())};
  auto* const suites = SSL_get1_supported_ciphers(session.get());
  std::vector<std::string> suite_names;
  suite_names.reserve(static_cast<std::size_t>(sk_SSL_CIPHER_num(suites)));
  for (int i = 0; i < sk_SSL_CIPHER_num(suites); ++i) {
    suite_names.emplace_back(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(suites, i)));
  }
  sk_SSL_CIPHER_free(suites);
  return suite_names;
}

// A peer of the test's own that speaks only one version and sees to nothing else.
context_ptr lax_peer(role side, int version) {
  auto peer = make_context(side);
  SSL_CTX_set_security_level(peer.get(), 0);
  SSL_CTX_set_min_proto_version(peer.get(), version);
  SSL_CTX_set_max_proto_version(peer.get(), version);
  SSL_CTX_set_cipher_list(peer.get(), "ALL:@SECLEVEL=0");
  return peer;
}

static_assert(!std::is_copy_constructible_v<context> && !std::is_copy_assignable_v<context>);
static_assert(std::is_nothrow_move_constructible_v<context> &&
              std::is_nothrow_move_assignable_v<context>);

// Destroyed after main(), and after OpenSSL has cleaned up: what it then leaves is for the leak
// checker of the asan preset.
std::unique_ptr<context> global;

BOOST_AUTO_TEST_SUITE(defaults)

BOOST_AUTO_TEST_CASE(context_may_outlive_openssl) {
  global = std::make_unique<context>(ready_server());
  global->set_alpn({"h2"});
}

// CVE-2002-20001: the client chooses the group, and only the server has to pay for it.
BOOST_AUTO_TEST_CASE(groups_of_finite_fields_are_not_negotiated) {
  for (char const* const group : {"ffdhe2048", "ffdhe3072", "ffdhe8192"}) {
    auto server = ready_server();
    auto costly = make_context(role::client);
    BOOST_TEST_REQUIRE(SSL_CTX_set1_groups_list(costly.get(), group) == 1);
    BOOST_TEST(!try_handshake(costly.get(), server.native_handle()).completed, group);
    auto client = ready_client();
    auto only = make_context(role::server);
    BOOST_TEST_REQUIRE(SSL_CTX_set1_groups_list(only.get(), group) == 1);
    BOOST_TEST(!try_handshake(client.native_handle(), only.get()).completed, group);
    // By name they can be had.
    server.set_groups(group);
    BOOST_TEST(try_handshake(costly.get(), server.native_handle()).completed, group);
  }
  for (char const* const group : {"X25519", "P-256", "P-384", "P-521", "X448"}) {
    auto server = ready_server();
    auto usual = make_context(role::client);
    BOOST_TEST_REQUIRE(SSL_CTX_set1_groups_list(usual.get(), group) == 1);
    BOOST_TEST(try_handshake(usual.get(), server.native_handle()).completed, group);
  }
}

BOOST_AUTO_TEST_CASE(handshake_succeeds_in_tls13_with_nothing_but_identity_and_trust) {
  auto server = ready_server();
  auto client = ready_client();
  auto const was = try_handshake(client, server);
  BOOST_TEST_REQUIRE(was.completed, was);
  BOOST_TEST(was.version == "TLSv1.3");
  BOOST_TEST(was.server_subject == "tls_async test server");
}

BOOST_AUTO_TEST_CASE(suites_are_aead_with_ephemeral_keys) {
  std::vector<std::string> const expected{
      "TLS_AES_256_GCM_SHA384",      "TLS_CHACHA20_POLY1305_SHA256",
      "TLS_AES_128_GCM_SHA256",      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
      "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
      "ECDHE-RSA-CHACHA20-POLY1305",
  };
  for (auto const side : {client_role, server_role}) {
    context of{side};
    BOOST_TEST(effective_suites(of) == expected, boost::test_tools::per_element());
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M11"))
BOOST_AUTO_TEST_CASE(options_modes_and_level_are_the_documented_ones) {
  for (auto const side : {client_role, server_role}) {
    context of{side};
    SSL_CTX* const handle = of.native_handle();
    auto const options = SSL_CTX_get_options(handle);
    BOOST_TEST((options & SSL_OP_NO_RENEGOTIATION) != 0U);
    BOOST_TEST((options & SSL_OP_NO_COMPRESSION) != 0U);
    BOOST_TEST((options & (SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT |
                           SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                           SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_ENABLE_KTLS)) == 0U);
    BOOST_TEST(SSL_CTX_get_security_level(handle) == 2);
    BOOST_TEST(SSL_CTX_get_min_proto_version(handle) == TLS1_2_VERSION);
    BOOST_TEST(SSL_CTX_get_max_proto_version(handle) == 0);
    BOOST_TEST((SSL_CTX_get_mode(handle) & SSL_MODE_RELEASE_BUFFERS) != 0);
    BOOST_TEST((SSL_CTX_get_mode(handle) & SSL_MODE_NO_AUTO_CHAIN) != 0);
    // Callbacks are told, and OpenSSL itself keeps nothing.
    BOOST_TEST(SSL_CTX_get_session_cache_mode(handle) ==
               (side == client_role ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE
                                    : SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL));
    BOOST_TEST(SSL_CTX_sess_get_new_cb(handle) != nullptr);
    BOOST_TEST(SSL_CTX_get_num_tickets(handle) == 2U);
    BOOST_TEST(SSL_CTX_get_verify_mode(handle) ==
               (side == client_role ? SSL_VERIFY_PEER : SSL_VERIFY_NONE));
  }
}

constexpr int old_versions[] = {TLS1_VERSION, TLS1_1_VERSION};
BOOST_DATA_TEST_CASE(peer_that_speaks_only_an_old_version_is_refused, old_versions, version) {
  auto server = ready_server();
  auto client = ready_client();
  auto const with_server =
      try_handshake(lax_peer(role::client, version).get(), server.native_handle());
  BOOST_TEST(with_server.server_reason == "unsupported protocol", with_server);
  auto const with_client =
      try_handshake(client.native_handle(), lax_peer(role::server, version).get());
  // The peer refuses first: it has no version that we offer.
  BOOST_TEST(with_client.server_reason == "unsupported protocol", with_client);
  BOOST_TEST(!with_client.completed);
}

BOOST_AUTO_TEST_CASE(peer_that_knows_only_weak_suites_is_refused) {
  auto server = ready_server();
  auto const peer = lax_peer(role::client, TLS1_2_VERSION);
  for (char const* const weak : {"ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256", "aNULL"}) {
    BOOST_TEST(SSL_CTX_set_cipher_list(peer.get(), weak) == 1);
    auto const was = try_handshake(peer.get(), server.native_handle());
    BOOST_TEST(was.server_reason == "no shared cipher", weak << ": " << was);
  }
}

BOOST_AUTO_TEST_CASE(client_refuses_every_server_before_it_trusts_anyone) {
  auto server = ready_server();
  context client{client_role};
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.client_reason == "certificate verify failed", was);
}

BOOST_AUTO_TEST_CASE(insecure_skip_verification_is_the_only_way_to_connect_to_anyone) {
  auto server = ready_server();
  context client{client_role};
  client.insecure_skip_verification();
  BOOST_TEST(try_handshake(client, server).completed);
  check_refused(errc::wrong_role, "insecure_skip_verification() is for clients; a server",
                [&] { server.insecure_skip_verification(); });
}

BOOST_AUTO_TEST_CASE(server_context_cannot_connect_and_client_context_cannot_accept) {
  auto server = ready_server();
  auto client = ready_client();
  BOOST_TEST(!try_handshake(server.native_handle(), server.native_handle()).completed);
  BOOST_TEST(!try_handshake(client.native_handle(), client.native_handle()).completed);
}

BOOST_AUTO_TEST_CASE(resumed_session_needs_no_certificate_again_and_still_is_verified) {
  auto server = ready_server();
  server.trust(client_identity().authority);
  server.require_client_certificate();
  auto client = ready_client();
  client.use_certificate_chain(client_identity().certificate_chain);
  client.use_private_key(client_identity().private_key);

  SSL_SESSION* ticket = nullptr;
  SSL_CTX_set_app_data(client.native_handle(), &ticket);
  SSL_CTX_set_session_cache_mode(client.native_handle(), SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client.native_handle(), [](SSL* session, SSL_SESSION* fresh) {
    auto& slot = *static_cast<SSL_SESSION**>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
    // A copy: OpenSSL spoils the original when the session ends without close_notify.
    SSL_SESSION_free(std::exchange(slot, SSL_SESSION_dup(fresh)));
    return 0;
  });
  BOOST_TEST_REQUIRE(try_handshake(client, server).completed);
  BOOST_TEST_REQUIRE(ticket != nullptr);

  auto const resumes = [&] {
    raw_session ours{client.native_handle(), role::client};
    raw_session theirs{server.native_handle(), role::server};
    auto* const copy = SSL_SESSION_dup(ticket);
    SSL_set_session(ours.ssl(), copy);
    SSL_SESSION_free(copy);
    while (SSL_is_init_finished(ours.ssl()) == 0 || SSL_is_init_finished(theirs.ssl()) == 0) {
      ours.handshake();
      theirs.handshake();
      if (move_ciphertext(ours, theirs) + move_ciphertext(theirs, ours) == 0) break;
    }
    BOOST_TEST(SSL_is_init_finished(theirs.ssl()) == 1);
    return SSL_session_reused(theirs.ssl()) == 1;
  };
  BOOST_TEST(resumes());
  // Another rule for whom to trust: a session of before is not worth anything any more.
  server.trust(make_identity(identity_kind::untrusted).authority);
  BOOST_TEST(!resumes());
  SSL_SESSION_free(ticket);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(policy)

BOOST_AUTO_TEST_CASE(policy_of_a_foreign_context_is_null) {
  auto const foreign = make_context(role::client);
  BOOST_TEST(detail::policy_of(foreign.get()) == nullptr);
  BOOST_TEST(detail::has_trust(foreign.get()));
  context_ptr const fresh{SSL_CTX_new(TLS_client_method())};
  BOOST_TEST(detail::policy_of(fresh.get()) == nullptr);
  BOOST_TEST(!detail::has_trust(fresh.get()));
}

BOOST_AUTO_TEST_CASE(policy_says_what_was_set) {
  context client{client_role};
  auto const* const policy = detail::policy_of(client.native_handle());
  BOOST_TEST_REQUIRE(policy != nullptr);
  BOOST_TEST(!client.is_server());
  BOOST_TEST(!policy->trust.has_any());
  BOOST_TEST(!policy->verification_skipped);
  BOOST_TEST(!policy->identity_incomplete);
  BOOST_TEST(!detail::has_trust(client.native_handle()));

  client.trust(server_identity().authority);
  BOOST_TEST(policy->trust.has_any());
  BOOST_TEST(detail::has_trust(client.native_handle()));
  client.insecure_skip_verification();
  BOOST_TEST(policy->verification_skipped);
  client.use_private_key(client_identity().private_key);
  BOOST_TEST(policy->identity_incomplete);
  client.use_certificate_chain(client_identity().certificate_chain);
  BOOST_TEST(!policy->identity_incomplete);

  context const server{server_role};
  BOOST_TEST(server.is_server());
}

BOOST_AUTO_TEST_CASE(trust_put_in_through_the_native_handle_counts) {
  context client{client_role};
  temporary_directory const files;
  auto const file = files.file("ca.pem", server_identity().authority);
  BOOST_TEST(SSL_CTX_load_verify_file(client.native_handle(), file.c_str()) == 1);
  BOOST_TEST(detail::has_trust(client.native_handle()));
}

BOOST_AUTO_TEST_CASE(session_outlives_its_context_with_policy_and_alpn) {
  std::optional<context> server{ready_server()};
  server->set_alpn({"h2"});
  auto client = ready_client();
  client.set_alpn({"h2"});
  raw_session accepted{server->native_handle(), role::server};
  raw_session connecting{client.native_handle(), role::client};
  server.reset();
  BOOST_TEST_REQUIRE(detail::policy_of(SSL_get_SSL_CTX(accepted.ssl())) != nullptr);
  while (SSL_is_init_finished(accepted.ssl()) == 0) {
    connecting.handshake();
    move_ciphertext(connecting, accepted);
    accepted.handshake();
    BOOST_TEST_REQUIRE(move_ciphertext(accepted, connecting) > 0U);
  }
  unsigned char const* chosen = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(accepted.ssl(), &chosen, &length);
  BOOST_TEST(std::string(chosen, chosen + length) == "h2");
}

BOOST_AUTO_TEST_CASE(moved_context_is_the_same_one) {
  auto first = ready_server();
  SSL_CTX* const handle = first.native_handle();
  context second{std::move(first)};
  BOOST_TEST(second.native_handle() == handle);
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  BOOST_TEST(first.native_handle() == nullptr);
  first = context{client_role};
  BOOST_TEST(!first.is_server());
  first = std::move(second);
  BOOST_TEST(first.native_handle() == handle);
  auto client = ready_client();
  BOOST_TEST(try_handshake(client, first).completed);
}

BOOST_AUTO_TEST_CASE(error_queue_is_empty_after_every_setter) {
  context server{server_role};
  auto const check = [](auto&& set) {
    dirty_error_queue();
    set();
    BOOST_TEST(ERR_peek_error() == 0U);
  };
  check([] { context{client_role}; });
  check([&] { server.use_certificate_chain(server_identity().certificate_chain); });
  check([&] { server.use_private_key(server_identity().private_key); });
  check([&] { server.trust(server_identity().authority); });
  check([&] { server.set_versions(context::version::tls1_2, context::version::tls1_3); });
  check([&] { server.set_ciphers_tls12("ECDHE+AESGCM"); });
  check([&] { server.set_ciphersuites_tls13("TLS_AES_128_GCM_SHA256"); });
  check([&] { server.set_groups("X25519:P-256"); });
  check([&] { server.set_alpn({"h2"}); });
  check([&] { server.require_client_certificate(); });
  check([&] { server.request_client_certificate(); });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
