// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine alone, in mid-session: how plaintext becomes records and records become plaintext,
// what fits the ring, the record that OpenSSL has begun and can't finish, and what reads and key
// updates leave to flush.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <memory>
#include <vector>

#include "engine_pair.hpp"
#include "openssl_contract.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

// Lengths of the records in the ring, which are left there.
std::vector<std::size_t> records_in_ring(engine& from) {
  auto const ciphertext = from.ring().readable();
  BOOST_REQUIRE_EQUAL(ciphertext.size(), from.ring().output_bytes());
  return record_lengths({reinterpret_cast<char const*>(ciphertext.data()), ciphertext.size()});
}

// Seals full records of `fill` as long as there is room for one; returns how many.
std::size_t seal_full_records(engine& from, char fill) {
  std::string const record(max_record_plaintext, fill);
  std::size_t sealed = 0;
  for (; from.can_seal(); ++sealed)
    seal_all(from, record);
  return sealed;
}

// `from` has a full ring and keeps the first record of `message`, whose place has been overwritten
// and freed.
void leave_pending(engine& from, std::string const& message) {
  auto lent = std::make_unique<std::string>(message);
  auto const kept = std::min(message.size(), max_record_plaintext);
  BOOST_REQUIRE_EQUAL(from.seal(bytes_of(*lent)), (step{want::flush, kept}));
  lent->assign(lent->size(), '#');
  lent.reset();
  BOOST_REQUIRE(from.record_pending());
}

void ask_for_key_update(engine& from) { BOOST_REQUIRE_EQUAL(from.key_update(true), step{}); }

BOOST_AUTO_TEST_SUITE(engine_record)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W11"))
BOOST_DATA_TEST_CASE(one_call_seals_one_record_of_at_most_16_KiB,
                     data::make(suites) *
                         data::make({1U, 16'383U, 16'384U, 16'385U, 40'000U, 1'048'576U}),
                     suite, size) {
  connected_engines pair(suite.settings());
  auto const plaintext = numbered_plaintext(size);
  std::string received;
  while (received.size() < size) {
    auto const rest = bytes_of(plaintext).subspan(received.size());
    auto const expected = std::min(rest.size(), max_record_plaintext);
    BOOST_REQUIRE_EQUAL(pair.client.seal(rest), (step{want::nothing, expected}));
    BOOST_REQUIRE_EQUAL(records_in_ring(pair.client).size(), 1U);
    received += deliver_all(pair.client, pair.server);
  }
  BOOST_TEST((received == plaintext));
}

BOOST_DATA_TEST_CASE(ring_of_4_takes_exactly_4_full_records_in_one_flush, data::make(suites),
                     suite) {
  connected_engines pair(suite.settings());
  // In the first round and in all later ones.
  for (char fill = 'a'; fill < 'd'; ++fill) {
    BOOST_TEST(seal_full_records(pair.client, fill) == 4U);
    BOOST_TEST(records_in_ring(pair.client) == std::vector(4, suite.full_record),
               boost::test_tools::per_element());
    BOOST_TEST(deliver_all(pair.client, pair.server).size() == 4 * max_record_plaintext);
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M9") * boost::unit_test::label("W12"))
BOOST_DATA_TEST_CASE(record_that_finds_no_room_is_finished_from_the_engines_own_copy,
                     data::make(suites) * data::make({1'500U, 16'384U, 40'000U}), suite, size) {
  connected_engines pair(suite.settings());
  seal_full_records(pair.client, 'f');
  auto message = numbered_plaintext(size);
  // What the margin left takes several small records; then OpenSSL has to stop in one.
  std::string expected(4 * max_record_plaintext, 'f');
  while (pair.client.ring().output_room() > size + 100) {
    seal_all(pair.client, message);
    expected += message;
  }
  leave_pending(pair.client, message);
  expected += message.substr(0, max_record_plaintext);

  // Little room is not enough, and does no harm.
  std::string received;
  while (pair.client.record_pending()) {
    BOOST_REQUIRE_GT(move_ciphertext(pair.client, pair.server, 700), 0U);
    received += open_all(pair.server);
    step const finished = pair.client.finish_record();
    BOOST_REQUIRE_EQUAL(finished.bytes, 0U);
    BOOST_REQUIRE((finished.next == want::flush) == pair.client.record_pending());
  }
  received += deliver_all(pair.client, pair.server);
  seal_all(pair.client, "then this");
  expected += "then this";
  received += deliver_all(pair.client, pair.server);
  BOOST_TEST(received.size() == expected.size());
  BOOST_TEST((received == expected));
}

BOOST_DATA_TEST_CASE(a_call_takes_no_more_than_it_says_where_records_are_short,
                     data::make(suites) * data::make({512U, 777U, 16'383U}), suite, limit) {
  connected_engines pair(suite.settings());
  BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(pair.client.native_handle(), limit), 1);
  auto const plaintext = numbered_plaintext(100'000);
  std::string received;
  for (std::size_t taken = 0; taken != plaintext.size();) {
    auto const rest = bytes_of(plaintext).subspan(taken);
    step const sealed = pair.client.seal(rest);
    BOOST_REQUIRE_EQUAL(sealed, (step{want::nothing, std::min<std::size_t>(rest.size(), limit)}));
    taken += sealed.bytes;
    BOOST_REQUIRE_EQUAL(pair.client.stats().plaintext_sealed, taken);
    received += deliver_all(pair.client, pair.server);
    BOOST_REQUIRE_EQUAL(received.size(), taken);
  }
  BOOST_TEST((received == plaintext));
  BOOST_TEST(pair.client.stats().records_sealed == (plaintext.size() + limit - 1) / limit);
}

BOOST_DATA_TEST_CASE(pending_record_loses_no_byte_where_records_are_short,
                     data::make(suites) * data::make({512U, 777U, 5'000U}), suite, limit) {
  connected_engines pair(suite.settings());
  BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(pair.client.native_handle(), limit), 1);
  auto const plaintext = numbered_plaintext(200'000);
  std::size_t taken = 0;
  step sealed;
  while (sealed.next == want::nothing) {
    sealed = pair.client.seal(bytes_of(plaintext).subspan(taken));
    taken += sealed.bytes;
  }
  BOOST_REQUIRE_EQUAL(sealed, (step{want::flush, max_record_plaintext}));
  std::string received;
  while (pair.client.record_pending()) {
    BOOST_REQUIRE_GT(move_ciphertext(pair.client, pair.server, 1'000), 0U);
    received += open_all(pair.server);
    step const finished = pair.client.finish_record();
    BOOST_REQUIRE_EQUAL(finished.bytes, 0U);
    BOOST_REQUIRE((finished.next == want::flush) == pair.client.record_pending());
  }
  received += deliver_all(pair.client, pair.server);
  BOOST_TEST((received == plaintext.substr(0, taken)));
  BOOST_TEST(pair.client.stats().plaintext_sealed == taken);
}

BOOST_AUTO_TEST_CASE(memory_of_a_pending_record_is_given_back_at_rest) {
  connected_engines pair;
  auto const before = pair.client.memory_usage();
  seal_full_records(pair.client, 'f');
  leave_pending(pair.client, numbered_plaintext(16'384));
  BOOST_TEST(pair.client.memory_usage() >= before + 16'384);
  pair.client.go_idle(true);
  BOOST_TEST(pair.client.record_pending());
  while (pair.client.record_pending()) {
    (void)deliver_all(pair.client, pair.server);
    (void)pair.client.finish_record();
  }
  (void)deliver_all(pair.client, pair.server);
  pair.client.go_idle(true);
  BOOST_TEST(pair.client.memory_usage() == before);
}

BOOST_AUTO_TEST_CASE(peer_is_read_while_a_record_is_pending) {
  connected_engines pair;
  seal_full_records(pair.client, 'f');
  leave_pending(pair.client, numbered_plaintext(16'384));
  seal_all(pair.server, "from the server");
  BOOST_TEST(deliver_all(pair.server, pair.client) == "from the server");
  std::string received;
  while (received.size() < 4 * max_record_plaintext) {
    received += deliver_all(pair.client, pair.server);
  }
  BOOST_TEST(pair.client.finish_record() == step{});
  BOOST_TEST((deliver_all(pair.client, pair.server) == numbered_plaintext(16'384)));
}

BOOST_AUTO_TEST_CASE(finish_record_without_a_pending_record_does_nothing) {
  connected_engines pair;
  BOOST_TEST(pair.client.finish_record() == step{});
  BOOST_TEST(pair.client.ring().output_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(open_wants_fill_until_a_whole_record_is_there) {
  connected_engines pair;
  seal_all(pair.client, "whole or not at all");
  auto const record = pair.client.ring().output_bytes();
  for (std::size_t moved = 0; moved < record - 1; ++moved) {
    BOOST_REQUIRE_EQUAL(move_ciphertext(pair.client, pair.server, 1), 1U);
    want end{};
    BOOST_REQUIRE_EQUAL(open_all(pair.server, &end), "");
    BOOST_REQUIRE_EQUAL(end, want::fill);
  }
  BOOST_TEST(deliver_all(pair.client, pair.server) == "whole or not at all");
}

BOOST_AUTO_TEST_CASE(open_takes_one_record_a_call_and_what_does_not_fit_with_the_next) {
  connected_engines pair;
  seal_all(pair.client, "first");
  seal_all(pair.client, "second");
  BOOST_REQUIRE_GT(move_ciphertext(pair.client, pair.server), 0U);
  std::string place(3, '\0');
  std::vector<std::string> pieces;
  for (step opened; (opened = pair.server.open(std::as_writable_bytes(std::span(place)))).next ==
                    want::nothing;) {
    pieces.push_back(place.substr(0, opened.bytes));
  }
  BOOST_TEST(pieces == (std::vector<std::string>{"fir", "st", "sec", "ond"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(several_records_are_opened_after_one_fill) {
  connected_engines pair;
  BOOST_TEST(seal_full_records(pair.client, 'm') == 4U);
  BOOST_TEST(move_ciphertext(pair.client, pair.server) == 4U * 16'406);
  BOOST_TEST((open_all(pair.server) == std::string(4 * max_record_plaintext, 'm')));
}

BOOST_AUTO_TEST_CASE(answer_to_a_key_update_leaves_in_front_of_the_next_record) {
  connected_engines pair;
  ask_for_key_update(pair.client);
  BOOST_TEST(deliver_all(pair.client, pair.server) == "");
  seal_all(pair.server, "x");
  BOOST_TEST(records_in_ring(pair.server) == (std::vector<std::size_t>{27, 23}),
             boost::test_tools::per_element());
  BOOST_TEST(deliver_all(pair.server, pair.client) == "x");
  seal_all(pair.client, "and back");
  BOOST_TEST(deliver_all(pair.client, pair.server) == "and back");
}

// Fact 14.
BOOST_AUTO_TEST_CASE(what_was_read_ahead_of_a_key_update_is_kept) {
  tls_settings settings;
  settings.options = SSL_OP_ENABLE_KTLS;
  engine_pair pair(settings);
  pair.handshake();
  SSL_set_read_ahead(pair.server.native_handle(), 1);  // before it that has no effect
  for (int round = 0; round < 3; ++round) {
    seal_all(pair.client, "before");
    ask_for_key_update(pair.client);
    seal_all(pair.client, "after");
    BOOST_TEST(deliver_all(pair.client, pair.server) == "beforeafter");
  }
}

// OpenSSL would go through both in one call, and answer the first in the middle of the record.
BOOST_AUTO_TEST_CASE(requests_for_new_keys_that_came_together_leave_a_blocked_record_whole) {
  engine_pair pair;
  SSL_set_read_ahead(pair.server.native_handle(), 1);
  pair.handshake();
  std::string const text(max_record_plaintext, 'r');
  std::size_t sealed = 0;
  while (!pair.server.record_pending())
    sealed += pair.server.seal(bytes_of(text)).bytes;
  ask_for_key_update(pair.client);
  ask_for_key_update(pair.client);
  seal_all(pair.client, "x");
  move_ciphertext(pair.client, pair.server);
  std::byte place{};
  BOOST_TEST(pair.server.open({&place, 1}) == (step{want::flush, 0}));
  BOOST_TEST(pair.server.open({&place, 1}) == (step{want::flush, 0}));
  std::string delivered;
  while (pair.server.record_pending()) {
    delivered += deliver_all(pair.server, pair.client);
    BOOST_REQUIRE((pair.server.finish_record().next != want::failed));
  }
  BOOST_TEST((open_all(pair.server) == "x"));
  delivered += deliver_all(pair.server, pair.client);
  BOOST_TEST(delivered.size() == sealed);
}

BOOST_AUTO_TEST_CASE(key_update_beside_full_records_leaves_none_pending) {
  connected_engines pair;
  for (int round = 0; round < 50; ++round) {
    ask_for_key_update(pair.server);
    BOOST_REQUIRE_EQUAL(deliver_all(pair.server, pair.client), "");
    // An answer is due now, and stands in front of what is sealed last in a nearly full ring.
    BOOST_REQUIRE_EQUAL(seal_full_records(pair.client, 'k'), 4U);
    BOOST_REQUIRE(!pair.client.record_pending());
    BOOST_REQUIRE_EQUAL(deliver_all(pair.client, pair.server).size(), 4 * max_record_plaintext);
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W7") * boost::unit_test::label("W8"))
BOOST_AUTO_TEST_CASE(open_wants_flush_while_answers_to_key_updates_fill_the_ring) {
  connected_engines pair;
  std::string place(100, '\0');
  std::size_t requests = 0;
  step opened;
  do {
    ask_for_key_update(pair.client);
    move_ciphertext(pair.client, pair.server);
    opened = pair.server.open(std::as_writable_bytes(std::span(place)));
    BOOST_REQUIRE_LE(pair.server.ring().output_bytes(), plain_options.ring_records * record_room);
    BOOST_REQUIRE_LT(++requests, 10'000U);
  } while (opened == step{want::fill, 0});
  BOOST_TEST(opened == (step{want::flush, 0}));
  // There is room now, and nothing more has come: the answer that was blocked leaves all the same.
  BOOST_TEST(deliver_all(pair.server, pair.client) == "");
  BOOST_TEST(open_all(pair.server) == "");
  BOOST_TEST(pair.server.ring().output_bytes() != 0U);
  seal_all(pair.client, "still there");
  BOOST_TEST(deliver_all(pair.client, pair.server) == "still there");
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M10"))
BOOST_AUTO_TEST_CASE(tickets_of_a_context_without_auto_retry_do_not_stop_a_fill_half_way) {
  auto const client_context = make_context(role::client);
  SSL_CTX_clear_mode(client_context.get(), SSL_MODE_AUTO_RETRY);
  engine_pair pair(client_context.get(), make_context(role::server).get());
  pair.client.be_client();
  while (!pair.server.handshake_done()) {
    (void)pair.client.handshake();
    move_ciphertext(pair.client, pair.server);
    (void)pair.server.handshake();
    if (!pair.server.handshake_done()) move_ciphertext(pair.server, pair.client);
  }
  // The tickets and this come with one fill.
  seal_all(pair.server, "behind the tickets");
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(open_all(pair.client) == "behind the tickets");
  BOOST_TEST(pair.client.ring().input_bytes() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
