// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What makes a session on the way, or makes it anew: implicit negotiation and renegotiation; and
// what a stream counts.
#include <boost/test/unit_test.hpp>

#include <array>
#include <string>

#include "memory_session.hpp"
#include "raw_peer.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

stream_options renegotiating() {
  stream_options options;
  options.allow_renegotiation = true;
  return options;
}

struct tls_1_2_session {
  explicit tls_1_2_session(stream_options const& options)
      : client_context(client_of_tls_1(2)), session(options, client_context) {}
  context client_context;
  connected_session session;
};

// The client's Finished message of the last handshake, as either side saw it.
std::string last_finished(memory_tls& s) {
  std::string message(64, '\0');
  SSL* const ssl = s.native_handle();
  message.resize(SSL_is_server(ssl) != 0 ? SSL_get_peer_finished(ssl, message.data(), 64)
                                         : SSL_get_finished(ssl, message.data(), 64));
  return message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(negotiation)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W3"))
BOOST_AUTO_TEST_CASE(W3_the_first_write_or_read_negotiates_and_one_handshake_serves_both) {
  context client(context::role::client);
  client.insecure_skip_verification();
  memory_session session({}, client);
  session.client.set_role(memory_tls::client);
  session.server.set_role(memory_tls::server);
  ending written, written_back;
  sink at_client, at_server;
  keep_reading(session.client, at_client);
  keep_reading(session.server, at_server);
  tls_write(session.client, std::string("there"), written.token());
  tls_write(session.server, std::string("back"), written_back.token());
  session.settle();
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(written_back.ec == error_code());
  BOOST_TEST(at_server.plaintext == "there");
  BOOST_TEST(at_client.plaintext == "back");
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W5"))
BOOST_AUTO_TEST_CASE(W5_without_a_role_a_write_says_so) {
  memory_session session;
  ending written;
  tls_write(session.client, std::string("x"), written.token());
  session.settle();
  BOOST_TEST(written.ec == make_error_code(errc::no_role));
  session.handshake();  // and nothing was lost
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W4"))
BOOST_AUTO_TEST_CASE(renegotiation_is_refused_and_a_peer_that_insists_says_so) {
  tls_1_2_session both({});
  auto& session = both.session;
  SSL_clear_options(session.client.native_handle(), SSL_OP_NO_RENEGOTIATION);
  sink at_server, at_client;
  keep_reading(session.server, at_server);
  SSL_renegotiate(session.client.native_handle());
  keep_reading(session.client, at_client);
  session.settle();
  BOOST_TEST(session.server.stats().renegotiations_refused == 1U);
  // OpenSSL takes the warning for a failure of the handshake it asked for.
  BOOST_TEST(at_client.ended);
  BOOST_TEST(at_server.ended);
  BOOST_TEST(session.server.error_info().text().find("handshake failure") != std::string::npos);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W4"))
BOOST_AUTO_TEST_CASE(renegotiation_asked_for_once_too_often_ends_the_session_with_a_reason) {
  for (std::uint32_t const limit : {1U, 3U}) {
    stream_options options;
    options.most_renegotiation_attempts = limit;
    // Of OpenSSL's peers only a server can ask again after it was refused: its request needs no
    // answer, as long as it does not read the alert.
    rude_session s(role::server, options, {.version = TLS1_2_VERSION});
    s.handshake();
    SSL_clear_options(s.peer.tls().ssl(), SSL_OP_NO_RENEGOTIATION);
    sink at_client;
    keep_reading(s.stream, at_client);
    auto const ask = [&s] {
      BOOST_REQUIRE_EQUAL(SSL_renegotiate(s.peer.tls().ssl()), 1);
      BOOST_REQUIRE(s.peer.tls().handshake());
      BOOST_REQUIRE(s.peer.send());
    };
    std::string expected;
    for (std::uint32_t attempt = 1; attempt <= limit; ++attempt) {
      ask();
      BOOST_REQUIRE(s.peer.tls().write("still there"));
      BOOST_REQUIRE(s.peer.send());
      expected += "still there";
      BOOST_TEST(s.stream.stats().renegotiations_refused == attempt);
      BOOST_TEST(!at_client.ended);
      BOOST_TEST(at_client.plaintext == expected);
    }
    ask();
    BOOST_TEST(at_client.ended);
    BOOST_TEST(at_client.end == errc::peer_limit_exceeded);
    BOOST_TEST(s.stream.error_info().text().find("tried again to renegotiate") !=
               std::string::npos);
    BOOST_TEST(has_no_work(s.io));
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W4") * boost::unit_test::label("W8"))
BOOST_AUTO_TEST_CASE(W4_W8_with_the_opt_in_renegotiation_is_transparent_while_reads_are_parked) {
  for (bool const client_asks : {true, false}) {
    tls_1_2_session both(renegotiating());
    auto& session = both.session;
    auto& asking = client_asks ? session.client : session.server;
    auto const first = last_finished(session.client);
    sink at_server, at_client;
    // The one that asks does it from its read, as a peer has to that has plaintext in flight to it.
    keep_reading(client_asks ? session.server : session.client,
                 client_asks ? at_server : at_client);
    SSL_renegotiate(asking.native_handle());
    keep_reading(asking, client_asks ? at_client : at_server);
    std::string const message = numbered_plaintext(50'000);
    std::array<ending, 3> up, down;
    for (std::size_t round = 0; round < 3; ++round) {
      tls_write(session.client, asio::buffer(message), up[round].token());
      tls_write(session.server, asio::buffer(message), down[round].token());
      session.settle();
      BOOST_TEST(up[round].done);
      BOOST_TEST(down[round].done);
      BOOST_TEST(up[round].ec == error_code());
      BOOST_TEST(down[round].ec == error_code());
    }
    BOOST_TEST((at_server.plaintext == message + message + message));
    BOOST_TEST((at_client.plaintext == message + message + message));
    BOOST_TEST(SSL_total_renegotiations(asking.native_handle()) == 1);
    BOOST_TEST(last_finished(session.client) != first);
    BOOST_TEST(last_finished(session.server) == last_finished(session.client));
    BOOST_TEST(session.client.error_info().text().empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(statistics)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W7"))
BOOST_AUTO_TEST_CASE(counters_agree_on_both_sides) {
  connected_session session;
  auto const before = session.client.stats();
  sink at_server;
  keep_reading(session.server, at_server);
  std::string const message = numbered_plaintext(100'000);
  ending written;
  tls_write(session.client, asio::buffer(message), written.token());
  session.settle();
  auto const& client = session.client.stats();
  auto const& server = session.server.stats();
  BOOST_TEST(client.plaintext_sealed == 100'000U);
  BOOST_TEST(client.records_sealed == 7U);
  BOOST_TEST(client.messages == 1U);
  BOOST_TEST(client.flushes - before.flushes == 2U);
  BOOST_TEST(client.largest_batch == 4U);
  BOOST_TEST(server.plaintext_opened == 100'000U);
  BOOST_TEST(server.records_opened == 7U);
  BOOST_TEST(server.ciphertext_filled == client.ciphertext_flushed);
  BOOST_TEST(server.suspended_for_fill > 0U);
}

BOOST_AUTO_TEST_CASE(merged_messages_are_counted) {
  connected_session session;
  session.client_end().outgoing().capacity = 0;
  std::array<ending, 10> written;
  for (auto& one : written)
    tls_write(session.client, std::string(100, 'm'), one.token());
  session.client_end().outgoing().capacity = unbounded;
  session.client_end().settle();
  session.settle();
  BOOST_TEST(session.client.stats().messages == 10U);
  BOOST_TEST(session.client.stats().messages_merged == 9U);  // the first left at once
  BOOST_TEST(session.client.stats().records_sealed == 2U);
  BOOST_TEST(session.client.stats().largest_queue == 9U);
}

BOOST_AUTO_TEST_CASE(context_has_the_sum_of_its_streams) {
  context client(context::role::client);
  client.trust(server_identity().authority);
  for (int i = 0; i < 3; ++i) {
    connected_session session({}, client);
    ending written;
    tls_write(session.client, std::string(1'000, 'x'), written.token());
    session.settle();
  }
  BOOST_TEST(client.stats().plaintext_sealed == 3'000U);
  BOOST_TEST(client.stats().messages == 3U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tls_async::test
