// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine alone, up to the end of its handshake: roles, host names, what it wants, and plaintext
// that is sealed before there is a session.
#include <tls_async/context.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <openssl/ssl.h>

#include <memory>

#include "engine_pair.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

// The client verifies the peer, for `host`.
struct named_engines : engine_pair {
  explicit named_engines(std::string const& host, tls_settings const& settings = {})
      : engine_pair(make_context(role::client, settings).get(),
                    make_context(role::server, settings).get()) {
    BOOST_REQUIRE(!client.be_client_of(host));
  }
};

BOOST_AUTO_TEST_SUITE(engine_handshake)

BOOST_DATA_TEST_CASE(handshake_ends_on_both_sides, data::make(versions), version) {
  engine_pair pair(version_settings(version));
  BOOST_TEST(!pair.client.handshake_done());
  pair.handshake();
  BOOST_TEST(pair.client_step == step{});
  BOOST_TEST(pair.server_step == step{});
  BOOST_TEST(pair.client.handshake_done());
  BOOST_TEST(pair.server.handshake_done());
  BOOST_TEST(SSL_version(pair.client.native_handle()) == version);
  BOOST_TEST(pair.client.error_info().text() == "");
}

BOOST_DATA_TEST_CASE(handshake_ends_when_ciphertext_comes_byte_by_byte, data::make(versions),
                     version) {
  engine_pair pair(version_settings(version));
  pair.handshake(1);
  BOOST_TEST(pair.client_step == step{});
  BOOST_TEST(pair.server_step == step{});
}

BOOST_AUTO_TEST_CASE(handshake_wants_fill_and_leaves_its_flight_in_the_ring) {
  engine_pair pair;
  BOOST_TEST(pair.client.handshake() == (step{want::fill, 0}));
  BOOST_TEST(pair.client.ring().output_bytes() != 0U);
  BOOST_TEST(pair.server.handshake() == (step{want::fill, 0}));
  BOOST_TEST(pair.server.ring().output_bytes() == 0U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W7") * boost::unit_test::label("W9"))
BOOST_AUTO_TEST_CASE(handshake_wants_flush_when_its_flight_does_not_fit_the_ring) {
  // A certificate request with this many names is longer than a ring of one record.
  tls_settings settings;
  settings.client_certificate = true;
  auto const server_context = make_context(role::server, settings);
  auto* const names = sk_X509_NAME_new_null();
  for (int i = 0; i < 400; ++i) {
    auto* const name = X509_NAME_new();
    auto const text = std::string(50, 'n') + std::to_string(i);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<unsigned char const*>(text.data()), -1, -1, 0);
    sk_X509_NAME_push(names, name);
  }
  SSL_CTX_set0_CA_list(server_context.get(), names);
  stream_options const one_record{.ring_records = 1};
  engine client(make_context(role::client, settings).get(), one_record);
  engine server(server_context.get(), one_record);
  client.be_client();
  server.be_server();
  bool wanted_flush = false;
  while (!client.handshake_done() || !server.handshake_done()) {
    auto const asked = client.handshake().next;
    std::size_t moved = move_ciphertext(client, server);
    auto const answered = server.handshake().next;
    wanted_flush = wanted_flush || answered == want::flush;
    moved += move_ciphertext(server, client);
    BOOST_REQUIRE(asked != want::failed);
    BOOST_REQUIRE(answered != want::failed);
    BOOST_REQUIRE_GT(moved, 0U);
  }
  BOOST_TEST(wanted_flush);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W5"))
BOOST_AUTO_TEST_CASE(handshake_without_a_role_fails) {
  engine alone(make_context(role::client).get(), plain_options);
  BOOST_TEST(!alone.has_role());
  BOOST_TEST(alone.handshake().next == want::failed);
  BOOST_TEST((alone.failure().own == errc::no_role));
  BOOST_TEST(alone.error_info().text().find("neither client nor server") != std::string::npos);
}

BOOST_DATA_TEST_CASE(client_of_a_name_verifies_it_and_sends_it, data::make(versions), version) {
  named_engines pair("example.test", version_settings(version));
  pair.handshake();
  BOOST_TEST(pair.client_step == step{});
  auto const* const sent =
      SSL_get_servername(pair.server.native_handle(), TLSEXT_NAMETYPE_host_name);
  BOOST_REQUIRE(sent != nullptr);
  BOOST_TEST(std::string(sent) == "example.test");
}

// Keeps the newest session that clients of its context were given.
class kept_session {
public:
  explicit kept_session(SSL_CTX* of) {
    SSL_CTX_set_app_data(of, this);
    SSL_CTX_set_session_cache_mode(of, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(of, [](SSL* client, SSL_SESSION* fresh) {
      auto* const self = static_cast<kept_session*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(client)));
      // A copy: OpenSSL spoils the original when the session ends without close_notify.
      self->kept_.reset(SSL_SESSION_dup(fresh));
      return 0;
    });
  }
  void offer(engine& client) const {
    BOOST_TEST_REQUIRE(kept_);
    session const copy(SSL_SESSION_dup(kept_.get()));
    SSL_set_session(client.native_handle(), copy.get());
  }

private:
  struct session_free {
    void operator()(SSL_SESSION* of) const noexcept { SSL_SESSION_free(of); }
  };
  using session = std::unique_ptr<SSL_SESSION, session_free>;
  session kept_;
};

bool is_resumed(engine& client) { return SSL_session_reused(client.native_handle()) == 1; }

// Resumption verifies no certificate, so a session may be kept for its own host only.
BOOST_DATA_TEST_CASE(session_of_another_host_is_not_resumed, data::make(versions), version) {
  auto const client = make_context(role::client, version_settings(version));
  auto const server = make_context(role::server, version_settings(version));
  kept_session const kept(client.get());
  {
    engine_pair pair(client.get(), server.get());
    BOOST_TEST_REQUIRE(!pair.client.be_client_of("example.test"));
    pair.handshake();
  }
  auto const resumes = [&](std::string const& host) {
    engine_pair pair(client.get(), server.get());
    BOOST_TEST_REQUIRE(!pair.client.be_client_of(host));
    kept.offer(pair.client);
    pair.handshake();
    BOOST_TEST((pair.client_step.next == want::nothing) ==
               (host == "example.test" || host == "127.0.0.1"));
    return is_resumed(pair.client);
  };
  BOOST_TEST(resumes("example.test"));
  BOOST_TEST(!resumes("other.test"));
  BOOST_TEST(resumes("127.0.0.1"));  // which the certificate is for, too
  BOOST_TEST(!resumes("192.0.2.1"));
}

BOOST_DATA_TEST_CASE(session_that_was_made_without_verification_is_not_resumed_with_it,
                     data::make(versions), version) {
  context careless(context::role::client), careful(context::role::client);
  careless.insecure_skip_verification();
  careful.trust(server_identity().authority);
  auto const server = make_context(role::server, version_settings(version));
  kept_session const kept(careless.native_handle());
  {
    engine_pair pair(careless.native_handle(), server.get());
    pair.client.be_client();
    pair.handshake();
  }
  for (auto* const with : {&careless, &careful}) {
    engine_pair pair(with->native_handle(), server.get());
    BOOST_TEST_REQUIRE(!pair.client.be_client_of("example.test"));
    kept.offer(pair.client);
    pair.handshake();
    BOOST_TEST((pair.client_step.next == want::nothing));
    BOOST_TEST(is_resumed(pair.client) == (with == &careless));
  }
}

BOOST_DATA_TEST_CASE(client_of_an_address_verifies_it_and_sends_no_name,
                     data::make({"127.0.0.1", "::1"}), address) {
  named_engines pair(address);
  pair.handshake();
  BOOST_TEST(pair.client_step == step{});
  BOOST_TEST(
      (SSL_get_servername(pair.server.native_handle(), TLSEXT_NAMETYPE_host_name) == nullptr));
}

BOOST_DATA_TEST_CASE(client_of_another_host_fails, data::make({"other.test", "192.0.2.1"}), host) {
  named_engines pair(host);
  pair.handshake();
  BOOST_TEST(pair.client_step.next == want::failed);
  BOOST_TEST((pair.client.failure().openssl != 0));
}

BOOST_AUTO_TEST_CASE(alpn_names_what_was_agreed_on) {
  auto const client_context = make_context(role::client);
  auto const server_context = make_context(role::server);
  unsigned char const offered[] = "\x02h2\x08http/1.1";
  BOOST_REQUIRE_EQUAL(SSL_CTX_set_alpn_protos(client_context.get(), offered, sizeof offered - 1),
                      0);
  SSL_CTX_set_alpn_select_cb(
      server_context.get(),
      [](SSL*, unsigned char const** out, unsigned char* length, unsigned char const* in, unsigned,
         void*) {
        *out = in + 1;
        *length = *in;
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
  engine_pair pair(client_context.get(), server_context.get());
  pair.client.be_client();
  BOOST_TEST(pair.client.alpn() == "");
  pair.handshake();
  BOOST_TEST(pair.client.alpn() == "h2");
  BOOST_TEST(pair.server.alpn() == "h2");
  BOOST_TEST(pair.client.session_info().alpn == "h2");
}

BOOST_AUTO_TEST_CASE(session_info_is_what_was_agreed_on) {
  tls_settings settings;
  settings.cipher = "TLS_AES_256_GCM_SHA384";
  settings.client_certificate = true;
  auto const client_context = make_context(role::client, settings);
  auto const server_context = make_context(role::server, settings);
  engine_pair pair(client_context.get(), server_context.get());
  BOOST_REQUIRE(!pair.client.be_client_of("localhost"));
  BOOST_TEST((pair.server.session_info() == session_info{}));
  pair.handshake();
  auto const of_client = pair.client.session_info();
  auto const of_server = pair.server.session_info();
  for (auto const& info : {of_client, of_server}) {
    BOOST_TEST(info.version == "TLSv1.3");
    BOOST_TEST(info.suite == "TLS_AES_256_GCM_SHA384");
    BOOST_TEST(info.group != "");
    BOOST_TEST(info.alpn == "");
    BOOST_TEST(info.server_name == "localhost");
    BOOST_TEST(!info.is_resumed);
  }
  BOOST_TEST(of_client.group == of_server.group);
  BOOST_TEST(of_client.peer_subject == "CN=tls_async test server");
  BOOST_TEST(of_server.peer_subject == "CN=tls_async test client");
  BOOST_TEST(ERR_peek_error() == 0U);
}

BOOST_AUTO_TEST_CASE(session_info_shows_a_name_that_a_client_has_made_up) {
  engine_pair pair;
  SSL_set_tlsext_host_name(pair.client.native_handle(), "a\nb\xff\x1b[31m'");
  pair.handshake();
  BOOST_TEST(pair.server.session_info().server_name == "a\\0Ab\\FF\\1B[31m\\27");
  engine_pair long_name;
  SSL_set_tlsext_host_name(long_name.client.native_handle(), std::string(255, '\'').c_str());
  long_name.handshake();
  BOOST_TEST(long_name.server.session_info().server_name.size() <= 256U);
}

BOOST_DATA_TEST_CASE(sealing_negotiates_and_takes_nothing_before_that_is_done, data::make(versions),
                     version) {
  engine_pair pair(version_settings(version));
  auto const message = numbered_plaintext(1'000);
  std::string received;
  step sealed;
  while ((sealed = pair.client.seal(bytes_of(message))).next == want::fill) {
    BOOST_REQUIRE_EQUAL(sealed.bytes, 0U);
    BOOST_REQUIRE(!pair.client.record_pending());
    std::size_t moved = move_ciphertext(pair.client, pair.server);
    received += open_all(pair.server);
    moved += move_ciphertext(pair.server, pair.client);
    BOOST_REQUIRE_GT(moved, 0U);
  }
  BOOST_TEST(sealed == (step{want::nothing, message.size()}));
  received += deliver_all(pair.client, pair.server);
  BOOST_TEST((received == message));
  BOOST_TEST(pair.client.close_notify() == step{});
  want end{};
  BOOST_TEST(deliver_all(pair.client, pair.server, &end) == "");
  BOOST_TEST(end == want::closed);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
