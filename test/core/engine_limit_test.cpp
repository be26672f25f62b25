// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Peers that ask for more than the options allow: the session ends for the reason that is true,
// however the bytes were cut, and the peer is told.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include "engine_pair.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

stream_options limiting(std::uint32_t key_updates, std::uint32_t messages) {
  stream_options options;
  options.most_key_updates_in_a_row = key_updates;
  options.most_handshake_messages_in_a_row = messages;
  return options;
}

// All of them, in the order in which they stand.
stream_options const by_name{.ring_records = 8,
                             .most_key_updates_in_a_row = 1,
                             .most_handshake_messages_in_a_row = 2,
                             .most_renegotiation_attempts = 3,
                             .ktls = ktls::tx,
                             .allow_renegotiation = true,
                             .rekey_after_records = 4,
                             .rekey_after_bytes = 5,
                             .handshake_deadline = std::chrono::seconds(6),
                             .shutdown_deadline = std::chrono::seconds(7),
                             .write_stall_deadline = std::chrono::seconds(8),
                             .most_bytes_kept = 9,
                             .small_record_bytes = 10,
                             .small_records_until = 11,
                             .small_records_after = std::chrono::seconds(12),
                             .most_key_updates_per_second = 13};

// Delivers `ciphertext` in pieces and opens after each; the last word of `to`.
want give_in_pieces(engine& to, std::string_view ciphertext, std::size_t piece) {
  want end = want::fill;
  while (!ciphertext.empty() && end == want::fill) {
    auto const n = std::min(piece, ciphertext.size());
    give(to, ciphertext.substr(0, n));
    ciphertext.remove_prefix(n);
    open_all(to, &end);
  }
  return end;
}

void check_ended(engine& who, engine& peer, std::string_view reason) {
  BOOST_TEST((who.failure().own == errc::peer_limit_exceeded));
  auto const text = who.error_info().text();
  BOOST_TEST(text.find(reason) != std::string::npos, text);
  // OpenSSL 3.5 has blanks in the names of alerts, 3.0 has underscores in some.
  BOOST_TEST(text.find("we sent the alert 'unexpected") != std::string::npos, text);
  want end{};
  deliver_all(who, peer, &end);
  BOOST_TEST(end == want::failed);
  BOOST_REQUIRE(peer.error_info().last_alert.has_value());
  BOOST_TEST(peer.error_info().last_alert->number == SSL_AD_UNEXPECTED_MESSAGE);
  BOOST_TEST(!peer.error_info().last_alert->sent);
}

auto const pieces = data::make({everything, std::size_t{1}, std::size_t{30}, std::size_t{100}});

BOOST_AUTO_TEST_SUITE(engine_limit)

BOOST_AUTO_TEST_CASE(options_may_go_when_the_engine_is_made) {
  auto const context = make_context(role::client);
  engine const one(context.get(), {.ring_records = 1});
  engine const another(context.get(), stream_options(by_name));
  BOOST_TEST(one.options().ring_records == 1U);
  BOOST_TEST((another.options() == by_name));
}

BOOST_AUTO_TEST_CASE(engines_with_default_options_share_them) {
  auto const context = make_context(role::client);
  engine const one(context.get(), {});
  engine const another(context.get(), stream_options());
  BOOST_TEST(&one.options() == &another.options());
}

BOOST_DATA_TEST_CASE(key_updates_in_a_row, pieces* data::make({true, false}), piece, ask) {
  auto const options = limiting(32, 32);
  connected_engines pair({}, options);
  std::string sent;
  for (int nth = 0; nth != 32; ++nth) {
    BOOST_REQUIRE_EQUAL(pair.client.key_update(ask), step{});
    sent += take_all(pair.client);
  }
  BOOST_TEST(give_in_pieces(pair.server, sent, piece) == want::fill);
  BOOST_TEST(!pair.server.failure());
  BOOST_REQUIRE_EQUAL(pair.client.key_update(ask), step{});
  BOOST_REQUIRE_EQUAL(pair.client.key_update(ask), step{});
  seal_all(pair.client, "too late");
  BOOST_TEST(give_in_pieces(pair.server, take_all(pair.client), piece) == want::failed);
  check_ended(pair.server, pair.client, "too many KeyUpdates without plaintext");
}

// The client's two tickets of its handshake are behind it; KeyUpdates are no part of this count.
BOOST_DATA_TEST_CASE(handshake_messages_in_a_row, pieces, piece) {
  auto const options = limiting(5, 5);
  connected_engines pair({}, options);
  seal_all(pair.server, "in between");
  BOOST_REQUIRE_EQUAL(deliver_all(pair.server, pair.client), "in between");
  std::string sent;
  for (int nth = 0; nth != 5; ++nth) {
    BOOST_REQUIRE_EQUAL(pair.server.key_update(false), step{});
    BOOST_REQUIRE_EQUAL(SSL_new_session_ticket(pair.server.native_handle()), 1);
    BOOST_REQUIRE_EQUAL(SSL_do_handshake(pair.server.native_handle()), 1);
    sent += take_all(pair.server);
  }
  BOOST_TEST(give_in_pieces(pair.client, sent, piece) == want::fill);
  BOOST_TEST(!pair.client.failure());
  BOOST_REQUIRE_EQUAL(SSL_new_session_ticket(pair.server.native_handle()), 1);
  BOOST_REQUIRE_EQUAL(SSL_do_handshake(pair.server.native_handle()), 1);
  BOOST_TEST(give_in_pieces(pair.client, take_all(pair.server), piece) == want::failed);
  check_ended(pair.client, pair.server, "too many handshake messages without plaintext");
}

BOOST_DATA_TEST_CASE(key_updates_that_are_not_allowed_now, pieces, piece) {
  auto const options = limiting(0, 0);
  connected_engines pair({}, options);
  pair.server.allow_key_updates(2);
  for (int nth = 0; nth != 3; ++nth) {
    BOOST_REQUIRE_EQUAL(pair.client.key_update(false), step{});
    seal_all(pair.client, "x");
  }
  std::string const sent = take_all(pair.client);
  BOOST_TEST(give_in_pieces(pair.server, sent, piece) == want::failed);
  check_ended(pair.server, pair.client, "KeyUpdates too often");
  BOOST_TEST(pair.server.stats().plaintext_opened == 2U);
}

// It is a write that meets the rest of the messages, and says so too.
BOOST_AUTO_TEST_CASE(every_call_that_meets_the_limit_fails) {
  auto const options = limiting(0, 0);
  connected_engines pair({}, options);
  BOOST_REQUIRE_EQUAL(pair.client.key_update(false), step{});
  pair.server.allow_key_updates(0);
  move_ciphertext(pair.client, pair.server);
  std::byte place{};
  BOOST_TEST(pair.server.open({&place, 1}).next == want::failed);
  BOOST_TEST(pair.server.seal(bytes_of("x")).next == want::failed);
  BOOST_TEST(pair.server.key_update(false).next == want::failed);
  BOOST_TEST(pair.server.close_notify().next == want::failed);
  BOOST_TEST(ERR_peek_error() == 0U);
}

// What OpenSSL has read ahead it opens in the same call as the message that is one too many.
BOOST_AUTO_TEST_CASE(plaintext_behind_the_limit_is_nobodys) {
  auto const options = limiting(0, 0);
  connected_engines pair({}, options);
  SSL_set_read_ahead(pair.server.native_handle(), 1);
  BOOST_REQUIRE_EQUAL(pair.client.key_update(false), step{});
  seal_all(pair.client, "too late");
  pair.server.allow_key_updates(0);
  move_ciphertext(pair.client, pair.server);
  std::array<std::byte, 100> place{};
  BOOST_TEST(pair.server.open(place) == (step{want::failed, 0}));
  BOOST_TEST(pair.server.stats().plaintext_opened == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
