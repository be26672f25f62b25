// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// KeyUpdate (RFC 8446 section 4.6.3): ours in its place between writes and by itself, the peer's in
// every state of a stream, and the limits on a peer that overdoes it.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <array>
#include <string>

#include "memory_session.hpp"
#include "raw_peer.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

// A stream as server, whose peer sends one KeyUpdate.
struct updated_session : rude_session {
  updated_session() : rude_session(role::client) { handshake(); }

  void update(bool asks_for_ours) {
    BOOST_REQUIRE_EQUAL(
        SSL_key_update(peer.tls().ssl(),
                       asks_for_ours ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED),
        1);
    BOOST_REQUIRE(peer.tls().handshake());
    BOOST_REQUIRE(peer.send());
  }
  void say(std::string const& message) {
    BOOST_REQUIRE(peer.tls().write(message));
    BOOST_REQUIRE(peer.send());
  }
};

constexpr std::array asks_or_not{true, false};

}  // namespace

BOOST_AUTO_TEST_SUITE(key_update)

BOOST_AUTO_TEST_CASE(key_update_takes_its_deadline_and_its_token_without_whose_keys) {
  connected_session session;
  ending bare, limited;
  tls_key_update(session.client, bare.token());
  tls_key_update(session.client, std::chrono::seconds(1), limited.token());
  session.settle();
  BOOST_TEST((bare.done && !bare.ec));
  BOOST_TEST((limited.done && !limited.ec));
  BOOST_TEST(session.client.stats().key_updates_sent == 2U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W8"))
BOOST_AUTO_TEST_CASE(key_update_keeps_its_place_between_writes) {
  connected_session session;
  sink at_server, at_client;
  keep_reading(session.server, at_server);
  keep_reading(session.client, at_client);
  ending before, update, after;
  session.client_end().outgoing().capacity = 10'000;
  std::string const message = numbered_plaintext(100'000);
  tls_write(session.client, asio::buffer(message), before.token());
  tls_key_update(session.client, new_keys::both, update.token());
  tls_write(session.client, std::string("after"), after.token());
  session.settle();
  BOOST_TEST(update.ec == error_code());
  BOOST_TEST((at_server.plaintext == message + "after"));
  BOOST_TEST(session.server.stats().key_updates_received == 1U);
  BOOST_TEST(session.client.stats().key_updates_sent == 1U);
  // The answer leaves in front of the peer's next record.
  ending back;
  tls_write(session.server, std::string("back"), back.token());
  session.settle();
  BOOST_TEST(at_client.plaintext == "back");
  BOOST_TEST(session.client.stats().key_updates_received == 1U);
}

BOOST_AUTO_TEST_CASE(key_update_says_what_it_can_not) {
  tls_1_2_session both;
  ending update;
  tls_key_update(both.session.client, new_keys::ours, update.token());
  both.session.settle();
  BOOST_TEST(update.ec == make_error_code(errc::not_supported));
  connected_session session;
  ending closed, late;
  tls_close_write(session.client, closed.token());
  tls_key_update(session.client, new_keys::ours, late.token());
  session.settle();
  BOOST_TEST(late.ec == make_error_code(errc::closed_for_writing));
}

BOOST_AUTO_TEST_CASE(keys_are_changed_by_themselves_after_so_many_records_or_bytes) {
  for (bool const by_bytes : {true, false}) {
    stream_options options;
    options.rekey_after_records = by_bytes ? 0 : 10;
    options.rekey_after_bytes = by_bytes ? 160'000 : 0;
    connected_session session(options);
    sink at_server;
    keep_reading(session.server, at_server);
    std::string const message = numbered_plaintext(1'000'000);
    ending written;
    tls_write(session.client, asio::buffer(message), written.token());
    session.settle();
    BOOST_TEST(written.ec == error_code());
    BOOST_TEST((at_server.plaintext == message));
    BOOST_TEST(session.client.stats().key_updates_sent == 6U);  // 62 records
    BOOST_TEST(session.server.stats().key_updates_received == 6U);
  }
}

BOOST_AUTO_TEST_CASE(key_updates_without_plaintext_beyond_the_limit_end_the_session) {
  connected_session session;
  sink at_server;
  keep_reading(session.server, at_server);
  for (int i = 0; i < 40; ++i) {
    ending update;
    tls_key_update(session.client, new_keys::ours, update.token());
    session.settle();
  }
  BOOST_TEST(at_server.end == make_error_code(errc::peer_limit_exceeded));
  BOOST_TEST(session.server.error_info().text().find("KeyUpdate") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(key_updates_with_plaintext_between_them_are_limited_by_the_second) {
  stream_options options;
  connected_session session(options);
  sink at_server;
  keep_reading(session.server, at_server);
  auto const update_once = [&session] {
    ending update, written;
    tls_key_update(session.client, new_keys::ours, update.token());
    tls_write(session.client, std::string("x"), written.token());
    session.settle();
  };
  // As many as are earned: this goes on for ever.
  for (int i = 0; i < 200; ++i) {
    virtual_clock::advance(100ms);
    update_once();
  }
  BOOST_TEST(!at_server.ended);
  // Faster than that ends when the burst is spent.
  int sent = 0;
  for (; sent < 200 && !at_server.ended; ++sent)
    update_once();
  BOOST_TEST(at_server.end == make_error_code(errc::peer_limit_exceeded));
  BOOST_TEST(sent > 30);
  BOOST_TEST(sent < 40);
}

// What the peer's KeyUpdate may meet.

BOOST_DATA_TEST_CASE(received_beside_a_parked_read, data::make(asks_or_not), asks) {
  updated_session s;
  sink received;
  keep_reading(s.stream, received);
  settle(s.io);
  s.update(asks);
  s.say("under new keys");
  BOOST_TEST(received.plaintext == "under new keys");
  BOOST_TEST(s.stream.stats().key_updates_received == 1U);
  ending written;
  tls_write(s.stream, asio::buffer("an answer", 9), written.token());
  settle(s.io);
  BOOST_TEST(written.ec == error_code());
  s.peer.receive();
  BOOST_TEST(s.peer.plaintext() == "an answer");
}

BOOST_DATA_TEST_CASE(received_while_nobody_reads, data::make(asks_or_not), asks) {
  updated_session s;
  s.update(asks);
  s.say("before");
  s.update(asks);
  s.say("behind");
  // A side that only writes does not see it, and goes on with the keys it has.
  ending written, after;
  tls_write(s.stream, asio::buffer("unseen, ", 8), written.token());
  settle(s.io);
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(s.stream.stats().key_updates_received == 0U);
  sink received;
  keep_reading(s.stream, received);
  settle(s.io);
  BOOST_TEST(received.plaintext == "beforebehind");
  tls_write(s.stream, asio::buffer("seen", 4), after.token());
  settle(s.io);
  s.peer.receive();
  BOOST_TEST(s.peer.plaintext() == "unseen, seen");
}

BOOST_DATA_TEST_CASE(received_while_a_write_is_under_way, data::make(asks_or_not), asks) {
  updated_session s;
  auto const message = numbered_plaintext(300'000);
  auto& link = s.stream.next_layer();
  link.outgoing().capacity = 5'000;
  sink received;
  ending written;
  keep_reading(s.stream, received);
  tls_write(s.stream, asio::buffer(message), written.token());
  settle(s.io);
  for (int round = 0; round != 3; ++round) {
    s.update(asks);
    s.say("beside it");
    s.peer.receive();
  }
  BOOST_TEST(received.plaintext == "beside itbeside itbeside it");
  for (int round = 0; round != 1'000 && !written.done; ++round)
    s.peer.receive();
  s.peer.receive();
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST((s.peer.plaintext() == message));
}

BOOST_DATA_TEST_CASE(received_while_a_write_is_blocked, data::make(asks_or_not), asks) {
  updated_session s;
  s.stream.next_layer().outgoing().capacity = 0;
  sink received;
  ending written, queued;
  auto const message = numbered_plaintext(100'000);
  keep_reading(s.stream, received);
  tls_write(s.stream, asio::buffer(message), written.token());
  tls_write(s.stream, asio::buffer("queued", 6), queued.token());
  settle(s.io);
  s.update(asks);
  s.say("beside it");
  BOOST_TEST(received.plaintext == "beside it");
  BOOST_TEST(!written.done);
  s.stream.next_layer().outgoing().capacity = unbounded;
  s.stream.next_layer().settle();
  settle(s.io);
  s.peer.receive();
  BOOST_TEST(queued.ec == error_code());
  BOOST_TEST((s.peer.plaintext() == message + "queued"));
}

BOOST_DATA_TEST_CASE(received_after_our_close_notify, data::make(asks_or_not), asks) {
  updated_session s;
  ending closed;
  tls_close_write(s.stream, closed.token());
  settle(s.io);
  sink received;
  keep_reading(s.stream, received);
  for (int round = 0; round != 3; ++round) {
    s.update(asks);
    s.say("one more");
  }
  BOOST_TEST(received.plaintext == "one moreone moreone more");
  BOOST_TEST(!received.ended);
}

BOOST_DATA_TEST_CASE(received_during_a_shutdown, data::make(asks_or_not), asks) {
  updated_session s;
  ending shut;
  tls_shutdown(s.stream, shut.token());
  settle(s.io);
  s.update(asks);
  s.say("discarded");
  s.update(asks);
  BOOST_TEST(!shut.done);
  s.peer.tls().shutdown();
  s.peer.send();
  settle(s.io);
  BOOST_TEST(shut.done);
  BOOST_TEST(shut.ec == error_code());
}

BOOST_DATA_TEST_CASE(received_by_a_write_that_takes_over_from_a_cancelled_one,
                     data::make(asks_or_not), asks) {
  updated_session s;
  s.stream.next_layer().outgoing().capacity = 0;
  sink received;
  ending stopped, next;
  auto const message = numbered_plaintext(100'000);
  keep_reading(s.stream, received);
  tls_write(s.stream, asio::buffer(message), 1s, stopped.token());
  settle(s.io);
  pass(s.io, 1s);
  BOOST_TEST(stopped.ec == asio::error::timed_out);
  s.update(asks);
  tls_write(s.stream, asio::buffer("next", 4), next.token());
  s.stream.next_layer().outgoing().capacity = unbounded;
  s.stream.next_layer().settle();
  settle(s.io);
  s.peer.receive();
  BOOST_TEST(next.ec == error_code());
  BOOST_TEST((s.peer.plaintext() == message.substr(0, stopped.bytes) + "next"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tls_async::test
