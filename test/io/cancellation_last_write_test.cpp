// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A last write, cancelled before each step of the event loop: the peer gets what it reports, and
// an end only behind all of it.
#include <tls_async/tls_async.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

#include "cancellable.hpp"

namespace {

namespace asio = boost::asio;
using namespace tls_async::test;

// What became of one that was cancelled before step number `step`.
enum class outcome { undone, cut_short, whole, not_reached };

outcome cancel_before(std::size_t step, cancellation_type type, std::size_t size) {
  narrow_session c;
  sink received;
  keep_reading(c.server, received);
  c.settle();
  auto const text = message(1, size);
  cancellable last, later;
  tls_write_last(c.client, asio::buffer(text.data(), text.size()), last.token());
  c.io.restart();
  for (std::size_t i = 0; i != step; ++i)
    c.io.poll_one();
  if (last.done) return outcome::not_reached;
  c.cancel(last, type);
  BOOST_TEST(last.done);
  bool const was_cancelled = last.ec == operation_aborted;
  BOOST_TEST((was_cancelled || last.ended_with({})), last.ec.message());
  tls_write(c.client, asio::buffer("later", 5), later.token());
  c.settle();
  BOOST_TEST(later.done);
  bool const has_closed = later.ended_with(tls_async::errc::closed_for_writing);
  BOOST_TEST((has_closed || later.ended_with({})), later.ec.message());
  BOOST_TEST((received.plaintext ==
              std::string(text.substr(0, last.bytes)) + (has_closed ? "" : "later")));
  BOOST_TEST(received.ended == has_closed);
  if (has_closed) {
    BOOST_TEST((received.end == asio::error::eof));
    BOOST_TEST(last.bytes == text.size());
  } else {
    BOOST_TEST(was_cancelled);
    BOOST_TEST(last.bytes < text.size());
  }
  return has_closed ? outcome::whole : last.bytes == 0 ? outcome::undone : outcome::cut_short;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cancelled_last_write)

BOOST_DATA_TEST_CASE(one_that_is_cancelled_at_any_step_says_nothing_false, any_type, type) {
  for (std::size_t const size : {10U, 300'000U}) {
    std::size_t step = 0, whole = 0, cut_short = 0;
    for (;; ++step) {
      outcome seen = outcome::not_reached;
      BOOST_TEST_CONTEXT(size << " bytes, before step " << step) {
        seen = cancel_before(step, type, size);
      }
      if (seen == outcome::not_reached) break;
      whole += seen == outcome::whole ? 1 : 0;
      cut_short += seen == outcome::cut_short ? 1 : 0;
      BOOST_REQUIRE_LT(step, 1'000U);
    }
    BOOST_TEST(whole != 0U);
    BOOST_TEST((cut_short != 0U) == (size == 300'000U && type != cancellation_type::total));
  }
}

BOOST_DATA_TEST_CASE(one_that_is_queued_is_undone_whole, any_type, type) {
  narrow_session c;
  auto const first = message(1, 200'000);
  cancellable blocked, last, behind;
  tls_write(c.client, asio::buffer(first.data(), first.size()), blocked.token());
  tls_write_last(c.client, std::string("undone"), last.token());
  tls_write(c.client, asio::buffer("behind", 6), behind.token());
  c.settle();
  c.cancel(last, type);
  BOOST_TEST(last.ended_with(operation_aborted));
  BOOST_TEST(last.bytes == 0u);
  BOOST_TEST((c.read_all(c.server) == std::string(first) + "behind"));
  BOOST_TEST(behind.ended_with({}));
}

BOOST_AUTO_TEST_SUITE_END()
