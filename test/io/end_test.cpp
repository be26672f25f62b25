// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How one direction of a session ends: eof, truncation and half-close.
#include <boost/asio/ssl/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

constexpr auto truncated = asio::ssl::error::stream_truncated;

BOOST_AUTO_TEST_SUITE(end)

BOOST_DATA_TEST_CASE(read_ends_with_eof_after_the_peers_close_notify, data::make({2, 3}), minor) {
  auto client_context = client_of_tls_1(minor);
  connected_session s({}, client_context);
  write_now(s, s.client, "the last words");
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
  write_now(s, s.client, "the last words");
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
  BOOST_TEST(write_now(s, s.server, "still alive").ec == error_code());
  BOOST_TEST(back.plaintext == "still alive");
}

BOOST_AUTO_TEST_CASE(half_of_a_record_before_the_end_is_not_delivered) {
  connected_session s;
  write_now(s, s.client, "whole");
  auto const whole = s.client_end().written().size();
  s.client_end().outgoing().cut_at = whole + 20;
  write_now(s, s.client, "cut off");
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
  BOOST_TEST(write_now(s, s.server, message).ec == error_code());
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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
