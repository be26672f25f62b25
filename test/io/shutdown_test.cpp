// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_shutdown: beside reads and writes, with peers that answer late or never, and of a session
// that has failed.
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <stdexcept>

#include "memory_session.hpp"
#include "raw_peer.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

constexpr auto truncated = asio::ssl::error::stream_truncated;

BOOST_AUTO_TEST_SUITE(shutdown)

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

// A shutdown goes on when the handlers have been called that might start another read.
BOOST_DATA_TEST_CASE(shutdown_behind_a_read_goes_on_whatever_a_handler_does,
                     data::make({true, false}), throws) {
  connected_session s;
  ending read, shut;
  std::string place(100, '\0');
  tls_read_some(s.client, asio::buffer(place), read.token());
  tls_shutdown(s.client, time_limit::none(), shut.token());
  s.settle();
  ending written, closed;
  tls_write(s.server, asio::buffer("for the read", 12), written.token());
  tls_close_write(s.server, closed.token());
  // Between what the end of the read has queued and that.
  asio::post(s.io, [&] {
    tls_write(s.client, asio::const_buffer(), [&](error_code, std::size_t) {
      if (throws) throw std::runtime_error("from a handler");
      while (!shut.done && s.io.poll_one() != 0) {
      }
      BOOST_TEST(shut.done);
    });
  });
  if (throws) {
    BOOST_CHECK_THROW(s.settle(), std::runtime_error);
  }
  s.settle();
  BOOST_TEST(read.done);
  BOOST_TEST(shut.done);
  BOOST_TEST(shut.ec == error_code());
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
  BOOST_TEST(write_now(s, s.server, message).ec == error_code());
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

BOOST_AUTO_TEST_CASE(shutdown_goes_on_by_itself_behind_the_last_read) {
  connected_session s;
  ending read, shut, of_server;
  std::string place(100, '\0');
  tls_read_some(s.client, asio::buffer(place), read.token());
  tls_shutdown(s.client, shut.token());
  BOOST_TEST(write_now(s, s.server, "for the read").ec == error_code());
  BOOST_TEST(place.substr(0, read.bytes) == "for the read");
  BOOST_TEST(write_now(s, s.server, "for nobody").ec == error_code());
  tls_shutdown(s.server, of_server.token());
  s.settle();
  BOOST_TEST(shut.done);
  BOOST_TEST(shut.ec == error_code());
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
  BOOST_TEST(write_now(s, s.server, "sorry, I was busy").ec == error_code());
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

BOOST_AUTO_TEST_CASE(shutdown_behind_a_write_to_a_stalled_peer_ends_first_and_the_write_goes_on) {
  connected_session s;
  s.client_end().outgoing().capacity = 10'000;
  auto const message = numbered_plaintext(200'000);
  ending written, shut, late;
  tls_write(s.client, asio::buffer(message), written.token());
  tls_shutdown(s.client, shut.token());
  tls_write(s.client, asio::buffer("late", 4), late.token());
  s.settle();
  s.pass(2s);
  BOOST_TEST(shut.ec == asio::error::timed_out);
  BOOST_TEST(!written.done);
  // Its close_notify was not sealed, so it is undone, and the peer gets all that was written.
  sink received;
  keep_reading(s.server, received);
  s.settle();
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(late.ec == error_code());
  BOOST_TEST((received.plaintext == message + "late"));
  BOOST_TEST(!received.ended);
  ending again, of_server;
  tls_shutdown(s.client, again.token());
  tls_shutdown(s.server, of_server.token());
  s.settle();
  BOOST_TEST(again.ec == error_code());
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

BOOST_AUTO_TEST_CASE(shutdown_beside_a_read_is_told_what_failed_behind_the_plaintext) {
  rude_session s(role::server);
  s.handshake();
  std::string place(100, '\0');
  ending read, shut;
  tls_read_some(s.stream, asio::buffer(place), read.token());
  tls_shutdown(s.stream, shut.token());
  settle(s.io);
  BOOST_REQUIRE(s.peer.tls().write("for the read"));
  auto flight = s.peer.tls().take();
  flight += std::string("\x17\x03\x03\0\x20", 5) + std::string(32, '\0');  // nobody sealed it
  s.peer.link().async_write_some(asio::buffer(flight), [](error_code, std::size_t) {});
  settle(s.io);
  BOOST_TEST(read.ec == error_code());
  BOOST_TEST(place.substr(0, read.bytes) == "for the read");
  BOOST_TEST(shut.done);
  BOOST_TEST(shut.ec.category().name() == std::string("asio.ssl"));
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

  ending shut, closed, written, read, again, update;
  char place = 0;
  tls_key_update(s.stream, new_keys::ours, update.token());
  BOOST_TEST(tls_try_write(s.stream, asio::buffer("x", 1)) == received.end);
  tls_shutdown(s.stream, shut.token());
  tls_close_write(s.stream, closed.token());
  tls_write(s.stream, asio::buffer("x", 1), written.token());
  tls_read_some(s.stream, asio::buffer(&place, 1), read.token());
  tls_handshake(s.stream, as_server{}, again.token());
  settle(s.io);
  for (auto const* ended : {&shut, &closed, &written, &read, &again, &update}) {
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
