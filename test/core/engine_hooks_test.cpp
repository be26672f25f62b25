// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine's questions: what it answers while one is open, and what an answer does.
#include <string>
#include <variant>

#include "engine_pair.hpp"

namespace tls_async::test {
namespace {

questions about_peer() {
  questions wanted;
  wanted.peer = true;
  return wanted;
}

// Until neither has anything for the other.
void run(engine_pair& pair) {
  for (int turn = 0; turn != 10; ++turn) {
    (void)pair.client.handshake();
    move_ciphertext(pair.client, pair.server);
    (void)pair.server.handshake();
    move_ciphertext(pair.server, pair.client);
  }
}

BOOST_AUTO_TEST_SUITE(engine_hooks)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W15"))
BOOST_AUTO_TEST_CASE(W15_handshake_answers_decision_until_it_is_told) {
  engine_pair pair;
  BOOST_REQUIRE(!pair.client.ask(about_peer()));
  run(pair);
  BOOST_TEST(pair.client.handshake() == (step{want::decision, 0}));
  BOOST_TEST(pair.client.handshake() == (step{want::decision, 0}));
  auto const asked = pair.client.question();
  BOOST_REQUIRE(asked != nullptr);
  BOOST_TEST(std::get<peer_certificates>(*asked).size() >= 1U);
  BOOST_TEST(!pair.client.handshake_done());
  std::string place(10, '\0');
  // Nor does what a session does by itself get past it.
  BOOST_TEST(pair.client.seal(std::as_bytes(std::span(place))).next == want::decision);
  BOOST_TEST(pair.client.open(std::as_writable_bytes(std::span(place))).next == want::decision);
  pair.client.decide({});
  BOOST_TEST(pair.client.question() == nullptr);
  run(pair);
  BOOST_TEST(pair.client.handshake_done());
  BOOST_TEST(pair.server.handshake_done());
}

BOOST_AUTO_TEST_CASE(refusal_ends_the_session_on_both_sides) {
  engine_pair pair;
  BOOST_REQUIRE(!pair.client.ask(about_peer()));
  run(pair);
  pair.client.decide(tls_async::verdict::refuse("no"));
  run(pair);
  BOOST_TEST(pair.client.handshake().next == want::failed);
  BOOST_TEST((pair.client.failure().own == errc::refused));
  BOOST_TEST(pair.server.handshake().next == want::failed);
}

BOOST_AUTO_TEST_CASE(questions_are_fixed_when_the_handshake_has_begun) {
  engine_pair pair;
  BOOST_TEST(!pair.client.ask({}));
  BOOST_TEST(!pair.client.ask(about_peer()));
  BOOST_TEST(!pair.client.ask({}));
  BOOST_TEST(!pair.client.ask(about_peer()));
  (void)pair.client.handshake();
  BOOST_TEST(!pair.client.ask(about_peer()));
  BOOST_TEST((pair.client.ask({}) == errc::bad_option));
  BOOST_TEST(pair.server.ask({}) == error_code());
}

BOOST_AUTO_TEST_CASE(session_that_has_failed_asks_nothing) {
  engine_pair pair;
  BOOST_REQUIRE(!pair.client.ask(about_peer()));
  run(pair);
  BOOST_REQUIRE(pair.client.question() != nullptr);
  pair.client.abort(make_error_code(errc::unexpected_result));
  BOOST_TEST(pair.client.question() == nullptr);
  BOOST_TEST(pair.client.handshake().next == want::failed);
}

BOOST_AUTO_TEST_CASE(session_that_was_cleared_is_not_negotiated_anew_unasked) {
  engine_pair pair;
  BOOST_REQUIRE(!pair.server.ask(about_peer()));
  run(pair);
  pair.server.decide({});
  run(pair);
  BOOST_REQUIRE(pair.server.handshake_done());
  BOOST_REQUIRE_EQUAL(SSL_shutdown(pair.server.native_handle()), 0);
  BOOST_REQUIRE_EQUAL(SSL_clear(pair.server.native_handle()), 1);
  std::string place(10, '\0');
  BOOST_TEST(pair.server.open(std::as_writable_bytes(std::span(place))).next == want::failed);
}

// The program may have kept it, and drive it by itself.
BOOST_AUTO_TEST_CASE(session_that_outlives_its_engine_shows_no_certificate) {
  auto const context = make_context(role::server);
  session_ptr kept;
  {
    engine server(context.get(), stream_options());
    questions wanted;
    wanted.certificate = true;
    server.be_server();
    BOOST_REQUIRE(!server.ask(wanted));
    kept.reset(server.native_handle());
    SSL_up_ref(kept.get());
  }
  auto const client_context = make_context(role::client);
  raw_session client(client_context.get(), role::client);
  auto pair = make_bio_pair({1 << 16, 1 << 16});
  SSL_set_bio(kept.get(), pair.inner.get(), pair.inner.get());
  (void)pair.inner.release();
  (void)client.handshake();
  auto const hello = client.take();
  BOOST_REQUIRE_EQUAL(BIO_write(pair.outer.get(), hello.data(), static_cast<int>(hello.size())),
                      static_cast<int>(hello.size()));
  int const done = SSL_do_handshake(kept.get());
  BOOST_TEST(done != 1);
  BOOST_TEST(SSL_get_error(kept.get(), done) == SSL_ERROR_SSL);
  ERR_clear_error();
}

BOOST_AUTO_TEST_CASE(session_that_was_cleared_has_its_tickets_again) {
  engine_pair pair;
  std::size_t const usual = SSL_get_num_tickets(pair.server.native_handle());
  BOOST_REQUIRE_GT(usual, 0U);
  BOOST_REQUIRE(!pair.server.ask(about_peer()));
  run(pair);
  pair.server.decide({});
  run(pair);
  BOOST_REQUIRE(pair.server.handshake_done());
  BOOST_TEST(SSL_get_num_tickets(pair.server.native_handle()) == 0U);
  BOOST_REQUIRE_EQUAL(SSL_shutdown(pair.server.native_handle()), 0);
  BOOST_REQUIRE_EQUAL(SSL_clear(pair.server.native_handle()), 1);
  BOOST_TEST(pair.server.begin_anew_if_cleared());
  BOOST_TEST(SSL_get_num_tickets(pair.server.native_handle()) == usual);
  BOOST_TEST(pair.server.asks().empty());
}

BOOST_AUTO_TEST_CASE(answer_without_a_question_does_nothing) {
  engine_pair pair;
  pair.client.decide(tls_async::verdict::refuse("what?"));
  BOOST_REQUIRE(!pair.server.ask(about_peer()));
  pair.server.decide(tls_async::verdict::refuse("too early"));
  run(pair);
  BOOST_REQUIRE(pair.server.question() != nullptr);
  BOOST_TEST(std::get<peer_certificates>(*pair.server.question()).empty());
  pair.server.decide({});
  run(pair);
  BOOST_TEST(pair.server.handshake_done());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
