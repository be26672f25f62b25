// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Deadlines, on a clock that moves only when a test moves it: what they bound, what they leave
// usable, and that a timer never keeps run() from returning.
#include "memory_session.hpp"
#include "raw_peer.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(deadline)

BOOST_AUTO_TEST_CASE(handshake_deadline_is_for_all_of_it_and_not_for_each_step) {
  memory_session s;
  s.server_end().deliver(0);
  ending of_client, of_server;
  tls_handshake(s.client, as_client{"localhost"}, of_client.token());
  tls_handshake(s.server, as_server{}, 1h, of_server.token());
  s.settle();
  // Something comes all the time.
  for (int second = 0; second != 9; ++second) {
    s.server_end().deliver(1);
    s.pass(1s);
    BOOST_TEST(!of_client.done);
  }
  s.pass(999ms);
  BOOST_TEST(!of_client.done);
  s.pass(1ms);
  BOOST_TEST(of_client.done);
  BOOST_TEST(of_client.ec == asio::error::timed_out);

  // The connection is as it was, and another handshake goes on with it.
  ending again;
  tls_handshake(s.client, as_client{"localhost"}, again.token());
  s.server_end().outgoing().held = false;
  s.server_end().settle();
  s.settle();
  BOOST_TEST(again.ec == error_code());
  BOOST_TEST(of_server.ec == error_code());
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_CASE(handshake_with_its_own_deadline_keeps_to_that) {
  memory_session s;
  ending shaken;
  tls_handshake(s.client, as_client{"localhost"}, 300ms, shaken.token());
  s.settle();
  s.pass(299ms);
  BOOST_TEST(!shaken.done);
  s.pass(1ms);
  BOOST_TEST(shaken.ec == asio::error::timed_out);
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_CASE(handshake_deadline_comes_from_the_options) {
  stream_options options;
  options.handshake_deadline = 1min;
  memory_session s(options);
  ending shaken;
  tls_handshake(s.server, as_server{}, shaken.token());
  s.settle();
  s.pass(59s);
  BOOST_TEST(!shaken.done);
  s.pass(1s);
  BOOST_TEST(shaken.ec == asio::error::timed_out);
}

BOOST_AUTO_TEST_CASE(write_that_makes_slow_progress_goes_on) {
  connected_session s;
  s.client_end().outgoing().capacity = 10;
  auto const message = numbered_plaintext(500);
  ending written;
  tls_write(s.client, asio::buffer(message), written.token());
  s.settle();
  for (std::size_t taken = 10; taken < 522; taken += 10) {
    s.pass(29s);
    BOOST_REQUIRE(!written.done);
    s.client_end().outgoing().capacity += 10;
    s.client_end().settle();
    s.settle();
  }
  s.client_end().outgoing().capacity += 10;
  s.client_end().settle();
  s.settle();
  BOOST_TEST(written.done);
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(written.bytes == message.size());
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_CASE(write_that_stalls_ends_and_the_session_stays_whole) {
  connected_session s;
  s.client_end().outgoing().capacity = 10'000;
  auto const message = numbered_plaintext(200'000);
  ending stalled, queued;
  tls_write(s.client, asio::buffer(message), stalled.token());
  tls_write(s.client, asio::buffer("queued", 6), queued.token());
  s.settle();
  s.pass(29'999ms);
  BOOST_TEST(!stalled.done);
  s.pass(1ms);
  BOOST_TEST(stalled.ec == asio::error::timed_out);
  BOOST_TEST(queued.ec == asio::error::timed_out);
  BOOST_TEST(queued.bytes == 0U);
  // A batch is sealed, in whole records.
  BOOST_TEST(stalled.bytes == 4 * max_record_plaintext);
  BOOST_TEST(s.has_no_work());

  // What was reported is delivered, ahead of what comes next.
  sink received;
  keep_reading(s.server, received);
  ending next;
  tls_write(s.client, asio::buffer("next", 4), next.token());
  s.settle();
  BOOST_TEST(next.ec == error_code());
  BOOST_TEST((received.plaintext == message.substr(0, stalled.bytes) + "next"));
}

BOOST_AUTO_TEST_CASE(write_started_after_a_stall_has_its_own_30_seconds) {
  connected_session s;
  s.client_end().outgoing().capacity = 0;
  ending first, second;
  tls_write(s.client, asio::buffer("first", 5), first.token());
  s.settle();
  s.pass(30s);
  BOOST_TEST(first.ec == asio::error::timed_out);
  tls_write(s.client, asio::buffer("second", 6), second.token());
  s.settle();
  s.pass(29s);
  BOOST_TEST(!second.done);
  s.pass(1s);
  BOOST_TEST(second.ec == asio::error::timed_out);
}

BOOST_AUTO_TEST_CASE(write_with_its_own_deadline_ends_then_whatever_its_progress) {
  connected_session s;
  s.client_end().outgoing().capacity = 0;
  auto const message = numbered_plaintext(200'000);
  ending written;
  tls_write(s.client, asio::buffer(message), 5s, written.token());
  for (int second = 0; second != 4; ++second) {
    s.client_end().outgoing().capacity += 100;
    s.client_end().settle();
    s.settle();
    s.pass(1s);
  }
  BOOST_TEST(!written.done);
  s.pass(1s);
  BOOST_TEST(written.ec == asio::error::timed_out);
  BOOST_TEST(written.bytes % max_record_plaintext == 0U);
  sink received;
  s.client_end().outgoing().capacity = unbounded;
  s.client_end().settle();
  keep_reading(s.server, received);
  s.settle();
  BOOST_TEST((received.plaintext == message.substr(0, written.bytes)));
}

BOOST_AUTO_TEST_CASE(write_with_its_own_deadline_is_not_bounded_by_the_stall) {
  connected_session s;
  s.client_end().outgoing().capacity = 0;
  ending written;
  tls_write(s.client, asio::buffer("patience", 8), 10min, written.token());
  s.settle();
  s.pass(9min);
  BOOST_TEST(!written.done);
  s.client_end().outgoing().capacity = unbounded;
  s.client_end().settle();
  s.settle();
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_CASE(read_deadline_consumes_nothing) {
  connected_session s;
  ending timed, written, read;
  std::string place(100, '\0');
  tls_read_some(s.server, asio::buffer(place), 3s, timed.token());
  s.client_end().deliver(5);
  tls_write(s.client, asio::buffer("late", 4), written.token());
  s.settle();
  s.pass(2s);
  BOOST_TEST(!timed.done);
  s.pass(1s);
  BOOST_TEST(timed.ec == asio::error::timed_out);
  BOOST_TEST(timed.bytes == 0U);
  BOOST_TEST(s.has_no_work());
  s.client_end().deliver(100);
  s.settle();
  tls_read_some(s.server, asio::buffer(place), 3s, read.token());
  s.settle();
  BOOST_TEST(read.ec == error_code());
  BOOST_TEST(place.substr(0, read.bytes) == "late");
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_CASE(read_without_a_deadline_has_none) {
  connected_session s;
  ending parked;
  char place = 0;
  tls_read_some(s.server, asio::buffer(&place, 1), parked.token());
  s.settle();
  s.pass(24h * 365);
  BOOST_TEST(!parked.done);
}

BOOST_AUTO_TEST_CASE(earlier_deadline_of_a_later_verb_is_met) {
  connected_session s;
  s.client_end().outgoing().capacity = 0;
  ending written, read;
  char place = 0;
  tls_write(s.client, asio::buffer("x", 1), 20s, written.token());
  tls_read_some(s.client, asio::buffer(&place, 1), 5s, read.token());
  s.settle();
  s.pass(5s);
  BOOST_TEST(read.ec == asio::error::timed_out);
  BOOST_TEST(!written.done);
  s.pass(15s);
  BOOST_TEST(written.ec == asio::error::timed_out);
}

BOOST_AUTO_TEST_CASE(verb_that_ends_in_time_leaves_no_timer_behind) {
  memory_session s;
  s.handshake();
  BOOST_TEST(s.has_no_work());
  ending written, read, closed;
  char place = 0;
  tls_read_some(s.server, asio::buffer(&place, 1), 1h, read.token());
  tls_write(s.client, asio::buffer("x", 1), 1h, written.token());
  tls_close_write(s.client, 1h, closed.token());
  s.settle();
  BOOST_TEST(read.done);
  BOOST_TEST(written.done);
  BOOST_TEST(closed.done);
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_CASE(deadline_in_the_past_ends_a_verb_without_harm) {
  connected_session s;
  ending read;
  char place = 0;
  tls_read_some(s.server, asio::buffer(&place, 1), -1s, read.token());
  BOOST_TEST(!read.done);
  s.pass(0s);
  BOOST_TEST(read.ec == asio::error::timed_out);
}

std::string story_of(memory_tls const& side) { return side.error_info().text(); }

BOOST_AUTO_TEST_CASE(expired_handshake_tells_its_time_and_the_message_that_did_not_come) {
  memory_session s;
  ending shaken;
  tls_handshake(s.client, as_client{"localhost"}, 1500ms, shaken.token());
  s.settle();
  s.pass(1500ms);
  BOOST_TEST(story_of(s.client) ==
             "the handshake did not finish within 1500 ms: waiting for the ServerHello");
  BOOST_TEST(s.client.error_info().handshake_step == "the ServerHello");
  ending waiting;
  tls_handshake(s.server, as_server{}, waiting.token());
  s.server_end().outgoing().capacity = 0;
  s.settle();
  s.pass(10s);
  BOOST_TEST(
      story_of(s.server) ==
      "the handshake did not finish within 10 s: waiting for the peer to take what was sent; "
      "handshake step: the client's answer to the ServerHello");
}

BOOST_AUTO_TEST_CASE(expired_server_handshake_waits_for_a_client_that_says_nothing) {
  memory_session s;
  ending shaken;
  tls_handshake(s.server, as_server{}, shaken.token());
  s.settle();
  s.pass(10s);
  BOOST_TEST(story_of(s.server) ==
             "the handshake did not finish within 10 s: waiting for the ClientHello");
}

BOOST_AUTO_TEST_CASE(expired_read_write_and_shutdown_tell_what_they_waited_for) {
  connected_session s;
  char place = 0;
  ending read, stalled, written, shut;
  tls_read_some(s.client, asio::buffer(&place, 1), 5s, read.token());
  s.settle();
  s.pass(5s);
  BOOST_TEST(read.ec == asio::error::timed_out);
  BOOST_TEST(story_of(s.client) ==
             "the read did not finish within 5 s: waiting for the peer to send");
  tls_shutdown(s.server, shut.token());
  s.settle();
  s.pass(2s);
  BOOST_TEST(story_of(s.server) ==
             "the shutdown did not finish within 2 s: waiting for the peer's close_notify");
  s.client_end().outgoing().capacity = 0;
  tls_write(s.client, asio::buffer("x", 1), stalled.token());
  s.settle();
  BOOST_TEST(story_of(s.client).empty());  // of the verb before
  s.pass(30s);
  BOOST_TEST(story_of(s.client) ==
             "the write made no progress for 30 s: waiting for the peer to take what was sent");
  tls_write(s.client, asio::buffer("x", 1), 1min, written.token());
  s.settle();
  s.pass(1min);
  BOOST_TEST(story_of(s.client) ==
             "the write did not finish within 60 s: waiting for the peer to take what was sent");
}

BOOST_AUTO_TEST_CASE(story_of_a_deadline_makes_room_for_that_of_a_failure) {
  connected_session s;
  char place = 0;
  ending timed, truncated;
  tls_read_some(s.client, asio::buffer(&place, 1), 5s, timed.token());
  s.settle();
  s.pass(5s);
  tls_read_some(s.client, asio::buffer(&place, 1), truncated.token());
  s.server_end().close();
  s.settle();
  BOOST_TEST(story_of(s.client) == "the peer closed the connection without close_notify");
  ending again;
  tls_read_some(s.client, asio::buffer(&place, 1), 5s, again.token());
  s.settle();
  BOOST_TEST(story_of(s.client) == "the peer closed the connection without close_notify");
}

BOOST_AUTO_TEST_CASE(error_does_not_wait_for_its_alert_for_ever) {
  rude_session s(role::client);
  s.handshake();
  s.stream.next_layer().outgoing().capacity = 0;
  sink received;
  keep_reading(s.stream, received);
  // A record of application data that nobody sealed.
  std::string garbage(5 + 32, 'g');
  garbage.replace(0, 5, {'\x17', '\x03', '\x03', '\x00', '\x20'});
  s.peer.link().async_write_some(asio::buffer(garbage), [](error_code, std::size_t) {});
  settle(s.io);
  BOOST_TEST(!received.ended);
  pass(s.io, 2s);
  BOOST_TEST(received.ended);
  BOOST_TEST(received.end.category().name() == asio::error::get_ssl_category().name());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
