// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The session and its gates as values: given these verbs, when so much was flushed or filled, then
// these are asked for, and these are complete.
#include <boost/asio/error.hpp>

#include <new>
#include <string>

#include "played_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(gates)

BOOST_AUTO_TEST_CASE(write_completes_with_its_own_last_byte) {
  played_session s;
  s.negotiate();
  played_write first(std::string(20'000, 'a')), second("b");
  s.start(first);
  BOOST_TEST(s.asked.flush);
  s.start(second);  // it gathers behind the flush under way
  s.flush(20'000);
  BOOST_TEST(!first.told.done);
  s.flush();
  BOOST_TEST(first.told.done);
  BOOST_TEST(first.told.bytes == 20'000U);
  BOOST_TEST(!second.told.done);
  s.flush();
  BOOST_TEST(second.told.done);
  BOOST_TEST((s.plaintext == std::string(20'000, 'a') + "b"));
  BOOST_TEST(!s.asked.flush);
}

BOOST_AUTO_TEST_CASE(writes_behind_a_flush_share_a_record) {
  played_session s;
  s.negotiate();
  played_write first("first;"), second("second;"), third("third;");
  s.start(first);
  s.start(second);
  s.start(third);
  auto const before = s.session.engine().stats().records_sealed;
  s.flush();
  BOOST_TEST(s.session.engine().stats().records_sealed == before + 1);
  s.flush();
  BOOST_TEST(s.plaintext == "first;second;third;");
}

BOOST_AUTO_TEST_CASE(cancelled_read_completes_when_its_fill_has_ended_and_has_taken_nothing) {
  played_session s;
  s.negotiate();
  played_read read(100), next(100);
  s.start(read);
  BOOST_TEST(s.asked.fill);
  s.cancel(read);
  BOOST_TEST(s.asked.let_go);
  BOOST_TEST(!read.told.done);
  BOOST_TEST(read.state() == verb_state::letting_go);
  BOOST_REQUIRE(s.peer.write("not lost"));
  s.fill();  // it came just before
  BOOST_TEST(read.told.ec == asio::error::operation_aborted);
  BOOST_TEST(read.told.bytes == 0U);
  s.start(next);
  BOOST_TEST(next.plaintext() == "not lost");
  BOOST_TEST(s.session.is_idle());
}

BOOST_AUTO_TEST_CASE(read_behind_a_cancelled_one_fills_anew) {
  played_session s;
  s.negotiate();
  played_read read(100), next(100);
  s.start(read);
  s.cancel(read);
  s.start(next);
  s.end_fill_let_go();
  BOOST_TEST(read.told.done);
  BOOST_TEST(!next.told.done);
  BOOST_TEST(s.asked.fill);
  BOOST_REQUIRE(s.peer.write("for the next"));
  s.fill();
  BOOST_TEST(next.plaintext() == "for the next");
}

BOOST_AUTO_TEST_CASE(fill_that_can_not_be_ended_holds_up_nobody) {
  played_session s;
  s.negotiate();
  played_read read(100), next(100);
  s.start(read);
  s.session.cancel(read, false, detail::operation_aborted());
  s.session.leave_fill();
  s.turn();
  BOOST_TEST(read.told.ec == asio::error::operation_aborted);
  s.start(next);
  BOOST_REQUIRE(s.peer.write("by the old fill"));
  s.fill();
  BOOST_TEST(next.plaintext() == "by the old fill");
}

BOOST_AUTO_TEST_CASE(next_layer_that_is_cancelled_rests_until_the_next_verb) {
  played_session s;
  s.negotiate();
  played_write write("sealed, and not sent"), next(";the next");
  s.start(write);
  s.fail_flush(asio::error::operation_aborted);
  BOOST_TEST(write.told.ec == asio::error::operation_aborted);
  BOOST_TEST(!s.asked.flush);
  s.start(next);
  s.run();
  BOOST_TEST(s.plaintext == "sealed, and not sent;the next");
}

// T32: a read that was started between the cancellation and its end.
BOOST_AUTO_TEST_CASE(flush_that_was_cancelled_goes_on_if_a_verb_is_still_there) {
  played_session s;
  s.negotiate();
  played_write write("sealed");
  played_read read(100);
  s.start(write);
  s.start(read);
  s.fail_flush(asio::error::operation_aborted);
  BOOST_TEST(!s.asked.flush);
  BOOST_TEST(s.asked.look_again);
  s.look_again();
  BOOST_TEST(s.asked.flush);
  s.run();
  BOOST_TEST(s.plaintext == "sealed");
  BOOST_TEST(!read.told.done);
  s.cancel(read);
  s.end_fill_let_go();
}

// T7: nobody else would meet the failure.
BOOST_AUTO_TEST_CASE(shutdown_alone_learns_of_a_session_that_was_refused) {
  played_session s;
  s.negotiate();
  played_control shutdown(verb_kind::shutdown);
  s.start(shutdown);
  s.flush();
  BOOST_TEST(shutdown.state() == verb_state::closing);
  s.session.engine().abort(errc::peer_limit_exceeded, "for this test");
  s.turn();
  BOOST_TEST((shutdown.told.ec == errc::peer_limit_exceeded));
}

// As where there is no memory for the words.
struct without_words final : boost::system::error_category {
  [[nodiscard]] char const* name() const noexcept override { return "without words"; }
  [[nodiscard]] std::string message(int) const override { throw std::bad_alloc(); }
};

BOOST_AUTO_TEST_CASE(transport_that_ends_without_a_word_for_it_ends_the_verbs) {
  static without_words const category;
  error_code const ec(1, category);
  for (bool const of_flush : {true, false}) {
    played_session s;
    s.negotiate();
    played_write write("w");
    played_read read(10);
    if (of_flush) {
      s.start(write);
      s.fail_flush(ec);
      BOOST_TEST((write.told.ec == ec));
    } else {
      s.start(read);
      s.fail_fill(ec);
      BOOST_TEST((read.told.ec == ec));
    }
    BOOST_TEST(s.session.is_idle());
  }
}

// X9: Asio's says 0.
BOOST_AUTO_TEST_CASE(write_of_which_nothing_has_left_reports_no_bytes_with_its_error) {
  played_session s;
  s.negotiate();
  played_write write("sealed, and not sent");
  s.start(write);
  s.fail_flush(asio::error::connection_reset);
  BOOST_TEST(write.told.ec == asio::error::connection_reset);
  BOOST_TEST(write.told.bytes == 0U);
}

BOOST_AUTO_TEST_CASE(one_timer_serves_all_deadlines_and_is_set_only_when_one_is_earlier) {
  played_session s;
  s.negotiate();
  played_read read(10);
  read.expiry = played_session::moment + std::chrono::seconds(10);
  s.start(read);
  BOOST_TEST((s.asked.timer == read.expiry));
  played_write write("w");
  write.expiry = read.expiry + std::chrono::seconds(1);
  s.start(write);
  BOOST_TEST((s.asked.timer == read.expiry));
  s.run();
  s.pass(std::chrono::seconds(10));
  s.end_fill_let_go();
  BOOST_TEST(read.told.ec == asio::error::timed_out);
  BOOST_TEST((s.asked.timer == detail::never));
}

BOOST_AUTO_TEST_CASE(end_of_the_stream_ends_every_verb) {
  played_session s;
  s.negotiate();
  played_read read(10);
  played_write write(std::string(1'000'000, 'x')), queued("q");
  played_control shutdown(verb_kind::shutdown);
  s.start(read);
  s.start(write);
  s.start(queued);
  s.start(shutdown);
  s.session.close();
  s.turn();
  for (outcome const& each : {read.told, write.told, queued.told, shutdown.told})
    BOOST_TEST(each.done);
  for (auto const& each : {read.told, write.told, queued.told, shutdown.told})
    BOOST_TEST(each.ec == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
