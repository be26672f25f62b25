// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pins what a session does beside sealing: reads that write, renegotiation, modes, implicit
// handshakes: facts 6 and 11 of docs/openssl-facts.md, 5 where the two meet, and promises of the
// manual pages SSL_CTX_set_mode (M) and SSL_write (W) in docs/checklist.md.
// Must not use tls_async code: a failure here means that OpenSSL has changed.
#include <string>
#include <vector>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "openssl_contract.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

void queue_key_update_request(raw_session& session) {
  BOOST_REQUIRE_EQUAL(SSL_key_update(session.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  BOOST_REQUIRE(session.handshake());
}

tls_settings renegotiable() {
  tls_settings settings;
  settings.version = TLS1_2_VERSION;
  settings.options = SSL_OP_ALLOW_CLIENT_RENEGOTIATION;
  return settings;
}

// The client's request is on its way to the server, which has not read it.
void ask_for_renegotiation(tls_pair& pair) {
  BOOST_REQUIRE_EQUAL(SSL_renegotiate(pair.client.ssl()), 1);
  BOOST_REQUIRE_EQUAL(pair.client.handshake().error, SSL_ERROR_WANT_READ);
  BOOST_REQUIRE_GT(move_ciphertext(pair.client, pair.server), 0U);
}

BOOST_AUTO_TEST_SUITE(openssl_contract_session)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W8"))
BOOST_AUTO_TEST_CASE(fact_6_a_key_update_request_is_answered_by_the_next_write) {
  auto pair = connected_pair();
  queue_key_update_request(pair.client);
  move_ciphertext(pair.client, pair.server);
  // Not by the read that met it, nor by SSL_do_handshake; SSL_get_key_update_type tells.
  BOOST_TEST(pair.server.read_all().empty());
  BOOST_TEST(bool{pair.server.handshake()});
  BOOST_TEST(pair.server.produced() == 0U);
  BOOST_TEST(SSL_get_key_update_type(pair.server.ssl()) == SSL_KEY_UPDATE_NOT_REQUESTED);
  BOOST_REQUIRE(pair.server.write("x"));
  BOOST_TEST(record_lengths(pair.server.take()) == (std::vector<std::size_t>{27, 23}),
             boost::test_tools::per_element());
  BOOST_TEST(SSL_get_key_update_type(pair.server.ssl()) == SSL_KEY_UPDATE_NONE);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W8"))
BOOST_AUTO_TEST_CASE(fact_6_a_key_update_request_is_answered_by_the_read_that_meets_another) {
  auto pair = connected_pair();
  for (std::size_t answers = 0; answers < 3; ++answers) {
    queue_key_update_request(pair.client);
    move_ciphertext(pair.client, pair.server);
    BOOST_TEST(pair.server.read_all().empty());
    BOOST_TEST(pair.server.produced() == 27 * answers);
  }
}

BOOST_AUTO_TEST_CASE(fact_6_asking_for_a_key_update_and_a_handshake_sends_the_queued_answer) {
  auto pair = connected_pair();
  queue_key_update_request(pair.client);
  move_ciphertext(pair.client, pair.server);
  BOOST_TEST(pair.server.read_all().empty());
  BOOST_REQUIRE_EQUAL(SSL_key_update(pair.server.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  BOOST_TEST(bool{pair.server.handshake()});
  BOOST_TEST(pair.server.produced() == 27U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W7") * boost::unit_test::label("W8"))
BOOST_AUTO_TEST_CASE(fact_6_a_read_returns_want_write_when_the_ring_is_full_of_answers) {
  auto pair = connected_pair();
  std::string plaintext;
  std::size_t requests = 0;
  answer given;
  do {
    queue_key_update_request(pair.client);
    move_ciphertext(pair.client, pair.server);
    given = pair.server.read(plaintext);
    ++requests;
  } while (given.error == SSL_ERROR_WANT_READ);
  BOOST_TEST(given.error == SSL_ERROR_WANT_WRITE);
  // 644 answers of 27 bytes fit 17 408; the 645th is sent when the 646th request is met.
  BOOST_TEST(requests == 646U);
  BOOST_TEST(pair.server.write("x").error == SSL_ERROR_WANT_WRITE);
  // Room is all it needs to go on.
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(pair.client.read_all().empty());
  BOOST_TEST(pair.server.read(plaintext).error == SSL_ERROR_WANT_READ);
  BOOST_TEST(pair.server.write("x").bytes == 1U);
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(pair.client.read_all() == "x");
}

BOOST_DATA_TEST_CASE(fact_6_pending_does_not_see_undecrypted_input, data::make(suites), suite) {
  auto pair = connected_pair(suite.settings());
  BOOST_REQUIRE(pair.server.write(numbered_plaintext(1'000)));
  auto const record = pair.server.produced();
  BOOST_REQUIRE(pair.server.write(numbered_plaintext(1'000, 1'000)));
  auto const second = pair.server.produced() - record;
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(SSL_pending(pair.client.ssl()) == 0);
  std::string plaintext;
  BOOST_REQUIRE(pair.client.read(plaintext, 10));
  BOOST_TEST(SSL_pending(pair.client.ssl()) == 990);
  BOOST_TEST(pair.client.unread() == second);
  BOOST_REQUIRE(pair.client.read(plaintext, 990));
  BOOST_TEST(SSL_pending(pair.client.ssl()) == 0);
  BOOST_TEST((plaintext + pair.client.read_all() == numbered_plaintext(2'000)));
}

BOOST_AUTO_TEST_CASE(fact_6_a_stale_error_queue_turns_want_read_into_a_failure) {
  auto pair = connected_pair();
  std::size_t read = 0;
  char byte = 0;
  ERR_clear_error();
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  auto const returned = SSL_read_ex(pair.client.ssl(), &byte, 1, &read);
  BOOST_TEST(SSL_get_error(pair.client.ssl(), returned) ==
             (since_openssl_4() ? SSL_ERROR_WANT_READ : SSL_ERROR_SSL));
  ERR_clear_error();
  BOOST_TEST(SSL_get_error(pair.client.ssl(), returned) == SSL_ERROR_WANT_READ);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W4"))
BOOST_AUTO_TEST_CASE(fact_11_a_side_that_only_writes_never_sees_the_request) {
  auto pair = connected_pair(renegotiable());
  ask_for_renegotiation(pair);
  auto const unread = pair.server.unread();
  for (int call = 0; call < 100; ++call) {
    BOOST_REQUIRE_EQUAL(pair.server.write("only writing").bytes, 12U);
  }
  BOOST_TEST(pair.server.unread() == unread);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W4") * boost::unit_test::label("W7") *
                     boost::unit_test::label("W8"))
BOOST_AUTO_TEST_CASE(fact_11_once_a_read_met_the_request_the_next_write_wants_read_then_goes_on) {
  auto pair = connected_pair(renegotiable());
  ask_for_renegotiation(pair);
  std::string plaintext;
  BOOST_TEST(pair.server.read(plaintext).error == SSL_ERROR_WANT_READ);
  auto const refused = pair.server.write("after");
  BOOST_TEST(refused.error == SSL_ERROR_WANT_READ);
  pair.handshake();
  BOOST_TEST(pair.server.write("after").bytes == 5U);
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(pair.client.read_all() == "after");
}

BOOST_AUTO_TEST_CASE(fact_11_an_asking_peer_fails_when_plaintext_is_in_flight_to_it) {
  auto pair = connected_pair(renegotiable());
  ask_for_renegotiation(pair);
  BOOST_REQUIRE(pair.server.write("in flight"));
  move_ciphertext(pair.server, pair.client);
  auto const failed = pair.client.handshake();
  BOOST_TEST(failed.error == SSL_ERROR_SSL);
  BOOST_TEST(failed.reason == SSL_R_UNEXPECTED_RECORD);
}

BOOST_AUTO_TEST_CASE(fact_11_a_refused_request_leaves_an_alert_to_flush_beside_want_read) {
  auto settings = renegotiable();
  settings.options = SSL_OP_NO_RENEGOTIATION;
  auto pair = connected_pair(settings);
  SSL_clear_options(pair.client.ssl(), SSL_OP_NO_RENEGOTIATION);
  ask_for_renegotiation(pair);
  std::string plaintext;
  BOOST_TEST(pair.server.read(plaintext).error == SSL_ERROR_WANT_READ);
  BOOST_TEST(pair.server.produced() > 0U);
}

BOOST_AUTO_TEST_CASE(fact_11_an_asking_peer_that_writes_fails_the_same_way) {
  auto pair = connected_pair(renegotiable());
  BOOST_REQUIRE(pair.server.write("in flight"));
  move_ciphertext(pair.server, pair.client);
  BOOST_REQUIRE_EQUAL(SSL_renegotiate(pair.client.ssl()), 1);
  auto const failed = pair.client.write("a question");
  BOOST_TEST(failed.error == SSL_ERROR_SSL);
  BOOST_TEST(failed.reason == SSL_R_UNEXPECTED_RECORD);
}

BOOST_AUTO_TEST_CASE(fact_11_an_asking_peer_that_reads_takes_the_plaintext_in_flight) {
  auto pair = connected_pair(renegotiable());
  BOOST_REQUIRE(pair.server.write("in flight"));
  move_ciphertext(pair.server, pair.client);
  BOOST_REQUIRE_EQUAL(SSL_renegotiate(pair.client.ssl()), 1);
  BOOST_TEST(pair.client.read_all() == "in flight");
}

BOOST_AUTO_TEST_CASE(fact_11_an_asking_server_that_reads_takes_the_plaintext_in_flight) {
  auto pair = connected_pair(renegotiable());
  BOOST_REQUIRE(pair.client.write("in flight"));
  move_ciphertext(pair.client, pair.server);
  BOOST_REQUIRE_EQUAL(SSL_renegotiate(pair.server.ssl()), 1);
  BOOST_TEST(pair.server.read_all() == "in flight");
}

BOOST_AUTO_TEST_CASE(fact_11_a_server_whose_request_has_left_takes_the_plaintext_in_flight) {
  auto pair = connected_pair(renegotiable());
  BOOST_REQUIRE_EQUAL(SSL_renegotiate(pair.server.ssl()), 1);
  BOOST_REQUIRE(pair.server.handshake());
  BOOST_REQUIRE(pair.client.write("in flight"));
  move_ciphertext(pair.client, pair.server);
  BOOST_TEST(pair.server.read_all() == "in flight");
}

BOOST_AUTO_TEST_CASE(fact_5_reading_a_renegotiation_beside_a_blocked_write_ends_the_session) {
  std::string const blocked(6'000, 'x');
  auto pair = pair_with_blocked_write(renegotiable(), blocked);
  ask_for_renegotiation(pair);
  std::string plaintext;
  auto const reading = pair.server.read(plaintext);
  BOOST_TEST(reading.error == SSL_ERROR_SSL);
  BOOST_TEST(reading.reason == SSL_R_BAD_LENGTH);
  pair.server.take();
  BOOST_TEST(!pair.server.write(blocked));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M1"))
BOOST_AUTO_TEST_CASE(M1_set_mode_adds_bits_and_a_session_inherits_those_of_its_context) {
  context_ptr const context{SSL_CTX_new(TLS_method())};
  auto const before = SSL_CTX_get_mode(context.get());
  BOOST_TEST(before == SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  auto const both = before | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS;
  BOOST_TEST(SSL_CTX_get_mode(context.get()) == both);

  session_ptr const ssl{SSL_new(context.get())};
  BOOST_TEST(SSL_get_mode(ssl.get()) == both);
  SSL_set_mode(ssl.get(), SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  BOOST_TEST(SSL_get_mode(ssl.get()) == (both | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER));
  BOOST_TEST(SSL_CTX_get_mode(context.get()) == both);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M2"))
BOOST_AUTO_TEST_CASE(M2_set_mode_returns_the_new_mask_and_get_mode_the_current_one) {
  context_ptr const context{SSL_CTX_new(TLS_method())};
  auto const wanted = SSL_CTX_get_mode(context.get()) | SSL_MODE_ENABLE_PARTIAL_WRITE;
  BOOST_TEST(SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE) == wanted);
  BOOST_TEST(SSL_CTX_get_mode(context.get()) == wanted);
  // Nothing to add: the same answer.
  BOOST_TEST(SSL_CTX_set_mode(context.get(), 0) == wanted);

  session_ptr const ssl{SSL_new(context.get())};
  auto const more = wanted | SSL_MODE_RELEASE_BUFFERS;
  BOOST_TEST(SSL_set_mode(ssl.get(), SSL_MODE_RELEASE_BUFFERS) == more);
  BOOST_TEST(SSL_get_mode(ssl.get()) == more);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M8") * boost::unit_test::label("M10"))
BOOST_DATA_TEST_CASE(M8_M10_only_auto_retry_keeps_a_read_from_stopping_at_a_key_update,
                     data::make({true, false}), auto_retry) {
  auto pair = connected_pair();
  if (!auto_retry) SSL_clear_mode(pair.client.ssl(), SSL_MODE_AUTO_RETRY);
  queue_key_update_request(pair.server);
  BOOST_REQUIRE(pair.server.write("behind it"));
  move_ciphertext(pair.server, pair.client);
  std::string plaintext;
  auto const first = pair.client.read(plaintext);
  BOOST_TEST(first.error == (auto_retry ? SSL_ERROR_NONE : SSL_ERROR_WANT_READ));
  if (!auto_retry) BOOST_TEST(pair.client.read(plaintext).error == SSL_ERROR_NONE);
  BOOST_TEST(plaintext == "behind it");
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W3"))
BOOST_DATA_TEST_CASE(W3_a_write_negotiates_the_session_when_nobody_has, data::make(suites), suite) {
  tls_pair pair{suite.settings()};
  std::string arrived;
  bool written = false;
  while (arrived.empty()) {
    if (!written) {
      auto const given = pair.client.write("hello");
      BOOST_REQUIRE(given || given.error == SSL_ERROR_WANT_READ);
      written = bool{given};
    }
    auto moved = move_ciphertext(pair.client, pair.server);
    arrived += pair.server.read_all();
    moved += move_ciphertext(pair.server, pair.client);
    BOOST_REQUIRE_GT(moved, 0U);
  }
  BOOST_TEST(arrived == "hello");
  BOOST_TEST(SSL_is_init_finished(pair.client.ssl()) == 1);
}

// A server goes on as if its client were verified, and that client is of an authority that nobody
// trusts: who waits there lets everybody in.
BOOST_AUTO_TEST_CASE(fact_16_a_server_takes_a_verification_that_waits_for_one_that_succeeded) {
  for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    tls_settings settings;
    settings.version = version;
    auto const server_context = make_context(role::server, settings);
    int asked = 0;
    SSL_CTX_set_verify(server_context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       nullptr);
    SSL_CTX_set_cert_verify_callback(
        server_context.get(),
        [](X509_STORE_CTX* chain, void* count) {
          ++*static_cast<int*>(count);
          auto* const ssl = static_cast<SSL*>(
              X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
          return SSL_set_retry_verify(ssl) > 0 ? 1 : 0;
        },
        &asked);
    auto const client_context = make_context(role::client, settings);
    use_identity(client_context.get(), make_identity(identity_kind::untrusted));
    raw_session client(client_context.get(), role::client);
    raw_session server(server_context.get(), role::server);
    answer of_server;
    for (int turn = 0; turn != 10 && !(of_server = server.handshake()); ++turn) {
      (void)client.handshake();
      move_ciphertext(client, server);
      move_ciphertext(server, client);
    }
    BOOST_TEST(bool{of_server});
    BOOST_TEST(asked == 1);
    BOOST_TEST(SSL_get0_peer_certificate(server.ssl()) != nullptr);
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W5"))
BOOST_AUTO_TEST_CASE(W5_a_session_without_a_role_cannot_write_or_read_or_handshake) {
  context_ptr const context{SSL_CTX_new(TLS_method())};
  session_ptr const ssl{SSL_new(context.get())};
  auto const pair = make_bio_pair();
  BIO_up_ref(pair.inner.get());
  SSL_set_bio(ssl.get(), pair.inner.get(), pair.inner.get());
  auto const fails_with = [&](int returned, int reason) {
    BOOST_TEST(SSL_get_error(ssl.get(), returned) == SSL_ERROR_SSL);
    BOOST_TEST(ERR_GET_REASON(ERR_peek_error()) == reason);
    ERR_clear_error();
  };
  std::size_t done = 0;
  char byte = 0;
  ERR_clear_error();
  fails_with(SSL_write_ex(ssl.get(), "x", 1, &done), SSL_R_UNINITIALIZED);
  fails_with(SSL_read_ex(ssl.get(), &byte, 1, &done), SSL_R_UNINITIALIZED);
  fails_with(SSL_do_handshake(ssl.get()), SSL_R_CONNECTION_TYPE_NOT_SET);
  BOOST_TEST(BIO_ctrl_pending(pair.outer.get()) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
