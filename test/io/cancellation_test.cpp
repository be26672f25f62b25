// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a cancelled write or read leaves behind: what was sealed is delivered, what was queued is
// undone, what came is kept, and the next one goes on.
#include <tls_async/tls_async.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cancellable.hpp"

namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;
using namespace tls_async::test;

constexpr std::size_t record = 16'384;
constexpr std::size_t sixteen_mib = 16 * largest_message;

std::string long_message(std::size_t first_id, std::size_t size) {
  std::string plaintext;
  while (plaintext.size() != size)
    plaintext += message(first_id++, size - plaintext.size());
  return plaintext;
}

// A next layer whose reads leave their slot when they are cancelled, and end later.
class clearing_stream {
public:
  using executor_type = memory_stream::executor_type;

  explicit(false) clearing_stream(memory_stream&& below) : below_(std::move(below)) {}
  executor_type get_executor() { return below_.get_executor(); }
  void async_write_some(asio::const_buffer bytes, auto handler) {
    below_.async_write_some(bytes, std::move(handler));
  }
  void async_read_some(asio::mutable_buffer place, auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    below_.async_read_some(
        place, asio::bind_cancellation_slot(
                   signal_.slot(),
                   [handler = std::move(handler)](tls_async::error_code ec, std::size_t n) mutable {
                     handler(ec, n);
                   }));
    if (!slot.is_connected()) return;
    slot.assign([this, slot](cancellation_type type) {
      auto mine = slot;
      signal_.emit(type);
      mine.clear();
    });
  }

private:
  memory_stream below_;
  asio::cancellation_signal signal_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(cancelled_write)

// The incumbent sends the old bytes here, or fails (a retry that is shorter, as long, or longer).
BOOST_TEST_DECORATOR(*boost::unit_test::label("W12"))
BOOST_DATA_TEST_CASE(blocked_write_is_followed_by_the_right_bytes,
                     effective* data::make({std::size_t{100}, record - 1, record, record + 1,
                                            sixteen_mib, sixteen_mib + 1}),
                     type, next_size) {
  narrow_session c;
  std::string const old_bytes = long_message(0, sixteen_mib);
  std::string const new_bytes = long_message(100, next_size);
  cancellable blocked, next;
  tls_write(c.client, asio::buffer(old_bytes), blocked.token());
  c.settle();
  BOOST_TEST(!blocked.done);
  c.cancel(blocked, type);
  BOOST_TEST(blocked.ended_with(operation_aborted));
  BOOST_TEST(blocked.bytes > 0u);
  BOOST_TEST(blocked.bytes < old_bytes.size());
  BOOST_TEST(blocked.bytes % record == 0u);

  tls_write(c.client, asio::buffer(new_bytes), next.token());
  c.settle();
  std::string const got = c.read_all(c.server);
  BOOST_TEST(next.ended_with({}));
  BOOST_TEST(next.bytes == new_bytes.size());
  BOOST_TEST((got == old_bytes.substr(0, blocked.bytes) + new_bytes));
}

BOOST_DATA_TEST_CASE(sealed_bytes_are_delivered_without_a_further_verb, effective, type) {
  narrow_session c;
  auto const plaintext = message(1, 300'000);
  cancellable blocked;
  tls_write(c.client, asio::buffer(plaintext.data(), plaintext.size()), blocked.token());
  c.settle();
  c.cancel(blocked, type);
  BOOST_TEST(blocked.ended_with(operation_aborted));
  BOOST_TEST((c.read_all(c.server) == plaintext.substr(0, blocked.bytes)));
}

BOOST_AUTO_TEST_CASE(total_does_not_act_on_a_write_that_is_under_way) {
  narrow_session c;
  auto const plaintext = message(1, 300'000);
  cancellable blocked;
  tls_write(c.client, asio::buffer(plaintext.data(), plaintext.size()), blocked.token());
  c.settle();
  c.cancel(blocked, cancellation_type::total);
  BOOST_TEST(!blocked.done);
  BOOST_TEST((c.read_all(c.server) == plaintext));
  BOOST_TEST(blocked.ended_with({}));
}

// All of it is sealed, and only its last ciphertext has not left yet.
BOOST_DATA_TEST_CASE(sealed_write_reports_all_its_bytes, effective, type) {
  narrow_session c;
  auto const plaintext = message(1, 40'000);
  cancellable blocked;
  tls_write(c.client, asio::buffer(plaintext.data(), plaintext.size()), blocked.token());
  c.settle();
  BOOST_TEST(!blocked.done);
  c.cancel(blocked, type);
  BOOST_TEST(blocked.ended_with(operation_aborted));
  BOOST_TEST(blocked.bytes == plaintext.size());
  BOOST_TEST((c.read_all(c.server) == plaintext));
  c.write(message(3, 50'000));
}

BOOST_DATA_TEST_CASE(queued_write_is_undone_whole, any_type, type) {
  narrow_session c;
  auto const first = message(1, 200'000);
  auto const undone = message(2, 30'000);
  auto const last = message(3, 20'000);
  cancellable blocked, queued, behind;
  tls_write(c.client, asio::buffer(first.data(), first.size()), blocked.token());
  tls_write(c.client, asio::buffer(undone.data(), undone.size()), queued.token());
  tls_write(c.client, asio::buffer(last.data(), last.size()), behind.token());
  c.settle();
  c.cancel(queued, type);
  BOOST_TEST(queued.ended_with(operation_aborted));
  BOOST_TEST(queued.bytes == 0u);
  BOOST_TEST((!blocked.done && !behind.done));
  BOOST_TEST((c.read_all(c.server) == std::string(first) + std::string(last)));
  BOOST_TEST((blocked.ended_with({}) && behind.ended_with({})));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(cancelled_read)

BOOST_DATA_TEST_CASE(parked_read_has_consumed_nothing, any_type, type) {
  narrow_session c;
  std::vector<char> place(100);
  cancellable parked;
  tls_read_some(c.server, asio::buffer(place), parked.token());
  c.settle();
  c.cancel(parked, type);
  BOOST_TEST(parked.ended_with(operation_aborted));
  BOOST_TEST(parked.bytes == 0u);
  c.write(message(1, 50'000));
}

// The record is cut at each of some offsets, header and tag included.
BOOST_DATA_TEST_CASE(half_a_record_is_kept_for_the_next_read,
                     any_type* data::make({std::size_t{1}, std::size_t{4}, std::size_t{5},
                                           std::size_t{6}, std::size_t{500}, std::size_t{1'021}}),
                     type, cut) {
  narrow_session c;
  BOOST_TEST(c.read_all(c.client).empty());  // tickets
  auto const plaintext = message(1, 1'000);
  cancellable written, parked, next;
  std::string place(2'000, '\0');
  c.client_end().deliver(0);
  tls_write(c.client, asio::buffer(plaintext.data(), plaintext.size()), written.token());
  tls_read_some(c.server, asio::buffer(place), parked.token());
  c.client_end().deliver(cut);
  c.settle();
  BOOST_TEST(!parked.done);
  c.cancel(parked, type);
  BOOST_TEST(parked.ended_with(operation_aborted));
  tls_read_some(c.server, asio::buffer(place), next.token());
  c.settle();
  BOOST_TEST(!next.done);
  c.client_end().deliver(1'022 - cut);
  c.settle();
  BOOST_TEST(next.ended_with({}));
  BOOST_TEST((place.substr(0, next.bytes) == plaintext));
}

// The second was told to let its fill go by what was meant for the first, and then again.
BOOST_AUTO_TEST_CASE(cancelled_read_does_not_end_the_one_behind_it) {
  asio::io_context io;
  auto link = memory_stream::make(io.get_executor());
  tls_async::stream<clearing_stream, virtual_clock> client(std::move(link.first),
                                                           trusting_client());
  memory_tls server(std::move(link.second), known_server());
  ending of_client, of_server;
  tls_handshake(client, tls_async::as_client{"localhost"}, of_client.token());
  tls_handshake(server, tls_async::as_server{}, of_server.token());
  settle(io);
  BOOST_REQUIRE(of_client.done && !of_client.ec);
  std::array<char, 8> place;
  asio::cancellation_signal of_first, of_third;
  int ended = 0;
  ending fourth;
  auto const read = [&](auto token) {
    tls_read_some(client, asio::buffer(place), std::move(token));
  };
  auto const third = [&](tls_async::error_code ec, std::size_t) {
    BOOST_TEST((ec == operation_aborted));
    ++ended;
    read(fourth.token());
  };
  auto const second = [&](tls_async::error_code ec, std::size_t) {
    BOOST_TEST(!ec);
    ++ended;
    read(asio::bind_cancellation_slot(of_third.slot(), third));
    of_third.emit(cancellation_type::terminal);
  };
  auto const first = [&](tls_async::error_code ec, std::size_t) {
    BOOST_TEST((ec == operation_aborted));
    ++ended;
    read(second);
  };
  read(asio::bind_cancellation_slot(of_first.slot(), first));
  settle(io);
  ending written, last;
  tls_write(server, asio::buffer("x", 1), written.token());
  of_first.emit(cancellation_type::terminal);  // its fill has ended, and nobody knows yet
  settle(io);
  BOOST_TEST(ended == 3);
  BOOST_TEST(!fourth.done);
  tls_write(server, asio::buffer("y", 1), last.token());
  settle(io);
  BOOST_TEST(fourth.done);
  BOOST_TEST(!fourth.ec, fourth.ec.message());
}

BOOST_AUTO_TEST_CASE(read_that_loses_a_race_loses_no_byte) {
  using namespace asio::experimental::awaitable_operators;
  narrow_session c;
  auto const plaintext = message(1, 100'000);
  std::string got;
  int lost_races = 0;
  // Lets a part of a record through, and is done before the read has seen it.
  auto const trickle = [&]() -> asio::awaitable<void> {
    co_await asio::post(asio::use_awaitable);
    c.client_end().deliver(700);
  };
  auto const reads = [&]() -> asio::awaitable<void> {
    std::vector<char> place(10'000);
    while (got.size() < plaintext.size()) {
      auto const result = co_await (
          tls_read_some(c.server, asio::buffer(place), asio::as_tuple(asio::use_awaitable)) ||
          trickle());
      if (auto const* const read = std::get_if<0>(&result)) {
        BOOST_TEST_REQUIRE(!std::get<0>(*read));
        got.append(place.data(), std::get<1>(*read));
      } else {
        ++lost_races;
      }
    }
  };
  cancellable written;
  c.client_end().deliver(0);
  asio::co_spawn(c.io, reads(), asio::detached);
  tls_write(c.client, asio::buffer(plaintext.data(), plaintext.size()), written.token());
  c.settle();
  BOOST_TEST((got == plaintext));
  BOOST_TEST(lost_races > 100);
  BOOST_TEST(written.ended_with({}));
}

BOOST_AUTO_TEST_SUITE_END()
