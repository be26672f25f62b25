// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pins how much room a record and what goes before it need: fact 3 of docs/openssl-facts.md.
// Must not use tls_async code: a failure here means that OpenSSL has changed.
#include <random>
#include <string>
#include <vector>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include "openssl_contract.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(openssl_contract_room)

BOOST_DATA_TEST_CASE(fact_3_a_full_record_needs_its_suites_room_and_no_more, data::make(suites),
                     suite) {
  auto pair = connected_pair(suite.settings());
  BOOST_REQUIRE(pair.server.write(numbered_plaintext(max_record_plaintext)));
  BOOST_TEST(pair.server.produced() == suite.full_record);
  BOOST_TEST(pair.server.produced() <= max_record_plaintext + 85);
}

BOOST_AUTO_TEST_CASE(fact_3_a_queued_key_update_adds_27_bytes_to_the_next_write) {
  auto pair = connected_pair();
  BOOST_REQUIRE_EQUAL(SSL_key_update(pair.server.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  BOOST_TEST(pair.server.produced() == 0U);
  BOOST_REQUIRE(pair.server.write("x"));
  BOOST_TEST(record_lengths(pair.server.take()) == (std::vector<std::size_t>{27, 23}),
             boost::test_tools::per_element());
}

BOOST_DATA_TEST_CASE(fact_3_a_queued_ticket_adds_its_record_to_the_next_write,
                     data::make({false, true}), client_certificate) {
  tls_settings settings;
  settings.client_certificate = client_certificate;
  auto pair = connected_pair(settings);
  BOOST_REQUIRE_EQUAL(SSL_new_session_ticket(pair.server.ssl()), 1);
  BOOST_TEST(pair.server.produced() == 0U);
  BOOST_REQUIRE(pair.server.write("x"));
  auto const records = record_lengths(pair.server.take());
  BOOST_REQUIRE_EQUAL(records.size(), 2U);
  BOOST_TEST(records.back() == 23U);
  // A ticket carries the client's certificate: no margin is enough for every one.
  BOOST_TEST((records.front() > safe_room - max_record_plaintext) == client_certificate);
}

BOOST_AUTO_TEST_CASE(fact_3_do_handshake_flushes_queued_tickets_and_key_updates) {
  auto pair = connected_pair();
  BOOST_REQUIRE_EQUAL(SSL_new_session_ticket(pair.server.ssl()), 1);
  BOOST_TEST(bool{pair.server.handshake()});
  BOOST_TEST(pair.server.produced() > 0U);
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(pair.client.read_all().empty());

  BOOST_REQUIRE_EQUAL(SSL_key_update(pair.server.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  BOOST_TEST(bool{pair.server.handshake()});
  BOOST_TEST(pair.server.produced() == 27U);
  move_ciphertext(pair.server, pair.client);

  BOOST_REQUIRE(pair.server.write("x"));
  BOOST_TEST(pair.server.produced() == 23U);
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(pair.client.read_all() == "x");
}

// A server that has a ticket to send behind the answer to the client's key update.
tls_pair pair_with_queued_answer_and_ticket() {
  auto pair = connected_pair();
  BOOST_REQUIRE_EQUAL(SSL_key_update(pair.client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  BOOST_REQUIRE(pair.client.handshake());
  move_ciphertext(pair.client, pair.server);
  BOOST_REQUIRE(pair.server.read_all().empty());
  BOOST_REQUIRE_EQUAL(SSL_new_session_ticket(pair.server.ssl()), 1);
  return pair;
}

BOOST_AUTO_TEST_CASE(fact_3_do_handshake_leaves_a_ticket_queued_behind_a_key_update_answer) {
  auto pair = pair_with_queued_answer_and_ticket();
  for (int call = 0; call < 3; ++call) {
    BOOST_TEST(bool{pair.server.handshake()});
  }
  BOOST_TEST(pair.server.produced() == 27U);
  BOOST_REQUIRE(pair.server.write("x"));
  BOOST_TEST(record_lengths(pair.server.take()).size() == 3U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W14"))
BOOST_AUTO_TEST_CASE(fact_3_W14_zero_length_writes_flush_everything_queued_one_kind_a_call) {
  auto pair = pair_with_queued_answer_and_ticket();
  BOOST_TEST(pair.server.write({}).returned == 1);
  BOOST_TEST(pair.server.produced() == 27U);
  BOOST_TEST(pair.server.write({}).returned == 1);
  auto const flushed = pair.server.produced();
  BOOST_TEST(flushed > 27U);
  BOOST_TEST(pair.server.write({}).returned == 1);
  BOOST_TEST(pair.server.produced() == flushed);
  BOOST_REQUIRE(pair.server.write("x"));
  BOOST_TEST(pair.server.produced() == flushed + 23);
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(pair.client.read_all() == "x");
}

BOOST_AUTO_TEST_CASE(fact_3_a_write_beside_a_queued_ticket_wants_write_at_a_margin_of_64) {
  auto pair = connected_pair({}, {}, {max_record_plaintext + 64, one_record_ring});
  BOOST_REQUIRE_EQUAL(SSL_new_session_ticket(pair.server.ssl()), 1);
  BOOST_TEST(pair.server.write(numbered_plaintext(max_record_plaintext)).error ==
             SSL_ERROR_WANT_WRITE);
}

BOOST_AUTO_TEST_CASE(fact_3_writes_with_512_bytes_to_spare_never_want_write_under_noise) {
  // A fixed seed: the standard says what mt19937 gives, so each run is the same.
  std::mt19937 random{20'251'122};
  auto const one_in = [&](unsigned n) { return random() % n == 0; };
  auto pair = connected_pair({}, {}, {2 * one_record_ring, one_record_ring});
  auto& [client, server] = pair;
  std::string sent;
  std::string arrived;
  std::size_t writes = 0;
  while (writes < 2'000) {
    if (one_in(2)) {
      BOOST_REQUIRE_EQUAL(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
      BOOST_REQUIRE(client.handshake());
      move_ciphertext(client, server);
    }
    std::string ignored;
    // The answer to the key update goes into the ring, or waits for room in it.
    auto const given = server.read(ignored);
    BOOST_REQUIRE(given.error == SSL_ERROR_WANT_READ || given.error == SSL_ERROR_WANT_WRITE);
    if (one_in(4)) {
      SSL_new_session_ticket(server.ssl());
    }
    if (one_in(4)) {
      SSL_key_update(server.ssl(), SSL_KEY_UPDATE_REQUESTED);
    }
    if (server.handshake() && room(server) >= safe_room) {
      auto const plaintext = numbered_plaintext(max_record_plaintext, sent.size());
      BOOST_REQUIRE_EQUAL(server.write(plaintext).bytes, plaintext.size());
      sent += plaintext;
      ++writes;
    } else if (room(server) < safe_room) {
      // Makes hardly more room than a write needs, so that any noise decides.
      move_ciphertext(server, client, safe_room - room(server) + random() % 8);
      arrived += client.read_all();
    }
    move_ciphertext(client, server);
  }
  while (move_ciphertext(server, client) > 0) {
    arrived += client.read_all();
  }
  BOOST_TEST((arrived == sent));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
