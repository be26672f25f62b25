// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine alone, at the end of its session: close_notify in each direction.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <tls_async_test/record_peer.hpp>

#include "engine_pair.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(engine_close)

BOOST_DATA_TEST_CASE(close_notify_ends_the_peers_plaintext_behind_all_that_was_sealed,
                     data::make(versions), version) {
  connected_engines pair(version_settings(version));
  seal_all(pair.client, "the last words");
  BOOST_TEST(pair.client.close_notify() == step{});
  BOOST_TEST(pair.client.close_notify_sent());
  want end{};
  BOOST_TEST(deliver_all(pair.client, pair.server, &end) == "the last words");
  BOOST_TEST(end == want::closed);
  BOOST_TEST(pair.server.close_notify_received());
  BOOST_TEST(!pair.server.close_notify_sent());
  BOOST_TEST(!pair.server.failure());
  open_all(pair.server, &end);
  BOOST_TEST(end == want::closed);
}

BOOST_DATA_TEST_CASE(open_goes_on_after_close_notify, data::make(versions), version) {
  connected_engines pair(version_settings(version));
  seal_all(pair.server, "on its way already");
  BOOST_TEST(move_ciphertext(pair.server, pair.client) != 0U);
  BOOST_TEST(pair.client.close_notify() == step{});
  BOOST_TEST(open_all(pair.client) == "on its way already");
  BOOST_TEST(deliver_all(pair.client, pair.server) == "");
  seal_all(pair.server, "sent after the peer closed");
  BOOST_TEST(deliver_all(pair.server, pair.client) == "sent after the peer closed");
  BOOST_TEST(pair.server.close_notify() == step{});
  want end{};
  BOOST_TEST(deliver_all(pair.server, pair.client, &end) == "");
  BOOST_TEST(end == want::closed);
}

// A peer that asks for new keys and has closed its socket would answer them with a reset, and what
// it had said before would be lost.
BOOST_AUTO_TEST_CASE(nothing_leaves_behind_close_notify_whatever_the_peer_asks_for) {
  connected_engines pair;
  BOOST_TEST(pair.client.close_notify() == step{});
  BOOST_TEST(deliver_all(pair.client, pair.server) == "");
  std::string said;
  for (int i = 0; i != 3; ++i) {
    BOOST_TEST(pair.server.key_update(true) == step{});
    seal_all(pair.server, "said behind it;");
    said += deliver_all(pair.server, pair.client);
    BOOST_TEST(pair.client.ring().output_bytes() == 0U);
  }
  BOOST_TEST(said == "said behind it;said behind it;said behind it;");
  pair.client.go_idle(true);
  BOOST_TEST(pair.server.close_notify() == step{});
  want end{};
  BOOST_TEST(deliver_all(pair.server, pair.client, &end) == "");
  BOOST_TEST(end == want::closed);
  BOOST_TEST(pair.client.ring().output_bytes() == 0U);
  BOOST_TEST(!pair.client.failure());
}

// SSL_get_error(3) remembers the last warning, and takes its word for what has ended.
BOOST_AUTO_TEST_CASE(close_notify_of_any_level_is_the_end_behind_user_canceled) {
  tls_settings const settings{.cipher = "TLS_AES_128_GCM_SHA256"};
  engine client(make_context(role::client, settings).get(), plain_options);
  client.be_client();
  record_peer server(make_context(role::server, settings).get(), role::server);
  for (int i = 0; i != 3; ++i) {
    (void)client.handshake();
    server.receive(take_all(client));
    std::string flight;
    while (!server.made.empty())
      flight += server.seal_made();
    give(client, flight);
  }
  BOOST_REQUIRE(client.handshake_done());
  BOOST_TEST(open_all(client) == "");
  std::string const user_canceled{1, 90}, close_notify{2, 0};
  std::string alerts = server.seal({content::alert, user_canceled, epoch::application});
  alerts += server.seal({content::alert, close_notify, epoch::application});
  give(client, alerts);
  want end{};
  BOOST_TEST(open_all(client, &end) == "");
  BOOST_TEST(end == want::closed);
  BOOST_TEST(!client.failure());
}

// OpenSSL sends none behind its close_notify.
BOOST_AUTO_TEST_CASE(failure_behind_close_notify_tells_of_no_alert_that_has_not_left) {
  connected_engines pair;
  BOOST_TEST(pair.client.close_notify() == step{});
  BOOST_TEST(deliver_all(pair.client, pair.server) == "");
  give(pair.client, std::string("\x17\x03\x03\0\x20", 5) + std::string(32, '\0'));
  std::string place(100, '\0');
  BOOST_TEST(pair.client.open(std::as_writable_bytes(std::span(place))).next == want::failed);
  BOOST_TEST(pair.client.ring().output_bytes() == 0U);
  BOOST_TEST(!pair.client.error_info().last_alert);
}

BOOST_AUTO_TEST_CASE(close_notify_is_sent_once) {
  connected_engines pair;
  BOOST_TEST(pair.client.close_notify() == step{});
  auto const once = pair.client.ring().output_bytes();
  BOOST_TEST(once != 0U);
  BOOST_TEST(pair.client.close_notify() == step{});
  // Also when the peer's plaintext waits to be opened, which SSL_shutdown would call an error.
  seal_all(pair.server, "unread");
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(pair.client.close_notify() == step{});
  BOOST_TEST(pair.client.ring().output_bytes() == once);
  BOOST_TEST(open_all(pair.client) == "unread");
}

BOOST_DATA_TEST_CASE(close_notify_that_finds_no_room_is_sent_after_a_flush, data::make(versions),
                     version) {
  connected_engines pair(version_settings(version));
  // Until not even an alert fits.
  std::string expected;
  for (std::size_t size = max_record_plaintext; size != 0;) {
    if (pair.client.ring().output_room() < size + 30) {
      size /= 2;
      continue;
    }
    auto const message = numbered_plaintext(size, expected.size());
    seal_all(pair.client, message);
    expected += message;
  }
  if (auto const sealed = pair.client.seal(bytes_of("?")); sealed.next == want::nothing)
    expected += '?';
  else
    BOOST_REQUIRE_EQUAL(sealed.next, want::flush);
  bool const was_pending = pair.client.record_pending();
  if (was_pending) {
    expected += '?';
    move_ciphertext(pair.client, pair.server, 10);
    (void)pair.client.finish_record();
  }
  BOOST_REQUIRE(!pair.client.record_pending());
  BOOST_TEST(pair.client.close_notify() == (step{want::flush, 0}));
  BOOST_TEST(pair.client.close_notify() == (step{want::flush, 0}));
  want end{};
  std::string received = open_all(pair.server);
  received += deliver_all(pair.client, pair.server, &end);
  BOOST_TEST(end == want::fill);
  BOOST_TEST(pair.client.close_notify() == step{});
  received += deliver_all(pair.client, pair.server, &end);
  BOOST_TEST(end == want::closed);
  BOOST_TEST((received == expected));
  BOOST_TEST(pair.client.close_notify() == step{});
  BOOST_TEST(pair.client.ring().output_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(what_follows_the_peers_close_notify_is_ignored) {
  connected_engines pair;
  BOOST_TEST(pair.client.close_notify() == step{});
  auto ciphertext = take_all(pair.client);
  give(pair.server, ciphertext + "junk");
  want end{};
  BOOST_TEST(open_all(pair.server, &end) == "");
  BOOST_TEST(end == want::closed);
  open_all(pair.server, &end);
  BOOST_TEST(end == want::closed);
}

// A ticket in several records, of which the client has the first.
struct half_a_ticket {
  /// `fragment` is what the client seals at most.
  explicit half_a_ticket(bool is_there = true, long fragment = 16'384)
      : pair(with_client_certificate()) {
    SSL_set_max_send_fragment(pair.client.native_handle(), fragment);
    SSL_set_max_send_fragment(pair.server.native_handle(), 512);
    while (!pair.server.handshake_done()) {
      BOOST_REQUIRE_NE(pair.client.handshake().next, want::failed);
      move_ciphertext(pair.client, pair.server);
      BOOST_REQUIRE_NE(pair.server.handshake().next, want::failed);
      if (!pair.server.handshake_done()) move_ciphertext(pair.server, pair.client);
    }
    auto const tickets = take_all(pair.server);
    constexpr std::size_t header = 5;
    std::size_t const length = header + static_cast<unsigned char>(tickets[3]) * 256 +
                               static_cast<unsigned char>(tickets[4]);
    BOOST_REQUIRE_GT(length, 512U);
    rest = tickets.substr(length);
    first = tickets.substr(0, length);
    if (is_there) give_first();
  }
  void give_first() {
    give(pair.client, first);
    BOOST_REQUIRE_EQUAL(open_all(pair.client), "");
    BOOST_REQUIRE(pair.client.in_handshake());
  }
  static tls_settings with_client_certificate() {
    tls_settings settings;
    settings.client_certificate = true;
    return settings;
  }

  engine_pair pair;
  std::string first, rest;
};

// OpenSSL itself forgets then how much of the retry it has sealed already, and seals it again.
BOOST_AUTO_TEST_CASE(pending_record_waits_for_the_rest_of_a_message_that_came_in_part) {
  half_a_ticket half(false, 512);
  auto& client = half.pair.client;
  auto& server = half.pair.server;
  auto const message = numbered_plaintext(200'000);
  std::size_t taken = 0;
  step sealed;
  while (sealed.next == want::nothing) {
    sealed = client.seal(bytes_of(message).subspan(taken));
    taken += sealed.bytes;
  }
  BOOST_REQUIRE_EQUAL(sealed.next, want::flush);
  // The rest of one record, and a part of the next.
  BOOST_REQUIRE_EQUAL(move_ciphertext(client, server, 600), 600U);
  std::string received = open_all(server);
  BOOST_REQUIRE_EQUAL(client.finish_record(), (step{want::flush, 0}));
  half.give_first();
  BOOST_REQUIRE_EQUAL(client.finish_record(), (step{want::fill, 0}));
  received += deliver_all(client, server);
  BOOST_REQUIRE_EQUAL(client.finish_record(), (step{want::fill, 0}));
  give(client, half.rest);
  while (client.record_pending()) {
    BOOST_REQUIRE_EQUAL(client.finish_record().bytes, 0U);
    BOOST_REQUIRE(!client.failure());
    received += deliver_all(client, server);
  }
  BOOST_TEST(received.size() == taken);
  BOOST_TEST((received == message.substr(0, taken)));
}

BOOST_AUTO_TEST_CASE(close_notify_waits_for_the_rest_of_a_message_that_came_in_part) {
  half_a_ticket half;
  auto& client = half.pair.client;
  BOOST_TEST(client.close_notify() == (step{want::fill, 0}));
  BOOST_TEST(!client.failure());
  give(client, half.rest);
  BOOST_TEST(client.close_notify() == step{});
  want end{};
  BOOST_TEST(deliver_all(client, half.pair.server, &end) == "");
  BOOST_TEST(end == want::closed);
}

BOOST_AUTO_TEST_CASE(peer_that_closes_in_the_middle_of_a_message_ends_no_call_with_success) {
  using verb = step (*)(engine&);
  for (verb const call : {verb([](engine& e) { return e.close_notify(); }),
                          verb([](engine& e) { return e.key_update(true); }),
                          verb([](engine& e) { return e.seal(bytes_of("x")); })}) {
    half_a_ticket half;
    BOOST_REQUIRE_EQUAL(half.pair.server.close_notify(), step{});
    give(half.pair.client, take_all(half.pair.server));
    BOOST_TEST(call(half.pair.client).next == want::failed);
    BOOST_TEST(!!half.pair.client.failure());
    BOOST_TEST(call(half.pair.client).next == want::failed);
  }
}

BOOST_AUTO_TEST_CASE(seal_takes_nothing_before_the_rest_of_a_message_that_came_in_part) {
  half_a_ticket half;
  auto& client = half.pair.client;
  BOOST_TEST(client.seal(bytes_of("first")) == (step{want::fill, 0}));
  BOOST_TEST(!client.record_pending());
  BOOST_TEST(client.stats().plaintext_sealed == 0U);
  // Nothing was begun: another one may come in its place.
  BOOST_TEST(client.seal(bytes_of("2nd")) == (step{want::fill, 0}));
  give(client, half.rest);
  seal_all(client, "third");
  BOOST_TEST(deliver_all(client, half.pair.server) == "third");
}

BOOST_AUTO_TEST_CASE(key_update_waits_for_the_rest_of_a_message_that_came_in_part) {
  half_a_ticket half;
  auto& client = half.pair.client;
  BOOST_TEST(client.key_update(true) == (step{want::fill, 0}));
  BOOST_TEST(!client.failure());
  give(client, half.rest);
  BOOST_TEST(client.key_update(true) == step{});
  BOOST_TEST(client.stats().key_updates_sent == 1U);
  seal_all(client, "with new keys");
  BOOST_TEST(deliver_all(client, half.pair.server) == "with new keys");
  BOOST_TEST(half.pair.server.stats().key_updates_received == 1U);
}

// Nothing leaves the ring until not even a KeyUpdate finds room.
step block_key_update(engine& from) {
  step last;
  for (int most = 20'000; last.next == want::nothing && most != 0; --most)
    last = from.key_update(false);
  return last;
}

BOOST_AUTO_TEST_CASE(close_notify_leaves_behind_a_key_update_that_was_blocked) {
  connected_engines pair;
  BOOST_TEST(block_key_update(pair.client) == (step{want::flush, 0}));
  BOOST_TEST(pair.client.close_notify() == (step{want::flush, 0}));
  BOOST_TEST(!pair.client.failure());
  want end{};
  BOOST_TEST(deliver_all(pair.client, pair.server, &end) == "");
  BOOST_TEST(end == want::fill);
  BOOST_TEST(pair.client.close_notify() == step{});
  BOOST_TEST(deliver_all(pair.client, pair.server, &end) == "");
  BOOST_TEST(end == want::closed);
}

BOOST_AUTO_TEST_CASE(key_update_behind_a_write_that_finished_a_blocked_one_is_sent) {
  connected_engines pair;
  BOOST_TEST(block_key_update(pair.client) == (step{want::flush, 0}));
  BOOST_TEST(deliver_all(pair.client, pair.server) == "");
  seal_all(pair.client, "takes it along");
  BOOST_TEST(deliver_all(pair.client, pair.server) == "takes it along");
  auto const before = pair.server.stats().key_updates_received;
  BOOST_TEST(pair.client.key_update(false) == step{});
  seal_all(pair.client, "with keys of its own");
  BOOST_TEST(deliver_all(pair.client, pair.server) == "with keys of its own");
  BOOST_TEST(pair.server.stats().key_updates_received == before + 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
