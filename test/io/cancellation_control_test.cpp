// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a cancelled handshake, close_write or shutdown leaves behind, and what becomes of all verbs
// when the next layer is cancelled: the ring is kept, and the next verb goes on.
#include <tls_async/tls_async.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

#include "cancellable.hpp"

namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;
using namespace tls_async::test;
using tls_async::as_client;
using tls_async::as_server;

}  // namespace

BOOST_AUTO_TEST_SUITE(cancelled_control_verb)

BOOST_DATA_TEST_CASE(handshake_is_finished_by_a_second_one, effective* data::make({true, false}),
                     type, is_client) {
  narrow_session c(false);
  auto const shake = [](memory_tls& s, bool client, cancellable& v) {
    if (client) {
      tls_handshake(s, as_client{"localhost"}, v.token());
    } else {
      tls_handshake(s, as_server{}, v.token());
    }
  };
  memory_tls& side = is_client ? c.client : c.server;
  memory_tls& peer = is_client ? c.server : c.client;
  cancellable cancelled, second, other;
  peer.next_layer().deliver(is_client ? 200 : 100);  // not all of what this side waits for
  shake(side, is_client, cancelled);
  shake(peer, !is_client, other);
  c.settle();
  BOOST_TEST(!cancelled.done);
  c.cancel(cancelled, cancellation_type::total);
  BOOST_TEST(!cancelled.done);
  c.cancel(cancelled, type);
  BOOST_TEST(cancelled.ended_with(operation_aborted));
  peer.next_layer().outgoing().held = false;
  peer.next_layer().settle();
  shake(side, is_client, second);
  c.settle();
  BOOST_TEST((second.ended_with({}) && other.ended_with({})));
  c.write(message(1, 50'000));
}

BOOST_DATA_TEST_CASE(shutdown_is_finished_by_a_second_one, effective, type) {
  narrow_session c;
  cancellable cancelled, second, peers;
  tls_shutdown(c.client, cancelled.token());
  c.settle();
  c.cancel(cancelled, cancellation_type::total);
  BOOST_TEST(!cancelled.done);
  c.cancel(cancelled, type);
  BOOST_TEST(cancelled.ended_with(operation_aborted));
  tls_shutdown(c.client, second.token());
  tls_shutdown(c.server, peers.token());
  c.settle();
  BOOST_TEST((second.ended_with({}) && peers.ended_with({})));
}

// Nothing of it was sealed, so it is as if it had never been started.
BOOST_DATA_TEST_CASE(queued_close_is_undone, any_type* data::make({true, false}), type, both_ways) {
  narrow_session c;
  auto const first = message(1, 200'000);
  auto const last = message(2, 30'000);
  cancellable blocked, close, behind;
  tls_write(c.client, asio::buffer(first.data(), first.size()), blocked.token());
  if (both_ways) {
    tls_shutdown(c.client, close.token());
  } else {
    tls_close_write(c.client, close.token());
  }
  c.settle();
  c.cancel(close, type);
  BOOST_TEST(close.ended_with(operation_aborted));
  tls_write(c.client, asio::buffer(last.data(), last.size()), behind.token());
  BOOST_TEST((c.read_all(c.server) == std::string(first) + std::string(last)));
  BOOST_TEST((blocked.ended_with({}) && behind.ended_with({})));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(cancelled_lowest_layer)

BOOST_AUTO_TEST_CASE(every_verb_ends_and_the_ring_is_kept) {
  narrow_session c;
  auto const first = message(1, 300'000);
  auto const second = message(2, 50'000);
  std::string place(100, '\0');
  cancellable blocked, queued, parked, close;
  tls_write(c.client, asio::buffer(first.data(), first.size()), blocked.token());
  tls_write(c.client, asio::buffer(second.data(), second.size()), queued.token());
  tls_read_some(c.client, asio::buffer(place), parked.token());
  tls_close_write(c.client, close.token());
  c.settle();
  BOOST_TEST((!blocked.done && !queued.done && !parked.done && !close.done));

  c.client.lowest_layer().cancel();
  BOOST_TEST((!blocked.done && !queued.done && !parked.done && !close.done));
  c.settle();
  BOOST_TEST(blocked.ended_with(operation_aborted));
  BOOST_TEST(queued.ended_with(operation_aborted));
  BOOST_TEST(parked.ended_with(operation_aborted));
  BOOST_TEST(close.ended_with(operation_aborted));
  BOOST_TEST(blocked.bytes > 0u);
  BOOST_TEST(queued.bytes == 0u);
  // Nothing is under way until a cancellable asks for it again: run() can return.
  BOOST_TEST(!c.client_end().is_writing());
  BOOST_TEST(!c.client_end().is_reading());
  BOOST_TEST(c.has_no_work());

  cancellable next;
  tls_write(c.client, asio::buffer(second.data(), second.size()), next.token());
  BOOST_TEST(
      (c.read_all(c.server) == std::string(first.substr(0, blocked.bytes)) + std::string(second)));
  BOOST_TEST(next.ended_with({}));
}

BOOST_AUTO_TEST_CASE(a_read_also_resumes_the_flush) {
  narrow_session c;
  auto const plaintext = message(1, 300'000);
  cancellable blocked, parked;
  tls_write(c.client, asio::buffer(plaintext.data(), plaintext.size()), blocked.token());
  c.settle();
  c.client.lowest_layer().cancel();
  c.settle();
  std::string place(100, '\0');
  tls_read_some(c.client, asio::buffer(place), parked.token());
  BOOST_TEST((c.read_all(c.server) == plaintext.substr(0, blocked.bytes)));
  c.cancel(parked, cancellation_type::terminal);
}

BOOST_DATA_TEST_CASE(handshake_goes_on_with_the_next, data::make({true, false}), is_client) {
  narrow_session c(false);
  c.client_end().deliver(100);
  c.server_end().deliver(100);
  cancellable client, server, again;
  tls_handshake(c.client, as_client{"localhost"}, client.token());
  tls_handshake(c.server, as_server{}, server.token());
  c.settle();
  (is_client ? c.client : c.server).lowest_layer().cancel();
  c.settle();
  BOOST_TEST((is_client ? client : server).ended_with(operation_aborted));
  for (auto* const s : {&c.client, &c.server}) {
    s->next_layer().outgoing().held = false;
    s->next_layer().settle();
  }
  if (is_client) {
    tls_handshake(c.client, as_client{"localhost"}, again.token());
  } else {
    tls_handshake(c.server, as_server{}, again.token());
  }
  c.settle();
  BOOST_TEST(again.ended_with({}));
  BOOST_TEST((is_client ? server : client).ended_with({}));
  c.write(message(1, 50'000));
}

BOOST_AUTO_TEST_CASE(shutdown_goes_on_with_the_next) {
  narrow_session c;
  cancellable cancelled, second, peers;
  tls_shutdown(c.client, cancelled.token());
  c.settle();
  c.client.lowest_layer().cancel();
  c.settle();
  BOOST_TEST(cancelled.ended_with(operation_aborted));
  tls_shutdown(c.client, second.token());
  tls_shutdown(c.server, peers.token());
  c.settle();
  BOOST_TEST((second.ended_with({}) && peers.ended_with({})));
}

BOOST_AUTO_TEST_SUITE_END()

// What tls_try_write has accepted must leave, or a later verb must say that it does not.
BOOST_AUTO_TEST_SUITE(kept_write)

BOOST_AUTO_TEST_CASE(outlives_a_cancelled_lowest_layer) {
  narrow_session c;
  auto const first = message(1, 300'000);
  auto const kept = message(2, 20'000);
  auto const last = message(3, 100);
  cancellable blocked, next;
  tls_write(c.client, asio::buffer(first.data(), first.size()), blocked.token());
  BOOST_TEST(!tls_try_write(c.client, asio::buffer(kept.data(), kept.size())));
  c.settle();
  c.client.lowest_layer().cancel();
  c.settle();
  BOOST_TEST(blocked.ended_with(operation_aborted));
  tls_write(c.client, asio::buffer(last.data(), last.size()), next.token());
  BOOST_TEST((c.read_all(c.server) ==
              std::string(first.substr(0, blocked.bytes)) + std::string(kept) + std::string(last)));
  BOOST_TEST(next.ended_with({}));
}

BOOST_AUTO_TEST_CASE(outlives_the_stall_deadline) {
  narrow_session c;
  auto const first = message(1, 300'000);
  auto const kept = message(2, 20'000);
  cancellable blocked;
  tls_write(c.client, asio::buffer(first.data(), first.size()), blocked.token());
  BOOST_TEST(!tls_try_write(c.client, asio::buffer(kept.data(), kept.size())));
  c.settle();
  c.pass(31s);
  BOOST_TEST(blocked.ended_with(asio::error::timed_out));
  BOOST_TEST(
      (c.read_all(c.server) == std::string(first.substr(0, blocked.bytes)) + std::string(kept)));
}

BOOST_AUTO_TEST_CASE(is_refused_behind_a_close_that_waits) {
  narrow_session c;
  auto const first = message(1, 300'000);
  cancellable blocked, close;
  tls_write(c.client, asio::buffer(first.data(), first.size()), blocked.token());
  tls_close_write(c.client, close.token());
  c.settle();
  BOOST_TEST(tls_try_write(c.client, asio::buffer("x", 1)) == tls_async::errc::closed_for_writing);
  c.cancel(close, cancellation_type::total);
  BOOST_TEST(close.ended_with(operation_aborted));
  BOOST_TEST(!tls_try_write(c.client, asio::buffer("x", 1)));
  BOOST_TEST((c.read_all(c.server) == std::string(first) + "x"));
}

BOOST_AUTO_TEST_SUITE_END()

// The stall deadline counts from the start of a verb at the earliest.
BOOST_AUTO_TEST_SUITE(stalled_flush)

BOOST_AUTO_TEST_CASE(leaves_a_later_write_its_time) {
  narrow_session c;
  auto const first = message(1, 300'000);
  cancellable blocked, later;
  tls_write(c.client, asio::buffer(first.data(), first.size()), 1h, blocked.token());
  c.settle();
  c.pass(100s);
  tls_write(c.client, asio::buffer("x", 1), later.token());
  c.pass(29s);
  BOOST_TEST(!later.done);
  c.pass(1s);
  BOOST_TEST(later.ended_with(asio::error::timed_out));
  c.cancel(blocked, cancellation_type::terminal);
}

BOOST_AUTO_TEST_CASE(leaves_a_later_key_update_its_time) {
  narrow_session c;
  BOOST_TEST(c.read_all(c.client).empty());  // tickets
  c.pass(100s);
  c.client_end().outgoing().capacity = 0;
  cancellable update;
  tls_key_update(c.client, tls_async::new_keys::ours, update.token());
  c.pass(29s);
  BOOST_TEST(!update.done);
  c.pass(1s);
  BOOST_TEST(update.ended_with(asio::error::timed_out));
}

BOOST_AUTO_TEST_SUITE_END()
