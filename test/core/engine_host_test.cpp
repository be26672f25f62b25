// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine alone: for which host a client accepts a certificate, and what counts as a host. That
// nothing the application has set on the session is taken away by naming one.
#include <tls_async/context.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <algorithm>
#include <cstring>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "engine_pair.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

// With a context as an application makes it by itself, which has no rules of ours.
struct host_engines : engine_pair {
  explicit host_engines(identity_kind certificate = identity_kind::server)
      : engine_pair(make_context(role::client).get(),
                    make_context(role::server, with(certificate)).get()) {}
  static tls_settings with(identity_kind certificate) {
    tls_settings settings;
    settings.certificate = certificate;
    return settings;
  }
  bool connects() {
    handshake();
    return client_step.next == want::nothing;
  }
  SSL* ssl() { return client.native_handle(); }
};

bool wants(SSL* client, char const* host) {
  return X509_VERIFY_PARAM_set1_host(SSL_get0_param(client), host, 0) == 1;
}

int refusals = 0;
int refuse_all(int, X509_STORE_CTX*) {
  ++refusals;
  return 0;
}
int accept_all(int, X509_STORE_CTX*) { return 1; }
int pass_on(int before, X509_STORE_CTX*) { return before; }

BOOST_AUTO_TEST_SUITE(engine_host)

// Without a handshake call OpenSSL would negotiate in the first read or write by itself, past all
// that the engine asks before and behind it.
BOOST_AUTO_TEST_CASE(session_that_a_seal_or_an_open_negotiates_has_the_same_checks) {
  context ours(context::role::client);
  ours.insecure_skip_verification();
  context strict(context::role::client);
  std::string place(100, 'x');
  auto const plaintext = std::as_writable_bytes(std::span(place));
  for (bool const by_open : {true, false}) {
    engine nobody(strict.native_handle(), plain_options);
    nobody.be_client();
    step const refused = by_open ? nobody.open(plaintext) : nobody.seal(plaintext);
    BOOST_TEST(refused == step(want::failed, 0));
    BOOST_TEST((nobody.failure().own == errc::empty_trust_store));
    BOOST_TEST(nobody.ring().output_bytes() == 0u);

    engine_pair pair(ours.native_handle(), make_context(role::server).get());
    pair.client.be_client();
    step last{want::fill, 0};
    for (std::size_t moved = 1; moved != 0;) {
      if (last.next != want::nothing)
        last = by_open ? pair.client.open(plaintext) : pair.client.seal(plaintext);
      moved = move_ciphertext(pair.client, pair.server);
      (void)pair.server.handshake();
      moved += move_ciphertext(pair.server, pair.client);
    }
    BOOST_TEST(pair.client.handshake_done());
    BOOST_TEST(last.next == (by_open ? want::fill : want::nothing));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_host_is_refused_with_what_to_pass) {
  using namespace std::string_literals;
  struct {
    std::string host;
    char const* words;
  } const cases[] = {
      {".localhost", "empty label"},
      {"..", "empty label"},
      {".", "empty label"},
      {"a..b", "empty label"},
      {"localhost..", "empty label"},
      {"a b", "a character that no name has"},
      {" localhost", "a character that no name has"},
      {"localhost\0.evil.test"s, "a character that no name has"},
      {"localhost\n", "a character that no name has"},
      {"x:443", "without its port"},
      {"127.0.0.1:443", "without its port"},
      {"https://localhost", "pass the host alone"},
      {"localhost/index", "pass the host alone"},
      {"[::1]", "without its brackets"},
      {"[::1]:443", "without its brackets"},
      {"fe80::1%eth0", "without its zone"},
      {"user@localhost", "without the user's name"},
      {"*.localhost", "the name of one host"},
      {"b\xc3\xbc"
       "cher.test",
       "begin with xn--"},
      {std::string(64, 'a') + ".test", "more than 63 characters"},
      {std::string(300, 'a'), "longer than the 253 characters"},
      {"127.0.0.1.", "is not an IP address"},
      {"127.0.1", "is not an IP address"},
      {"127.0.0.256", "is not an IP address"},
      {"127.0.0.01", "is not an IP address"},
      {"1", "is not an IP address"},
      {"::1::", "a character that no name has"},
  };
  for (auto const& each : cases) {
    BOOST_TEST_CONTEXT(each.host) {
      engine alone(make_context(role::client).get(), plain_options);
      dirty_error_queue();
      BOOST_TEST((alone.be_client_of(each.host) == errc::bad_host_name));
      auto const story = alone.error_info().text();
      BOOST_TEST(story.find(each.words) != std::string::npos, story);
      BOOST_TEST(!alone.has_role());
      // A right one may follow.
      BOOST_TEST(!alone.be_client_of("localhost"));
      BOOST_TEST(alone.error_info().text() == "");
      BOOST_TEST(alone.has_role());
    }
  }
  engine alone(make_context(role::client).get(), plain_options);
  BOOST_TEST((alone.be_client_of("") == errc::no_host_name));
  BOOST_TEST(!alone.has_role());
}

BOOST_AUTO_TEST_CASE(names_in_use_are_hosts) {
  auto const longest = std::string(63, 'a') + '.' + std::string(63, 'b') + '.' +
                       std::string(63, 'c') + '.' + std::string(61, 'd');
  for (std::string const& host :
       {std::string("localhost"), std::string("a.b.c"), std::string("xn--bcher-kva.test"),
        std::string("my_service"), std::string("_dmarc.a-b.test"), std::string("-a.test"),
        std::string("1.test"), std::string("127.0.0.1"), std::string("::1"), std::string("::"),
        std::string("::ffff:127.0.0.1"), std::string("LOCALHOST"), longest, longest + '.'}) {
    engine alone(make_context(role::client).get(), plain_options);
    BOOST_TEST(!alone.be_client_of(host), host);
  }
}

// RFC 6066 section 3.
BOOST_AUTO_TEST_CASE(dot_at_the_end_is_neither_sent_nor_compared) {
  host_engines pair;
  BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost."));
  BOOST_TEST(pair.connects());
  auto const* const sent =
      SSL_get_servername(pair.server.native_handle(), TLSEXT_NAMETYPE_host_name);
  BOOST_TEST_REQUIRE(sent != nullptr);
  BOOST_TEST(std::string(sent) == "localhost");
}

BOOST_AUTO_TEST_CASE(last_host_before_the_handshake_is_the_one) {
  host_engines pair;
  for (auto const* host : {"other.test", "192.0.2.1", "localhost", "127.0.0.1"}) {
    BOOST_TEST_REQUIRE(!pair.client.be_client_of(host));
  }
  BOOST_TEST(pair.connects());
  BOOST_TEST(
      (SSL_get_servername(pair.server.native_handle(), TLSEXT_NAMETYPE_host_name) == nullptr));
}

// RFC 9525 section 2.
BOOST_DATA_TEST_CASE(common_name_does_not_count, data::make({false, true}), has_other_names) {
  auto const certificate =
      has_other_names ? identity_kind::common_name_beside : identity_kind::common_name;
  {
    host_engines pair(certificate);
    BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
    BOOST_TEST(!pair.connects());
    BOOST_TEST(pair.client.error_info().text().find("hostname mismatch") != std::string::npos);
  }
  // With a context of ours no other way of naming the host is weaker.
  context ours(context::role::client);
  ours.trust(server_identity().authority);
  engine_pair pair(ours.native_handle(),
                   make_context(role::server, host_engines::with(certificate)).get());
  pair.client.be_client();
  BOOST_TEST_REQUIRE(wants(pair.client.native_handle(), "localhost"));
  pair.handshake();
  BOOST_TEST((pair.client_step.next == want::failed));
}

BOOST_AUTO_TEST_CASE(callback_set_on_the_session_is_asked) {
  for (bool const before_the_host : {true, false}) {
    host_engines pair;
    auto const set = [&] { SSL_set_verify(pair.ssl(), SSL_VERIFY_PEER, &refuse_all); };
    if (before_the_host) set();
    BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
    if (!before_the_host) set();
    refusals = 0;
    BOOST_TEST(!pair.connects());
    BOOST_TEST(refusals == 1);
  }
  host_engines pair;
  pair.client.be_client();
  SSL_set_verify(pair.ssl(), SSL_VERIFY_NONE, &refuse_all);
  pair.client.set_verify_mode(SSL_VERIFY_PEER);
  BOOST_TEST(!pair.connects());
}

BOOST_AUTO_TEST_CASE(callback_set_after_another_is_asked_too) {
  for (bool const first_refuses : {true, false}) {
    host_engines pair;
    BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
    pair.client.verify_with([=](bool, X509_STORE_CTX*) { return !first_refuses; }, false);
    SSL_set_verify(pair.ssl(), SSL_VERIFY_PEER, first_refuses ? &pass_on : &refuse_all);
    BOOST_TEST(!pair.connects());
  }
  // The other way round it is replaced, as with Asio.
  host_engines pair;
  SSL_set_verify(pair.ssl(), SSL_VERIFY_PEER, &refuse_all);
  pair.client.verify_with([](bool before, X509_STORE_CTX*) { return before; }, false);
  BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
  BOOST_TEST(pair.connects());
}

BOOST_AUTO_TEST_CASE(callback_set_in_mid_handshake_is_asked) {
  host_engines pair;
  BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
  BOOST_TEST((pair.client.handshake().next == want::fill));
  SSL_set_verify(pair.ssl(), SSL_VERIFY_PEER, &refuse_all);
  BOOST_TEST(!pair.connects());
  // A callback of the application does not replace the check of the host.
  host_engines other;
  BOOST_TEST_REQUIRE(!other.client.be_client_of("other.test"));
  BOOST_TEST((other.client.handshake().next == want::fill));
  SSL_set_verify(other.ssl(), SSL_VERIFY_PEER,
                 [](int preverified, X509_STORE_CTX*) { return preverified; });
  BOOST_TEST(!other.connects());
}

BOOST_AUTO_TEST_CASE(flags_hosts_and_depth_of_the_session_are_kept) {
  {
    host_engines pair;
    SSL_set_hostflags(pair.ssl(), X509_CHECK_FLAG_NO_WILDCARDS);
    SSL_set_verify_depth(pair.ssl(), 7);
    BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
    BOOST_TEST(pair.connects());
    auto* const parameters = SSL_get0_param(pair.ssl());
    BOOST_TEST((X509_VERIFY_PARAM_get_hostflags(parameters) & X509_CHECK_FLAG_NO_WILDCARDS) != 0U);
    BOOST_TEST(SSL_get_verify_depth(pair.ssl()) == 7);
  }
  for (auto const* host : {"example.test", "other.test"}) {
    host_engines pair;
    BOOST_TEST_REQUIRE(wants(pair.ssl(), host));
    BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
    BOOST_TEST(pair.connects() == (host == std::string("example.test")));
  }
}

BOOST_AUTO_TEST_CASE(handshake_that_has_begun_takes_no_other_host) {
  host_engines pair;
  BOOST_TEST_REQUIRE(!pair.client.be_client_of("other.test"));
  BOOST_TEST((pair.client.handshake().next == want::fill));
  BOOST_TEST((pair.client.be_client_of("localhost") == errc::not_verified));
  BOOST_TEST(!pair.client.be_client_of("other.test."));
  BOOST_TEST(!pair.connects());
  BOOST_TEST(pair.client.error_info().expected_host == "other.test");
}

BOOST_AUTO_TEST_CASE(handshake_that_has_begun_without_verification_takes_no_host) {
  host_engines pair(identity_kind::untrusted);
  pair.client.be_client();
  pair.client.set_verify_mode(SSL_VERIFY_NONE);
  BOOST_TEST((pair.client.handshake().next == want::fill));
  BOOST_TEST((pair.client.be_client_of("localhost") == errc::not_verified));
  BOOST_TEST(pair.connects());
  // And now that it is done, its certificate is for the host and was still not verified.
  BOOST_TEST((pair.client.be_client_of("localhost") == errc::not_verified));
  BOOST_TEST(!pair.client.failure());
}

BOOST_AUTO_TEST_CASE(verification_that_is_turned_off_in_mid_handshake_fails_it) {
  host_engines pair(identity_kind::untrusted);
  BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
  BOOST_TEST((pair.client.handshake().next == want::fill));
  pair.client.set_verify_mode(SSL_VERIFY_NONE);
  BOOST_TEST(!pair.connects());
  BOOST_TEST((pair.client.failure().own == errc::not_verified));
}

BOOST_AUTO_TEST_CASE(established_session_is_only_for_what_was_verified) {
  host_engines pair;
  BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
  BOOST_TEST_REQUIRE(pair.connects());
  for (auto const* host : {"localhost", "localhost.", "example.test", "127.0.0.1"}) {
    BOOST_TEST(!pair.client.be_client_of(host), host);
  }
  for (auto const* host : {"other.test", "192.0.2.1"}) {
    BOOST_TEST((pair.client.be_client_of(host) == errc::not_verified), host);
  }
  BOOST_TEST((pair.client.be_client_of("") == errc::no_host_name));
  BOOST_TEST((pair.client.be_client_of(".localhost") == errc::bad_host_name));
  BOOST_TEST(!pair.client.failure());
  BOOST_TEST((pair.server.be_client_of("localhost") == errc::wrong_role));
  BOOST_TEST((pair.client.be_server() == errc::wrong_role));
}

BOOST_AUTO_TEST_CASE(callback_that_accepts_all_has_the_last_word) {
  for (auto const certificate : {identity_kind::untrusted, identity_kind::wrong_host}) {
    host_engines pair(certificate);
    SSL_set_verify(pair.ssl(), SSL_VERIFY_PEER, &accept_all);
    BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
    BOOST_TEST(pair.connects());
  }
}

// A key that was shared before stands in for the certificate (RFC 8446 section 4.2.11).
BOOST_AUTO_TEST_CASE(server_that_shows_no_certificate_is_not_verified) {
  host_engines pair;
  auto const key = [](unsigned char* room) {
    std::fill_n(room, 32, static_cast<unsigned char>(7));
    return 32U;
  };
  static auto const shared_key = key;
  // Only with a suite of its hash.
  for (auto* const each : {pair.ssl(), pair.server.native_handle()}) {
    BOOST_TEST_REQUIRE(SSL_set_ciphersuites(each, "TLS_AES_128_GCM_SHA256") == 1);
  }
  SSL_set_psk_client_callback(
      pair.ssl(), [](SSL*, char const*, char* identity, unsigned, unsigned char* room, unsigned) {
        std::strcpy(identity, "us");
        return shared_key(room);
      });
  SSL_set_psk_server_callback(
      pair.server.native_handle(),
      [](SSL*, char const*, unsigned char* room, unsigned) { return shared_key(room); });
  BOOST_TEST_REQUIRE(!pair.client.be_client_of("localhost"));
  BOOST_TEST(!pair.connects());
  BOOST_TEST((pair.client.failure().own == errc::not_verified));
  BOOST_TEST(pair.client.error_info().text().find("no certificate") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(context_for_the_other_side_is_named) {
  context for_clients(context::role::client), for_servers(context::role::server);
  for_clients.trust(server_identity().authority);
  engine server(for_clients.native_handle(), plain_options);
  BOOST_TEST(!server.be_server());
  BOOST_TEST((server.handshake().next == want::failed));
  BOOST_TEST((server.failure().own == errc::wrong_role));
  engine client(for_servers.native_handle(), plain_options);
  BOOST_TEST(!client.be_client_of("localhost"));
  BOOST_TEST((client.handshake().next == want::failed));
  BOOST_TEST((client.failure().own == errc::wrong_role));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
