// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How a session ends: eof, truncation, half-close, and a shutdown beside reads, writes, and peers
// that never answer.
#include <boost/asio/ssl/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include "memory_session.hpp"
#include "raw_peer.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

constexpr auto truncated = asio::ssl::error::stream_truncated;

// Starts a write and lets everything happen that can.
ending write(memory_session& s, memory_tls& from, std::string const& message) {
  ending written;
  tls_write(from, asio::buffer(message), written.token());
  s.settle();
  BOOST_REQUIRE(written.done);
  return written;
}

BOOST_AUTO_TEST_SUITE(end)

BOOST_DATA_TEST_CASE(read_ends_with_eof_after_the_peers_close_notify, data::make({2, 3}), minor) {
  auto client_context = client_of_tls_1(minor);
  connected_session s({}, client_context);
  write(s, s.client, "the last words");
  ending closed;
  tls_close_write(s.client, closed.token());
  s.client_end().shutdown_send();
  sink received;
  keep_reading(s.server, received);
  s.settle();
  BOOST_TEST(closed.ec == error_code());
  BOOST_TEST(received.plaintext == "the last words");
  BOOST_TEST(received.end == asio::error::eof);
  // And again, without the next layer.
  auto const reads = s.server_end().reads();
  sink again;
  keep_reading(s.server, again);
  s.settle();
  BOOST_TEST(again.end == asio::error::eof);
  BOOST_TEST(s.server_end().reads() == reads);
}

BOOST_AUTO_TEST_CASE(read_delivers_what_came_before_the_transport_ended_then_says_truncated) {
  connected_session s;
  write(s, s.client, "the last words");
  s.client_end().shutdown_send();
  sink received;
  keep_reading(s.server, received);
  s.settle();
  BOOST_TEST(received.plaintext == "the last words");
  BOOST_TEST(received.end == truncated);
  BOOST_TEST(s.server.error_info().text().find("without close_notify") != std::string::npos);
  sink again;
  keep_reading(s.server, again);
  s.settle();
  BOOST_TEST(again.end == truncated);
  // The other direction is not concerned.
  sink back;
  keep_reading(s.client, back);
  BOOST_TEST(write(s, s.server, "still alive").ec == error_code());
  BOOST_TEST(back.plaintext == "still alive");
}

BOOST_AUTO_TEST_CASE(half_of_a_record_before_the_end_is_not_delivered) {
  connected_session s;
  write(s, s.client, "whole");
  auto const whole = s.client_end().written().size();
  s.client_end().outgoing().cut_at = whole + 20;
  write(s, s.client, "cut off");
  sink received;
  keep_reading(s.server, received);
  s.settle();
  BOOST_TEST(received.plaintext == "whole");
  BOOST_TEST(received.end == truncated);
}

BOOST_DATA_TEST_CASE(close_write_goes_on_reading, data::make({2, 3}), minor) {
  auto client_context = client_of_tls_1(minor);
  connected_session s({}, client_context);
  ending closed;
  tls_close_write(s.client, closed.token());
  sink by_client, by_server;
  keep_reading(s.client, by_client);
  keep_reading(s.server, by_server);
  s.settle();
  BOOST_TEST(closed.done);
  BOOST_TEST(by_server.end == asio::error::eof);
  BOOST_TEST(!by_client.ended);
  auto const message = numbered_plaintext(100'000);
  BOOST_TEST(write(s, s.server, message).ec == error_code());
  BOOST_TEST((by_client.plaintext == message));
  ending shut;
  tls_shutdown(s.server, shut.token());
  s.settle();
  BOOST_TEST(by_client.end == asio::error::eof);
  BOOST_TEST(shut.done);
  BOOST_TEST(shut.ec == error_code());
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_CASE(close_write_leaves_behind_all_earlier_writes_and_once) {
  connected_session s;
  s.client_end().outgoing().capacity = 0;
  auto const message = numbered_plaintext(200'000);
  ending written, closed, late, again;
  tls_write(s.client, asio::buffer(message), written.token());
  tls_close_write(s.client, closed.token());
  tls_write(s.client, asio::buffer("too late", 8), late.token());
  s.settle();
  BOOST_TEST(!written.done);
  BOOST_TEST(!closed.done);
  s.client_end().outgoing().capacity = unbounded;
  s.client_end().settle();
  sink received;
  keep_reading(s.server, received);
  s.settle();
  BOOST_TEST(written.bytes == message.size());
  BOOST_TEST(closed.ec == error_code());
  BOOST_TEST(late.ec == errc::closed_for_writing);
  BOOST_TEST(late.bytes == 0U);
  BOOST_TEST((received.plaintext == message));
  BOOST_TEST(received.end == asio::error::eof);
  auto const sent = s.client_end().written().size();
  tls_close_write(s.client, again.token());
  s.settle();
  BOOST_TEST(again.done);
  BOOST_TEST(again.ec == error_code());
  BOOST_TEST(s.client_end().written().size() == sent);
}

BOOST_DATA_TEST_CASE(shutdown_on_both_sides_at_once_ends_both, data::make({2, 3}), minor) {
  auto client_context = client_of_tls_1(minor);
  connected_session s({}, client_context);
  ending of_client, of_server;
  tls_shutdown(s.client, of_client.token());
  tls_shutdown(s.server, of_server.token());
  BOOST_TEST(!of_client.done);
  s.settle();
  BOOST_TEST(of_client.done);
  BOOST_TEST(of_server.done);
  BOOST_TEST(of_client.ec == error_code());
  BOOST_TEST(of_server.ec == error_code());
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_CASE(shutdown_leaves_what_still_comes_to_the_reads_in_progress) {
  connected_session s;
  sink by_client;
  keep_reading(s.client, by_client);
  ending shut;
  bool read_ended_first = false;
  tls_shutdown(s.client, [&](error_code ec) {
    read_ended_first = by_client.ended;
    shut = {true, ec, 0};
  });
  s.settle();
  BOOST_TEST(!shut.done);
  auto const message = numbered_plaintext(150'000);
  BOOST_TEST(write(s, s.server, message).ec == error_code());
  BOOST_TEST(!shut.done);
  BOOST_TEST((by_client.plaintext == message));
  ending of_server;
  tls_shutdown(s.server, of_server.token());
  s.settle();
  BOOST_TEST(by_client.end == asio::error::eof);
  BOOST_TEST(shut.done);
  BOOST_TEST(shut.ec == error_code());
  BOOST_TEST(read_ended_first);
  BOOST_TEST(of_server.ec == error_code());
}

BOOST_AUTO_TEST_CASE(shutdown_without_a_read_discards_what_still_comes) {
  connected_session s;
  s.server_end().outgoing().capacity = 1'000;
  ending shut, of_server, written;
  auto const message = numbered_plaintext(300'000);
  tls_write(s.server, asio::buffer(message), written.token());
  tls_shutdown(s.client, shut.token());
  tls_shutdown(s.server, of_server.token());
  s.settle();
  BOOST_TEST(written.bytes == message.size());
  BOOST_TEST(of_server.ec == error_code());
  BOOST_TEST(shut.done);
  BOOST_TEST(shut.ec == error_code());
  sink after;
  keep_reading(s.client, after);
  s.settle();
  BOOST_TEST(after.plaintext == "");
  BOOST_TEST(after.end == asio::error::eof);
}

BOOST_AUTO_TEST_CASE(shutdown_waits_for_earlier_writes) {
  connected_session s;
  s.client_end().outgoing().capacity = 1'000;
  auto const message = numbered_plaintext(100'000);
  ending written, shut, of_server;
  tls_write(s.client, asio::buffer(message), written.token());
  tls_shutdown(s.client, shut.token());
  sink received;
  keep_reading(s.server, received);
  s.settle();
  BOOST_TEST(written.bytes == message.size());
  BOOST_TEST((received.plaintext == message));
  BOOST_TEST(received.end == asio::error::eof);
  BOOST_TEST(!shut.done);
  tls_shutdown(s.server, of_server.token());
  s.settle();
  BOOST_TEST(shut.ec == error_code());
  BOOST_TEST(of_server.ec == error_code());
}

BOOST_AUTO_TEST_CASE(shutdown_with_a_silent_peer_ends_at_its_deadline_and_keeps_the_socket) {
  connected_session s;
  ending shut;
  tls_shutdown(s.client, shut.token());
  s.settle();
  s.pass(1999ms);
  BOOST_TEST(!shut.done);
  s.pass(1ms);
  BOOST_TEST(shut.done);
  BOOST_TEST(shut.ec == asio::error::timed_out);
  BOOST_TEST(s.has_no_work());
  // The peer speaks after all: the session is whole.
  sink received;
  keep_reading(s.client, received);
  BOOST_TEST(write(s, s.server, "sorry, I was busy").ec == error_code());
  BOOST_TEST(received.plaintext == "sorry, I was busy");
  ending again, of_server;
  tls_shutdown(s.client, again.token());
  tls_shutdown(s.server, of_server.token());
  s.settle();
  BOOST_TEST(again.ec == error_code());
}

BOOST_AUTO_TEST_CASE(shutdown_ends_at_its_deadline_when_the_peer_does_not_read) {
  connected_session s;
  s.client_end().outgoing().capacity = 0;
  ending shut;
  tls_shutdown(s.client, 500ms, shut.token());
  s.settle();
  s.pass(500ms);
  BOOST_TEST(shut.ec == asio::error::timed_out);
}

BOOST_AUTO_TEST_CASE(shutdown_with_a_peer_that_closes_the_connection_says_truncated) {
  connected_session s;
  ending shut;
  tls_shutdown(s.client, shut.token());
  s.settle();
  s.server_end().shutdown_send();
  s.settle();
  BOOST_TEST(shut.done);
  BOOST_TEST(shut.ec == truncated);
}

BOOST_AUTO_TEST_CASE(second_shutdown_is_refused_and_the_first_goes_on) {
  connected_session s;
  ending first, second, of_server;
  tls_shutdown(s.client, first.token());
  tls_shutdown(s.client, second.token());
  s.settle();
  BOOST_TEST(second.ec == errc::operation_in_progress);
  BOOST_TEST(!first.done);
  tls_shutdown(s.server, of_server.token());
  s.settle();
  BOOST_TEST(first.ec == error_code());
}

BOOST_DATA_TEST_CASE(shutdown_of_a_failed_session_answers_its_error_and_sends_nothing,
                     data::make({2, 3}), minor) {
  tls_settings settings;
  settings.version = minor == 2 ? TLS1_2_VERSION : TLS1_3_VERSION;
  rude_session s(role::client, {}, settings);
  s.handshake();
  sink received;
  keep_reading(s.stream, received);
  BOOST_REQUIRE(s.peer.tls().write("not changed, or so you think"));
  auto ciphertext = s.peer.tls().take();
  ciphertext.back() = static_cast<char>(ciphertext.back() ^ 1);
  s.peer.link().async_write_some(asio::buffer(ciphertext), [](error_code, std::size_t) {});
  settle(s.io);
  BOOST_TEST(received.plaintext == "");
  BOOST_TEST(received.end.category().name() == asio::error::get_ssl_category().name());
  auto const sent = s.stream.next_layer().written().size();
  auto const reads = s.stream.next_layer().reads();

  ending shut, closed, written, read, again;
  char place = 0;
  tls_shutdown(s.stream, shut.token());
  tls_close_write(s.stream, closed.token());
  tls_write(s.stream, asio::buffer("x", 1), written.token());
  tls_read_some(s.stream, asio::buffer(&place, 1), read.token());
  tls_handshake(s.stream, as_server{}, again.token());
  settle(s.io);
  for (auto const* ended : {&shut, &closed, &written, &read, &again}) {
    BOOST_TEST(ended->done);
    BOOST_TEST(ended->ec == received.end);
    BOOST_TEST(ended->bytes == 0U);
  }
  BOOST_TEST(s.stream.next_layer().written().size() == sent);
  BOOST_TEST(s.stream.next_layer().reads() == reads);
  BOOST_TEST(has_no_work(s.io));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
