// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// For whom a session is not resumed: another peer, other rules, another certificate of ours.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>

#include "resuming.hpp"
#include "revocations.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

int pass_on(int before, X509_STORE_CTX*) { return before; }

struct rules_fixture {
  void check_resumes(visit expected = visit::resumed) {
    BOOST_TEST(once(client, server) == expected);
  }
  void check_is_new() {
    check_resumes(visit::full);
    check_resumes();
  }
  // Another client with the same store, of which nothing has been used.
  void renew_client() { client = sharing(client); }

  context server = serving();
  context client = trusting();
};

BOOST_FIXTURE_TEST_SUITE(resumption_rules, rules_fixture)

BOOST_AUTO_TEST_CASE(another_host_or_port_is_another_peer) {
  BOOST_TEST(once(client, server, "localhost", 443) == visit::full);
  BOOST_TEST(once(client, server, "example.test", 443) == visit::full);
  BOOST_TEST(once(client, server, "localhost", 444) == visit::full);
  BOOST_TEST(once(client, server, "127.0.0.1", 443) == visit::full);
  BOOST_TEST(once(client, server, "localhost", 443) == visit::resumed);
  BOOST_TEST(once(client, server, "127.0.0.1", 443) == visit::resumed);
}

BOOST_AUTO_TEST_CASE(host_is_the_same_in_any_case_and_with_a_final_dot) {
  BOOST_TEST(once(client, server, "LocalHost") == visit::full);
  BOOST_TEST(once(client, server, "localhost.") == visit::resumed);
  BOOST_TEST(once(client, server, "LOCALHOST") == visit::resumed);
}

BOOST_AUTO_TEST_CASE(other_protocols_are_another_offer) {
  check_resumes(visit::full);
  renew_client();
  check_resumes();
  renew_client();
  client.set_alpn({"h2", "http/1.1"});
  check_is_new();
  renew_client();
  client.set_alpn({"http/1.1", "h2"});
  check_is_new();
}

BOOST_AUTO_TEST_CASE(another_certificate_of_ours_is_another_client) {
  server.trust(client_identity().authority);
  server.request_client_certificate();
  check_resumes(visit::full);
  client.use_certificate_chain(client_identity().certificate_chain);
  client.use_private_key(client_identity().private_key);
  check_is_new();
}

BOOST_AUTO_TEST_CASE(other_rules_are_a_full_handshake) {
  auto const& more = make_identity(identity_kind::untrusted).authority;
  check_resumes(visit::full);
  client.trust(more);
  check_is_new();
  renew_client();
  client.trust(more);
  check_resumes();
  renew_client();
  client.trust(more);
  client.set_rules_version("2");
  check_is_new();
  SSL_CTX_set_verify_depth(client.native_handle(), 3);
  check_is_new();
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(client.native_handle()), X509_V_FLAG_X509_STRICT);
  check_is_new();
}

BOOST_AUTO_TEST_CASE(peer_that_was_revoked_is_not_resumed) {
  auto const look_at = [this](std::string const& revocations) {
    renew_client();
    check_revocations(client.native_handle(), revocations);
  };
  check_resumes(visit::full);
  look_at(make_revocations());
  check_is_new();
  look_at(make_revocations(server_identity().certificate_chain));
  check_resumes(visit::failed);
}

// Each alone is another rule.
BOOST_AUTO_TEST_CASE(list_of_the_revoked_and_flags_of_the_store_count) {
  check_resumes(visit::full);
  renew_client();
  auto* const store = SSL_CTX_get_cert_store(client.native_handle());
  add_revocations(store, make_revocations());
  check_is_new();
  X509_STORE_set_flags(store, X509_V_FLAG_X509_STRICT);
  check_is_new();
}

// Nobody has told what is in it.
BOOST_AUTO_TEST_CASE(context_with_another_store_to_verify_by_resumes_nothing) {
  check_resumes(visit::full);
  renew_client();
  auto const others = make_context(role::client);
  BOOST_TEST_REQUIRE(SSL_CTX_set1_verify_cert_store(client.native_handle(),
                                                    SSL_CTX_get_cert_store(others.get())) == 1);
  check_resumes(visit::full);
  check_resumes(visit::full);
}

BOOST_AUTO_TEST_CASE(session_of_an_unverified_peer_is_for_those_that_verify_nobody) {
  context careless(context::role::client);
  careless.insecure_skip_verification();
  careless.use_session_store(client.sessions());
  BOOST_TEST(once(careless, server) == visit::full);
  BOOST_TEST(once(careless, server) == visit::resumed);
  check_is_new();
  renew_client();
  client.insecure_skip_verification();
  check_resumes(visit::full);
}

BOOST_AUTO_TEST_CASE(callback_of_the_session_needs_a_version) {
  auto visiting = visitor{client.native_handle(), server.native_handle()};
  visiting.prepare = [](engine& session) {
    session.verify_with([](bool before, X509_STORE_CTX*) { return before; }, false);
  };
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(client.sessions()->size() == 0U);
  renew_client();
  client.set_rules_version("1");
  visiting.client = client.native_handle();
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::resumed);
}

BOOST_AUTO_TEST_CASE(callback_of_openssls_needs_a_version) {
  SSL_CTX_set_verify(client.native_handle(), SSL_VERIFY_PEER, &pass_on);
  check_resumes(visit::full);
  check_resumes(visit::full);
  renew_client();
  SSL_CTX_set_verify(client.native_handle(), SSL_VERIFY_PEER, &pass_on);
  client.set_rules_version("1");
  check_is_new();
  renew_client();
  auto visiting = visitor{client.native_handle(), server.native_handle()};
  BOOST_TEST(visiting() == visit::full);
  visiting.prepare = [](engine& session) {
    SSL_set_verify(session.native_handle(), SSL_VERIFY_PEER, &pass_on);
  };
  BOOST_TEST(visiting() == visit::full);
}

BOOST_AUTO_TEST_CASE(peer_that_only_a_callback_accepts_leaves_no_session) {
  context trusts_other(context::role::client);
  trusts_other.trust(make_identity(identity_kind::untrusted).authority);
  trusts_other.set_rules_version("1");
  auto visiting = visitor{trusts_other.native_handle(), server.native_handle()};
  visiting.prepare = [](engine& session) {
    session.verify_with(
        [](bool, X509_STORE_CTX* chain) {
          X509_STORE_CTX_set_error(chain, X509_V_OK);
          return true;
        },
        false);
  };
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(trusts_other.sessions()->size() == 0U);
}

BOOST_AUTO_TEST_CASE(context_of_others_with_a_callback_resumes_never) {
  auto const others = make_context(role::client);
  auto visiting = visitor{others.get(), server.native_handle()};
  visiting.options.sessions = std::make_shared<session_store>();
  visiting.prepare = [](engine& session) {
    SSL_set_verify(session.native_handle(), SSL_VERIFY_PEER, &pass_on);
  };
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::full);
  visiting.prepare = nullptr;
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::resumed);
}

BOOST_AUTO_TEST_CASE(context_of_others_that_trusts_more_is_a_full_handshake) {
  auto const others = make_context(role::client);
  auto visiting = visitor{others.get(), server.native_handle()};
  visiting.options.sessions = std::make_shared<session_store>();
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::resumed);
  bio_ptr const pem(BIO_new_mem_buf(make_identity(identity_kind::untrusted).authority.data(), -1));
  std::unique_ptr<X509, decltype(&X509_free)> const more(
      PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr), &X509_free);
  BOOST_TEST_REQUIRE(X509_STORE_add_cert(SSL_CTX_get_cert_store(others.get()), more.get()) == 1);
  BOOST_TEST(visiting() == visit::full);
}

BOOST_AUTO_TEST_CASE(hosts_that_are_set_on_the_session_count) {
  auto visiting = visitor{client.native_handle(), server.native_handle()};
  BOOST_TEST(visiting() == visit::full);
  visiting.prepare = [](engine& session) {
    BOOST_TEST(SSL_set1_host(session.native_handle(), "example.test") == 1);
  };
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::resumed);
  visiting.prepare = [](engine& session) {
    BOOST_TEST(SSL_set_tlsext_host_name(session.native_handle(), "example.test") == 1);
  };
  BOOST_TEST(visiting() == visit::full);
}

// OpenSSL may be told at any moment; then nobody knows by which rules the peer was verified.
BOOST_AUTO_TEST_CASE(rules_that_change_in_the_handshake_leave_no_session) {
  engine_pair pair(client.native_handle(), server.native_handle());
  BOOST_REQUIRE(!pair.client.be_client_of("localhost", 443));
  BOOST_TEST(pair.client.handshake().next == want::fill);
  SSL_set_verify_depth(pair.client.native_handle(), 7);
  pair.handshake();
  BOOST_TEST(pair.client_step == step{});
  BOOST_TEST(client.sessions()->size() == 0U);
}

// Every pair of set-ups that differ in any of these.
BOOST_AUTO_TEST_CASE(session_is_resumed_by_the_very_same_set_up_and_no_other) {
  server.trust(client_identity().authority);
  server.request_client_certificate();
  constexpr unsigned all = 1U << 6;
  auto const store = std::make_shared<session_store>(
      session_store_options{.most_sessions = std::size_t{all} * 4, .most_per_key = 4});
  std::vector<context> contexts;
  for (unsigned kind = 0; kind != 1U << 4; ++kind) {
    auto& made = contexts.emplace_back(trusting());
    made.use_session_store(store);
    if ((kind & 1) != 0) made.set_alpn({"h2"});
    if ((kind & 2) != 0) made.trust(make_identity(identity_kind::untrusted).authority);
    if ((kind & 4) != 0) made.set_rules_version("1");
    if ((kind & 8) != 0) {
      made.use_certificate_chain(client_identity().certificate_chain);
      made.use_private_key(client_identity().private_key);
    }
  }
  auto const go = [&](unsigned kind) {
    return once(contexts[kind >> 2], server, (kind & 1) != 0 ? "localhost" : "example.test",
                (kind & 2) != 0 ? 443 : 444);
  };
  for (unsigned one = 0; one != all; ++one) {
    store->clear();
    BOOST_TEST(go(one) == visit::full);
    auto const kept = store->size();
    for (unsigned other = 0; other != all; ++other) {
      if (other == one) continue;
      // It is not even offered: the store has it on.
      engine asks(contexts[other >> 2].native_handle(), plain_options);
      BOOST_REQUIRE(!asks.be_client_of((other & 1) != 0 ? "localhost" : "example.test",
                                       (other & 2) != 0 ? 443 : 444));
      BOOST_REQUIRE(asks.handshake().next == want::fill);
      BOOST_REQUIRE_MESSAGE(store->size() == kept, "made as " << one << ", taken by " << other);
    }
    BOOST_TEST(go(one) == visit::resumed);
  }
}

// Its records would have to verify again what comes back (RFC 6698).
BOOST_AUTO_TEST_CASE(session_that_dane_has_verified_is_not_kept) {
  BOOST_REQUIRE(SSL_CTX_dane_enable(client.native_handle()) > 0);
  visitor const by_records{.client = client.native_handle(),
                           .server = server.native_handle(),
                           .prepare = [&](engine& ours) {
                             auto* const key =
                                 X509_get0_pubkey(SSL_CTX_get0_certificate(server.native_handle()));
                             unsigned char* der = nullptr;
                             auto const length = i2d_PUBKEY(key, &der);
                             BOOST_REQUIRE(length > 0);
                             BOOST_TEST(SSL_dane_enable(ours.native_handle(), "localhost") > 0);
                             // The server's own, its key, as it is.
                             BOOST_TEST(SSL_dane_tlsa_add(ours.native_handle(), 3, 1, 0, der,
                                                          static_cast<std::size_t>(length)) > 0);
                             OPENSSL_free(der);
                           }};
  for (int i = 0; i != 2; ++i)
    BOOST_TEST(by_records() == visit::full);
  BOOST_TEST(client.sessions()->size() == 0U);
  check_is_new();
}

// Neither records of DNS nor certificate logs would be asked.
BOOST_AUTO_TEST_CASE(session_is_not_resumed_past_records_that_are_wanted_now) {
  check_resumes(visit::full);
  BOOST_REQUIRE(SSL_CTX_dane_enable(client.native_handle()) > 0);
  visitor wants{.client = client.native_handle(), .server = server.native_handle()};
  wants.prepare = [](engine& ours) {
    std::array<unsigned char, 32> const of_another{};
    BOOST_TEST(SSL_dane_enable(ours.native_handle(), "localhost") > 0);
    BOOST_TEST(
        SSL_dane_tlsa_add(ours.native_handle(), 3, 1, 1, of_another.data(), of_another.size()) > 0);
  };
  BOOST_TEST(wants() == visit::failed);
#ifndef OPENSSL_NO_CT
  wants.prepare = [](engine& ours) {
    BOOST_TEST(SSL_enable_ct(ours.native_handle(), SSL_CT_VALIDATION_STRICT) == 1);
  };
  BOOST_TEST(wants() == visit::failed);
#endif
  check_resumes();
}

BOOST_AUTO_TEST_CASE(address_or_time_to_verify_by_are_rules) {
  auto const resumes_after = [&](std::function<void(X509_VERIFY_PARAM*)> const& set) {
    context first = trusting();
    BOOST_TEST(once(first, server) == visit::full);
    auto other = sharing(first);
    set(SSL_CTX_get0_param(other.native_handle()));
    return once(other, server) == visit::resumed;
  };
  BOOST_TEST(resumes_after([](auto*) {}));
  BOOST_TEST(!resumes_after(
      [](auto* rules) { X509_VERIFY_PARAM_set1_email(rules, "somebody@example.test", 0); }));
  BOOST_TEST(!resumes_after([](auto* rules) { X509_VERIFY_PARAM_set_time(rules, 1); }));
}

// A key that was shared before is no session of ours, and nobody was verified.
BOOST_AUTO_TEST_CASE(handshake_with_a_shared_key_leaves_nothing) {
  static auto const shared_key = [](unsigned char* room) {
    std::fill_n(room, 32, static_cast<unsigned char>(7));
    return 32U;
  };
  SSL_CTX_set_psk_server_callback(
      server.native_handle(),
      [](SSL*, char const*, unsigned char* room, unsigned) { return shared_key(room); });
  auto const share = [](engine& ours) {
    // Only with a suite of its hash.
    BOOST_TEST(SSL_set_ciphersuites(ours.native_handle(), "TLS_AES_128_GCM_SHA256") == 1);
    SSL_set_psk_client_callback(ours.native_handle(), [](SSL*, char const*, char* name, unsigned,
                                                         unsigned char* room, unsigned) {
      std::strcpy(name, "us");
      return shared_key(room);
    });
  };
  visitor const sharing_a_key{
      .client = client.native_handle(), .server = server.native_handle(), .prepare = share};
  BOOST_TEST(sharing_a_key() == visit::failed);
  BOOST_TEST(client.sessions()->size() == 0U);
  check_is_new();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
