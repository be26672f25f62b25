// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Code of the program that runs in the middle: callables of buffers that move, and callbacks of
// OpenSSL's.
#include <boost/asio/error.hpp>

#include <chrono>
#include <string>
#include <utility>

#include "played_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(gates)

// Its ring is empty then, as for a stream that waits, but OpenSSL goes on with it.
BOOST_AUTO_TEST_CASE(callback_inside_of_a_turn_gives_nothing_back) {
  played_write write("from inside");
  played_control handshake(verb_kind::handshake);
  played_session s;
  bool has_started = false;
  s.session.engine().verify_with(
      [&](bool preverified, X509_STORE_CTX*) {
        if (!std::exchange(has_started, true)) s.start(write);
        BOOST_TEST(s.session.engine().ring().is_attached());
        return preverified;
      },
      false);
  s.start(handshake);
  while (!handshake.told.done) {
    if (s.asked.flush) {
      s.flush();
    } else {
      s.fill(1);
    }
  }
  BOOST_TEST(has_started);
  BOOST_TEST(handshake.told.ec == error_code());
  s.run();
  BOOST_TEST(write.told.ec == error_code());
  BOOST_TEST(s.plaintext == "from inside");
}

BOOST_AUTO_TEST_CASE(write_that_moves_is_located_before_each_record) {
  played_session s;
  s.negotiate();
  played_write write(std::string(100'000, 'm'), true);
  s.start(write);
  s.run();
  BOOST_TEST(write.told.bytes == 100'000U);
  BOOST_TEST(write.times_located == 7);
}

// A session that has asked where `write` is.
struct session_that_locates {
  session_that_locates() {
    s.locates_later = true;
    s.negotiate();
    s.start(first);
    s.start(write);
    s.flush();
    BOOST_REQUIRE(s.asked.locate == &write);
  }

  played_write first{"first"}, write{"moves", true};
  played_session s;
};

// Another thread cancels it while its callable runs.
BOOST_AUTO_TEST_CASE(write_that_is_cancelled_while_it_is_located_ends_behind_that) {
  session_that_locates of_test;
  auto& [first, write, s] = of_test;
  s.cancel(write);
  BOOST_TEST(!write.told.done);
  s.locate();
  BOOST_TEST(write.told.ec == asio::error::operation_aborted);
  BOOST_TEST(write.told.bytes == 0U);
}

// A timer that is set to what has passed would expire again and again.
BOOST_AUTO_TEST_CASE(write_that_is_out_of_time_while_it_is_located_sets_no_timer) {
  played_read read(10);
  session_that_locates of_test;
  auto& [first, write, s] = of_test;
  write.expiry = s.moment + std::chrono::seconds(1);
  read.expiry = write.expiry;
  s.start(read);
  s.pass(std::chrono::seconds(1));
  BOOST_TEST((s.asked.timer == detail::never));
  BOOST_TEST(!write.told.done);
  s.locate();
  BOOST_TEST(write.told.ec == asio::error::timed_out);
  s.end_fill_let_go();
  BOOST_TEST(read.told.ec == asio::error::timed_out);
}

// Its node would be gone before its callable returns.
BOOST_AUTO_TEST_CASE(write_whose_session_fails_while_it_is_located_ends_behind_that) {
  for (bool const by_its_peer : {true, false}) {
    played_read read(10);
    session_that_locates of_test;
    auto& [first, write, s] = of_test;
    s.start(read);
    if (by_its_peer) {
      BOOST_REQUIRE(s.asked.fill);
      s.fill_with(std::string("\x17\x03\x03\0\x20", 5) + std::string(32, 'n'));
      s.flush();  // the alert leaves
    } else {
      s.session.engine().abort(errc::peer_limit_exceeded, "for this test");
      s.turn();
    }
    BOOST_TEST(!write.told.done);
    BOOST_TEST(write.state() == verb_state::queued);
    s.locate();
    s.run();
    BOOST_TEST(write.told.done);
    BOOST_TEST(write.told.ec.failed());
    BOOST_TEST(write.told.bytes == 0U);
    BOOST_TEST(read.told.ec == write.told.ec);
  }
}

// A callback of OpenSSL's does it, in the middle of a turn, when the next ticket comes.
void cancel_with_a_ticket(played_session& s, played_read& read) {
  static played_session* of_test = nullptr;
  static played_read* to_cancel = nullptr;
  of_test = &s;
  to_cancel = &read;
  SSL_CTX* const context = SSL_get_SSL_CTX(s.session.engine().native_handle());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(context, [](SSL*, SSL_SESSION*) {
    of_test->session.cancel(*to_cancel, false, detail::operation_aborted());
    return 0;
  });
}

// What ends in a turn is what was cancelled in it.
BOOST_AUTO_TEST_CASE(write_that_is_cancelled_while_it_is_located_outlives_anothers_cancellation) {
  played_read read(10);
  session_that_locates of_test;
  auto& [first, write, s] = of_test;
  cancel_with_a_ticket(s, read);
  s.cancel(write);
  s.start(read);
  s.fill();  // of tickets
  BOOST_TEST(read.state() != verb_state::reading);
  BOOST_TEST(!write.told.done);
  BOOST_TEST(write.state() == verb_state::queued);
  s.locate();
  s.run();
  BOOST_TEST(write.told.ec == asio::error::operation_aborted);
}

// What comes of a callback of OpenSSL's: nobody wants the fill that the read has just asked for.
BOOST_AUTO_TEST_CASE(read_that_a_callback_cancels_begins_no_fill) {
  played_session s;
  s.negotiate();
  played_write write("on its way");
  played_read read(10);
  cancel_with_a_ticket(s, read);
  s.start(write);
  BOOST_REQUIRE(s.asked.flush);
  s.start(read);
  s.fill();  // of tickets
  BOOST_TEST(read.told.ec == asio::error::operation_aborted);
  BOOST_TEST(!s.asked.fill);
  BOOST_TEST(!s.asked.let_go);
  s.run();
  BOOST_TEST(write.told.done);
  BOOST_TEST(s.session.is_idle());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
