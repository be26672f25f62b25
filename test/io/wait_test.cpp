// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_wait_read: when it ends, and that it takes nothing.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include "memory_session.hpp"
#include "support/engine_of.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(wait)

std::string read_all(connected_session& s) {
  sink received;
  keep_reading(s.server, received);
  s.settle();
  return received.plaintext;
}

BOOST_DATA_TEST_CASE(wait_ends_when_there_is_plaintext_and_takes_none, data::make({2, 3}), minor) {
  auto client_context = client_of_tls_1(minor);
  connected_session s({}, client_context);
  ending ready, again;
  tls_wait_read(s.server, ready.token());
  s.settle();
  BOOST_TEST(!ready.done);
  BOOST_TEST(!engine_of(s.server).ring().is_attached());
  std::string const message(40'000, 'x');
  write_now(s, s.client, message);
  BOOST_TEST(ready.done);
  BOOST_TEST(ready.ec == error_code());
  BOOST_TEST(s.server.stats().plaintext_opened == 0U);
  tls_wait_read(s.server, again.token());
  s.settle();
  BOOST_TEST(again.done);
  BOOST_TEST(read_all(s) == message);
}

BOOST_AUTO_TEST_CASE(wait_ends_at_once_where_a_read_has_left_something) {
  connected_session s;
  write_now(s, s.client, "xyz");
  char first = 0;
  ending read, ready;
  tls_read_some(s.server, asio::buffer(&first, 1), read.token());
  s.settle();
  BOOST_TEST(read.bytes == 1U);
  tls_wait_read(s.server, ready.token());
  s.settle();
  BOOST_TEST(ready.done);
  BOOST_TEST(read_all(s) == "yz");
}

BOOST_AUTO_TEST_CASE(messages_of_the_session_itself_end_no_wait) {
  connected_session s;
  ending ready, updated;
  tls_wait_read(s.server, ready.token());
  tls_key_update(s.client, updated.token());
  s.settle();
  BOOST_TEST(updated.done);
  BOOST_TEST(!ready.done);
  write_now(s, s.client, "with new keys");
  BOOST_TEST(ready.done);
  BOOST_TEST(read_all(s) == "with new keys");
}

BOOST_AUTO_TEST_CASE(wait_ends_as_a_read_would_which_tells_it_again) {
  for (bool const with_close_notify : {true, false}) {
    connected_session s;
    ending ready, closed;
    tls_wait_read(s.server, ready.token());
    if (with_close_notify) tls_close_write(s.client, closed.token());
    s.settle();
    s.client_end().shutdown_send();
    s.settle();
    error_code const expected = with_close_notify ? error_code(asio::error::eof)
                                                  : error_code(asio::ssl::error::stream_truncated);
    BOOST_TEST(ready.ec == expected);
    sink received;
    keep_reading(s.server, received);
    s.settle();
    BOOST_TEST(received.end == expected);
  }
}

BOOST_AUTO_TEST_CASE(wait_disturbs_no_read_and_needs_a_role) {
  memory_session fresh;
  ending refused;
  tls_wait_read(fresh.server, refused.token());
  fresh.settle();
  BOOST_TEST(refused.ec == errc::no_role);

  connected_session s;
  sink received;
  ending second;
  keep_reading(s.server, received);
  tls_wait_read(s.server, second.token());
  s.settle();
  BOOST_TEST(second.ec == errc::second_read);
  write_now(s, s.client, "x");
  BOOST_TEST(received.plaintext == "x");
}

BOOST_AUTO_TEST_CASE(wait_that_was_cancelled_or_timed_out_has_lost_nothing) {
  connected_session s;
  asio::cancellation_signal signal;
  ending cancelled, late;
  tls_wait_read(s.server, asio::bind_cancellation_slot(signal.slot(), cancelled.token()));
  s.settle();
  signal.emit(asio::cancellation_type::total);
  s.settle();
  BOOST_TEST(cancelled.ec == asio::error::operation_aborted);
  tls_wait_read(s.server, 1s, late.token());
  s.settle();
  s.pass(1s);
  BOOST_TEST(late.ec == asio::error::timed_out);
  write_now(s, s.client, "still there");
  BOOST_TEST(read_all(s) == "still there");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
