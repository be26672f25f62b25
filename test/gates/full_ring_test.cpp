// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A session whose ring is full: what OpenSSL has begun and can't finish, and who waits for room.
#include <boost/asio/error.hpp>

#include <memory>
#include <string>
#include <vector>

#include "played_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(gates)

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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
