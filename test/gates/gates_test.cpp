// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The session and its gates as values: given these verbs, when so much was flushed or filled, then
// these are asked for, and these are complete.
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <memory>
#include <new>
#include <string>
#include <vector>

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
  s.session.keep_fill();
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

// T14: it waits neither for input nor for anything else that will end.
BOOST_AUTO_TEST_CASE(read_that_waits_for_room_ends_when_the_next_layer_is_cancelled) {
  stream_options options;
  options.ring_records = 1;
  options.most_key_updates_in_a_row = options.most_key_updates_per_second = 0;
  played_session s(options);
  s.negotiate();
  played_read read(100);
  s.start(read);
  while (s.asked.fill) {
    for (int i = 0; i != 50; ++i) {
      SSL_key_update(s.peer.ssl(), SSL_KEY_UPDATE_REQUESTED);
      s.peer.handshake();
    }
    s.fill();
  }
  BOOST_TEST(s.asked.flush);
  BOOST_TEST(!read.told.done);
  s.fail_flush(asio::error::operation_aborted);
  BOOST_TEST(read.told.ec == asio::error::operation_aborted);
}

// A ring that has room for a few bytes only: a full record, and KeyUpdates up to its end.
struct full_ring {
  static stream_options options() {
    stream_options small;
    small.ring_records = 1;
    return small;
  }
  full_ring() : s(options()) {
    s.negotiate();
    s.start(first);
    s.start(record);
    for (int i = 0; i != 37; ++i) {
      updates.push_back(std::make_unique<played_control>(verb_kind::key_update));
      s.start(*updates.back());
    }
  }
  /// All that is queued is sealed, as far as there is room.
  void seal() {
    s.flush();
    BOOST_TEST(s.asked.flush);
  }

  played_write first{"first"}, record{std::string(16'384, 'r')};
  std::vector<std::unique_ptr<played_control>> updates;
  played_session s;
};

// T36: its first half would be taken for the next one.
BOOST_AUTO_TEST_CASE(key_update_behind_a_cancelled_one_asks_the_peer) {
  played_control ours(verb_kind::key_update), both(verb_kind::key_update, true);
  full_ring ring;
  ring.s.start(ours);
  ring.seal();
  BOOST_TEST(ours.state() == verb_state::under_way);
  ring.s.cancel(ours);
  BOOST_TEST(ours.told.ec == asio::error::operation_aborted);
  ring.s.start(both);
  ring.s.run();
  BOOST_TEST(both.told.done);
  BOOST_TEST(ring.s.session.engine().stats().key_updates_sent == 39U);
  // It answers with what it sends next.
  BOOST_TEST(SSL_get_key_update_type(ring.s.peer.ssl()) == SSL_KEY_UPDATE_NOT_REQUESTED);
}

BOOST_AUTO_TEST_CASE(close_notify_that_has_begun_is_sent_whoever_waits_for_it) {
  for (bool const by_total : {true, false}) {
    played_control close(verb_kind::close_write), shutdown(verb_kind::shutdown);
    auto& which = by_total ? close : shutdown;
    full_ring ring;
    ring.s.start(which);
    ring.seal();
    BOOST_TEST(which.state() == verb_state::under_way);
    ring.s.cancel(which, by_total);
    BOOST_TEST(which.told.done != by_total);  // it has had an effect
    ring.s.run();
    BOOST_TEST(ring.s.session.engine().close_notify_sent());
    BOOST_TEST((SSL_get_shutdown(ring.s.peer.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0);
    BOOST_TEST(which.told.done);
  }
}

BOOST_AUTO_TEST_CASE(shutdown_that_found_no_room_waits_for_the_peer_behind_its_flush) {
  played_control shutdown(verb_kind::shutdown);
  full_ring ring;
  ring.s.start(shutdown);
  ring.seal();
  BOOST_TEST(shutdown.state() == verb_state::under_way);
  ring.s.flush();
  BOOST_TEST(shutdown.state() == verb_state::closing);
  ring.s.run();
  ring.s.peer.shutdown();
  ring.s.run();
  BOOST_TEST(shutdown.told.done);
  BOOST_TEST(shutdown.told.ec == error_code());
}

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

// T7: nobody else would meet the failure.
BOOST_AUTO_TEST_CASE(shutdown_alone_learns_of_a_session_that_was_refused) {
  played_session s;
  s.negotiate();
  played_control shutdown(verb_kind::shutdown);
  s.start(shutdown);
  s.flush();
  BOOST_TEST(shutdown.state() == verb_state::closing);
  s.session.engine().refuse(errc::peer_limit_exceeded, "for this test");
  s.turn();
  BOOST_TEST((shutdown.told.ec == errc::peer_limit_exceeded));
}

BOOST_AUTO_TEST_CASE(write_that_moves_is_located_before_each_record) {
  played_session s;
  s.negotiate();
  played_write write(std::string(100'000, 'm'), true);
  write.locate();
  s.start(write);
  s.run();
  BOOST_TEST(write.told.bytes == 100'000U);
  BOOST_TEST(write.times_located == 7);
}

// Another thread cancels it while its callable runs.
BOOST_AUTO_TEST_CASE(write_that_is_cancelled_while_it_is_located_ends_behind_that) {
  played_session s;
  s.negotiate();
  played_write first("first"), write("moves", true);
  s.start(first);
  s.start(write);
  s.asked.flush = false;
  s.session.flushed({}, s.session.engine().ring().readable().size());
  struct : detail::memory_account::waiter {
    void resume() override {}
  } nobody;
  auto const wanted = s.session.turn(nobody);
  BOOST_REQUIRE(wanted.locate == &write);
  s.cancel(write);
  BOOST_TEST(!write.told.done);
  s.session.located(write);
  s.turn();
  BOOST_TEST(write.told.ec == asio::error::operation_aborted);
  BOOST_TEST(write.told.bytes == 0U);
}

// Its node would be gone before its callable returns.
BOOST_AUTO_TEST_CASE(write_whose_session_fails_while_it_is_located_ends_behind_that) {
  for (bool const by_its_peer : {true, false}) {
    played_session s;
    s.negotiate();
    played_write first("first"), write("moves", true);
    played_read read(10);
    s.start(first);
    s.start(write);
    s.start(read);
    s.asked.flush = false;
    s.session.flushed({}, s.session.engine().ring().readable().size());
    struct : detail::memory_account::waiter {
      void resume() override {}
    } nobody;
    auto const wanted = s.session.turn(nobody);
    BOOST_REQUIRE(wanted.locate == &write);
    if (by_its_peer) {
      BOOST_REQUIRE(s.asked.fill);
      s.fill_with(std::string("\x17\x03\x03\0\x20", 5) + std::string(32, 'n'));
      s.run();  // the alert leaves
    } else {
      s.session.engine().refuse(errc::peer_limit_exceeded, "for this test");
      s.turn();
    }
    BOOST_TEST(!write.told.done);
    BOOST_TEST(write.state() == verb_state::queued);
    s.session.located(write);
    s.turn();
    s.run();
    BOOST_TEST(write.told.done);
    BOOST_TEST(write.told.ec.failed());
    BOOST_TEST(write.told.bytes == 0U);
    BOOST_TEST(read.told.ec == write.told.ec);
  }
}

// What comes of a callback of OpenSSL's: nobody wants the fill that the read has just asked for.
BOOST_AUTO_TEST_CASE(read_that_a_callback_cancels_begins_no_fill) {
  played_session s;
  s.negotiate();
  static played_session* of_test = nullptr;
  static played_read* to_cancel = nullptr;
  SSL* const ssl = s.session.engine().native_handle();
  SSL_CTX_set_session_cache_mode(SSL_get_SSL_CTX(ssl), SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(SSL_get_SSL_CTX(ssl), [](SSL*, SSL_SESSION*) {
    of_test->session.cancel(*to_cancel, false, detail::operation_aborted());
    return 0;
  });
  played_write write("on its way");
  played_read read(10);
  of_test = &s;
  to_cancel = &read;
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
