// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine alone, when it fails: what is never delivered, that a failure stays, the thread's
// error queue, and the story that error_info tells.
#include <tls_async/context.hpp>
#include <tls_async/identities.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <stdexcept>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "engine_pair.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

// Every call of an engine with a failure answers it again, and touches neither the ring nor
// OpenSSL.
void check_sticky(engine& failed) {
  auto const output = failed.ring().output_bytes();
  auto const shutdown_state = SSL_get_shutdown(failed.native_handle());
  auto const story = failed.error_info().text();
  std::string place(100, '\0');
  step const again{want::failed, 0};
  BOOST_TEST(failed.close_notify() == again);
  BOOST_TEST(failed.handshake() == again);
  BOOST_TEST(failed.seal(bytes_of("x")) == again);
  BOOST_TEST(failed.finish_record() == again);
  BOOST_TEST(failed.open(std::as_writable_bytes(std::span(place))) == again);
  BOOST_TEST(!failed.record_pending());
  BOOST_TEST(failed.ring().output_bytes() == output);
  BOOST_TEST(SSL_get_shutdown(failed.native_handle()) == shutdown_state);
  BOOST_TEST(failed.error_info().text() == story);
  BOOST_TEST(ERR_peek_error() == 0U);
}

void check_names(engine const& failed, std::initializer_list<char const*> words) {
  auto const text = failed.error_info().text();
  BOOST_TEST_MESSAGE(text);
  for (auto const* word : words) {
    BOOST_TEST(text.find(word) != std::string::npos, "'" << word << "' is not in: " << text);
  }
}

BOOST_AUTO_TEST_SUITE(engine_failure)

BOOST_DATA_TEST_CASE(flipped_bit_delivers_nothing_and_stays_a_failure, data::make(versions),
                     version) {
  auto const client_context = make_context(role::client, version_settings(version));
  auto const server_context = make_context(role::server, version_settings(version));
  std::size_t length = 1;
  for (std::size_t at = 0; at < length; ++at) {
    engine_pair pair(client_context.get(), server_context.get());
    pair.client.be_client();
    pair.handshake();
    seal_all(pair.client, "do not change this");
    auto ciphertext = take_all(pair.client);
    length = ciphertext.size();
    ciphertext[at] = static_cast<char>(ciphertext[at] ^ (1 << (at % 8)));
    give(pair.server, ciphertext);
    want end{};
    BOOST_TEST_CONTEXT("byte " << at) {
      BOOST_TEST(open_all(pair.server, &end) == "");
      // A longer length in the header leaves the record unfinished.
      bool const is_length = at == 3 || at == 4;
      if (is_length && end == want::fill) continue;
      BOOST_TEST(end == want::failed);
      BOOST_TEST((pair.server.failure().openssl != 0));
      BOOST_TEST(ERR_peek_error() == 0U);
      check_sticky(pair.server);
    }
  }
}

BOOST_DATA_TEST_CASE(failure_leaves_its_alert_in_the_ring_and_the_peer_names_it,
                     data::make(versions), version) {
  connected_engines pair(version_settings(version));
  seal_all(pair.client, "changed on its way");
  auto ciphertext = take_all(pair.client);
  ciphertext.back() = static_cast<char>(ciphertext.back() ^ 1);
  give(pair.server, ciphertext);
  open_all(pair.server);
  check_names(pair.server, {"bad record mac", "we sent the alert"});
  want end{};
  BOOST_TEST(deliver_all(pair.server, pair.client, &end) == "");
  BOOST_TEST(end == want::failed);
  check_names(pair.client,
              {"the peer ended the session: bad record mac", "the peer sent the alert"});
  auto const& alert = pair.client.error_info().last_alert;
  BOOST_REQUIRE(alert.has_value());
  BOOST_TEST(!alert->sent);
  BOOST_TEST(alert->fatal);
  BOOST_TEST(alert->number == SSL_AD_BAD_RECORD_MAC);
  check_sticky(pair.client);
}

BOOST_DATA_TEST_CASE(dirty_error_queue_before_every_call_does_no_harm_and_is_empty_after,
                     data::make(versions), version) {
  auto const dirtied = [](auto call) {
    dirty_error_queue();
    step const answered = call();
    BOOST_REQUIRE_EQUAL(ERR_peek_error(), 0U);
    return answered;
  };
  engine_pair pair(version_settings(version));
  while (!pair.client.handshake_done() || !pair.server.handshake_done()) {
    for (auto* const side : {&pair.client, &pair.server}) {
      if (side->handshake_done()) continue;
      BOOST_REQUIRE(dirtied([&] { return side->handshake(); }).next != want::failed);
    }
    move_ciphertext(pair.client, pair.server);
    move_ciphertext(pair.server, pair.client);
  }
  std::string place(max_record_plaintext, '\0');
  auto const room = std::as_writable_bytes(std::span(place));
  BOOST_TEST(dirtied([&] { return pair.client.open(room); }) == (step{want::fill, 0}));
  std::string const record(max_record_plaintext, 'r');
  step sealed;
  while ((sealed = dirtied([&] { return pair.client.seal(bytes_of(record)); })).next ==
         want::nothing) {
  }
  BOOST_TEST(sealed.next == want::flush);
  BOOST_TEST(dirtied([&] { return pair.client.finish_record(); }) == (step{want::flush, 0}));
  move_ciphertext(pair.client, pair.server);
  for (int opened = 0; opened < 4; ++opened) {
    BOOST_TEST(dirtied([&] { return pair.server.open(room); }).next == want::nothing);
  }
  BOOST_TEST(dirtied([&] { return pair.client.finish_record(); }) == step{});
  BOOST_TEST(dirtied([&] { return pair.client.close_notify(); }) == step{});
  step opened;
  do {
    do {
      opened = dirtied([&] { return pair.server.open(room); });
    } while (opened.next == want::nothing);
  } while (move_ciphertext(pair.client, pair.server) != 0);
  BOOST_TEST(opened == (step{want::closed, 0}));
}

BOOST_AUTO_TEST_CASE(changing_who_an_engine_is_leaves_an_empty_error_queue) {
  engine alone(make_context(role::client).get(), plain_options);
  for (auto const* host : {"localhost", "127.0.0.1", "not a host name, but taken as one"}) {
    dirty_error_queue();
    (void)alone.be_client_of(host);
    BOOST_TEST(ERR_peek_error() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(error_info_of_the_wrong_host_names_both_hosts) {
  tls_settings settings;
  settings.certificate = identity_kind::wrong_host;
  engine_pair pair(make_context(role::client, settings).get(),
                   make_context(role::server, settings).get());
  BOOST_REQUIRE(!pair.client.be_client_of("localhost"));
  pair.handshake();
  check_names(pair.client, {"hostname mismatch", "localhost", "tls_async test server"});
  auto const& info = pair.client.error_info();
  BOOST_TEST(info.expected_host == "localhost");
  BOOST_REQUIRE(info.verify_error.has_value());
  BOOST_TEST(info.verify_error->code == X509_V_ERR_HOSTNAME_MISMATCH);
  BOOST_TEST(info.verify_error->depth == 0);
  check_sticky(pair.client);
}

BOOST_AUTO_TEST_CASE(error_info_has_no_control_characters_of_a_certificate) {
  tls_settings settings;
  settings.certificate = identity_kind::hostile_name;
  engine_pair pair(make_context(role::client, settings).get(),
                   make_context(role::server, settings).get());
  BOOST_REQUIRE(!pair.client.be_client_of("localhost"));
  pair.handshake();
  check_names(pair.client, {"gr\xc3\xb6\xc3\x9f"
                            "er \\1B[2J \\0A \\7F \\C2\\9B2J \xc2\xa0"});
}

BOOST_AUTO_TEST_CASE(error_info_of_an_expired_certificate_names_it) {
  tls_settings settings;
  settings.certificate = identity_kind::expired;
  engine_pair pair(settings);
  pair.handshake();
  check_names(pair.client, {"expired", "tls_async test server", "tls_async test authority"});
  check_names(pair.server, {"the peer ended the session", "certificate expired"});
}

BOOST_AUTO_TEST_CASE(error_info_of_an_unknown_authority_names_it) {
  tls_settings settings;
  settings.certificate = identity_kind::untrusted;
  engine_pair pair(settings);
  pair.handshake();
  check_names(pair.client,
              {"unable to get local issuer certificate", "tls_async unknown authority"});
  check_names(pair.server, {"unknown CA"});
}

BOOST_AUTO_TEST_CASE(error_info_of_an_empty_trust_store_says_what_to_call) {
  context trusting_nobody(context::role::client);
  engine alone(trusting_nobody.native_handle(), plain_options);
  BOOST_REQUIRE(!alone.be_client_of("localhost"));
  BOOST_TEST(alone.handshake().next == want::failed);
  BOOST_TEST((alone.failure().own == errc::empty_trust_store));
  BOOST_TEST(alone.ring().output_bytes() == 0U);
  check_names(alone, {"trust store is empty"});
  check_sticky(alone);
}

BOOST_AUTO_TEST_CASE(error_info_of_a_client_without_a_host_says_what_to_use) {
  context trusting(context::role::client);
  trusting.trust(server_identity().authority);
  engine alone(trusting.native_handle(), plain_options);
  alone.be_client();
  BOOST_TEST(alone.handshake().next == want::failed);
  BOOST_TEST((alone.failure().own == errc::no_host_name));
  BOOST_TEST(alone.ring().output_bytes() == 0U);
  check_names(alone, {"no host name"});
  BOOST_TEST(alone.error_info().openssl == "");
}

BOOST_AUTO_TEST_CASE(verify_callback_that_knows_no_host_stands_in_for_trust_only) {
  for (bool const checks_host : {false, true}) {
    context trusting_nobody(context::role::client);
    engine alone(trusting_nobody.native_handle(), plain_options);
    alone.be_client();
    alone.verify_with([](bool preverified, X509_STORE_CTX*) { return preverified; }, checks_host);
    BOOST_TEST((alone.handshake().next == want::failed) == !checks_host);
    BOOST_TEST((alone.failure().own == errc::no_host_name) == !checks_host);
  }
}

BOOST_AUTO_TEST_CASE(warning_of_a_handshake_that_went_well_is_no_story) {
  auto const client = make_context(role::client, version_settings(TLS1_2_VERSION));
  auto const server = make_context(role::server, version_settings(TLS1_2_VERSION));
  int alerts = 0;
  SSL_CTX_set_tlsext_servername_callback(
      server.get(), +[](SSL*, int* alert, void*) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_WARNING;
      });
  static int* counted = nullptr;
  counted = &alerts;
  SSL_CTX_set_info_callback(client.get(), [](SSL const*, int where, int) {
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT) ++*counted;
  });
  engine_pair pair(client.get(), server.get());
  BOOST_REQUIRE(!pair.client.be_client_of("localhost"));
  pair.handshake();
  BOOST_TEST(alerts == 1);
  for (engine* const side : {&pair.client, &pair.server}) {
    BOOST_TEST(side->handshake_done());
    BOOST_TEST(side->error_info().text() == "");
    side->explain("receiving failed");
    BOOST_TEST(side->error_info().text() == "receiving failed");
  }
}

BOOST_AUTO_TEST_CASE(error_info_of_a_name_that_is_refused_has_the_name) {
  identities all;
  all.add(server_identity().certificate_chain, server_identity().private_key);
  all.refuse_others();
  context server(context::role::server);
  server.use_identities(all);
  context client(context::role::client);
  client.trust(server_identity().authority);
  engine_pair pair(client.native_handle(), server.native_handle());
  BOOST_TEST(!pair.client.be_client_of("other.test"));
  pair.handshake();
  check_names(pair.server,
              {"the client asks for the host 'other.test', which this server does not have",
               "we sent the alert 'unrecognized name'"});
  BOOST_TEST(pair.server.session_info().server_name == "other.test");
  check_names(pair.client, {"the peer ended the session: unrecognized name"});

  engine_pair nameless(make_context(role::client).get(), server.native_handle());
  nameless.client.be_client();
  nameless.handshake();
  check_names(nameless.server, {"the client names no host, and this server refuses that"});
}

BOOST_AUTO_TEST_CASE(error_info_of_no_version_in_both_says_so_on_both_sides) {
  engine_pair pair(make_context(role::client, version_settings(TLS1_3_VERSION)).get(),
                   make_context(role::server, version_settings(TLS1_2_VERSION)).get());
  pair.client.be_client();
  pair.handshake();
  BOOST_TEST(pair.client_step.next == want::failed);
  BOOST_TEST(pair.server_step.next == want::failed);
  check_names(pair.server,
              {"unsupported protocol: the client does not offer TLS 1.2, and we take nothing else",
               "we sent the alert 'protocol version'"});
  check_names(pair.client,
              {"protocol version; we offered TLS 1.3; the peer sent the alert 'protocol version'"});
}

BOOST_AUTO_TEST_CASE(error_info_of_a_client_that_is_too_old_says_what_it_offers) {
  auto const old = make_context(role::client, version_settings(TLS1_1_VERSION));
  SSL_CTX_set_security_level(old.get(), 0);
  engine_pair pair(old.get(), make_context(role::server, version_settings(TLS1_2_VERSION)).get());
  pair.client.be_client();
  pair.handshake();
  check_names(pair.server, {"the client offers TLS 1.1 at most, and we take TLS 1.2"});
  check_names(pair.client, {"protocol version; we offered TLS 1.1"});
}

BOOST_AUTO_TEST_CASE(handshake_step_is_the_message_that_was_needed_next) {
  for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    engine_pair pair(make_context(role::client, version_settings(version)).get(),
                     make_context(role::server, version_settings(version)).get());
    pair.client.be_client();
    pair.server.be_server();
    (void)pair.server.handshake();
    BOOST_TEST(pair.server.handshake_step() == std::string("the ClientHello"));
    (void)pair.client.handshake();
    BOOST_TEST(pair.client.handshake_step() == std::string("the ServerHello"));
    give(pair.server, take_all(pair.client));
    (void)pair.server.handshake();
    BOOST_TEST(pair.server.handshake_step() ==
               std::string("the client's answer to the ServerHello"));
    give(pair.client, take_all(pair.server));
    (void)pair.client.handshake();
    if (version == TLS1_2_VERSION)  // in TLS 1.3 it is done
      BOOST_TEST(pair.client.handshake_step() == std::string("the server's Finished"));
  }
}

BOOST_AUTO_TEST_CASE(error_info_of_a_lost_transport_says_it_and_where_the_handshake_stood) {
  engine_pair pair;
  (void)pair.client.handshake();
  pair.client.explain("the peer closed the connection without close_notify");
  check_names(pair.client, {"the peer closed the connection", "handshake step: the ServerHello"});
  BOOST_TEST(!pair.client.failure());
}

BOOST_AUTO_TEST_CASE(story_is_no_reason_of_what_it_is_not_about) {
  error_info info;
  auto const refused = make_error_code(boost::system::errc::connection_refused);
  BOOST_TEST(info.explain(refused) == refused.message());
  info.summary = "the peer ended the session: bad certificate";
  BOOST_TEST(info.explain(refused) == info.summary);
  BOOST_TEST(info.explain(errc::peer_limit_exceeded) == info.summary);
  BOOST_TEST(info.explain({}) == error_code().message());
  error_code const cancelled(ECANCELED, boost::system::system_category());
  BOOST_TEST(info.explain(cancelled) == cancelled.message());
  for (auto const own : {errc::second_read, errc::queue_full, errc::buffer_moved, errc::file_ended})
    BOOST_TEST(info.explain(own) == make_error_code(own).message());
}

BOOST_AUTO_TEST_CASE(verify_callback_that_throws_refuses_the_certificate) {
  engine_pair pair;
  pair.client.verify_with(
      [](bool, X509_STORE_CTX*) -> bool { throw std::runtime_error("no idea"); }, false);
  pair.handshake();
  BOOST_TEST(pair.client_step.next == want::failed);
  check_names(pair.client, {"the verify callback threw: no idea"});
}

BOOST_AUTO_TEST_CASE(verify_callback_that_refuses_is_named_as_the_reason) {
  engine_pair pair;
  pair.client.verify_with([](bool, X509_STORE_CTX*) { return false; }, false);
  pair.handshake();
  BOOST_TEST(pair.client_step.next == want::failed);
  check_names(pair.client,
              {"the verify callback refused it", "we sent the alert 'bad certificate'"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
