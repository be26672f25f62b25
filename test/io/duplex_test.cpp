// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Both directions at once: a parked read beside writes, many writers, and a peer that makes us
// answer without ever reading.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "memory_session.hpp"
#include "pattern.hpp"
#include "raw_peer.hpp"
#include "support/engine_of.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

constexpr std::size_t link_capacity = 4'096;
constexpr std::size_t volume = 64 << 20;

void hold_little(memory_session& s) {
  s.client_end().outgoing().capacity = s.server_end().outgoing().capacity = link_capacity;
}

BOOST_AUTO_TEST_SUITE(duplex)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W1"))
BOOST_AUTO_TEST_CASE(write_of_64_MiB_passes_a_read_that_is_parked_for_ever) {
  connected_session s;
  hold_little(s);
  ending parked, written;
  char place = 0;
  tls_read_some(s.client, asio::buffer(&place, 1), parked.token());
  pattern_reader received;
  received.start(s.server);
  tls_write(s.client, many_patterns(volume), written.token());
  s.settle();
  BOOST_TEST(written.done);
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(written.bytes == volume);
  BOOST_TEST(received.bytes == volume);
  BOOST_TEST(!received.differs);
  BOOST_TEST(!parked.done);
  // And it is still there.
  ending back;
  tls_write(s.server, asio::buffer("x", 1), back.token());
  s.settle();
  BOOST_TEST(parked.done);
  BOOST_TEST(place == 'x');
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W1"))
BOOST_AUTO_TEST_CASE(writes_of_64_MiB_on_both_sides_at_once_complete_beside_their_reads) {
  connected_session s;
  hold_little(s);
  pattern_reader by_client, by_server;
  by_client.start(s.client);
  by_server.start(s.server);
  ending of_client, of_server;
  tls_write(s.client, many_patterns(volume), of_client.token());
  tls_write(s.server, many_patterns(volume), of_server.token());
  s.settle();
  for (auto const* written : {&of_client, &of_server}) {
    BOOST_TEST(written->done);
    BOOST_TEST(written->ec == error_code());
    BOOST_TEST(written->bytes == volume);
  }
  for (auto const* received : {&by_client, &by_server}) {
    BOOST_TEST(received->bytes == volume);
    BOOST_TEST(!received->differs);
    BOOST_TEST(received->end == error_code());
  }
}

// One of many writers: its messages, each with a header that tells who, which, and how long.
struct header {
  std::uint32_t writer, number, size;
};

std::string message_of(header const& h) {
  std::string text(sizeof h + h.size, '\0');
  std::memcpy(text.data(), &h, sizeof h);
  auto const body = numbered_plaintext(h.size, h.writer * 7'919 + h.number);
  text.replace(sizeof h, h.size, body);
  return text;
}

BOOST_AUTO_TEST_CASE(messages_of_64_writers_arrive_whole_and_in_the_order_they_were_started) {
  std::random_device entropy;
  auto const* const given = std::getenv("TLS_ASYNC_TEST_SEED");
  unsigned const seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : entropy();
  BOOST_TEST_MESSAGE("TLS_ASYNC_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  BOOST_TEST_CONTEXT("TLS_ASYNC_TEST_SEED=" << seed) {
    constexpr std::uint32_t writers = 64;
    constexpr std::uint32_t messages = 10;
    connected_session s;
    auto& pipe = s.client_end().outgoing();
    pipe.capacity = 1 + random() % 40'000;
    pipe.largest_transfer = 1 + random() % 20'000;

    std::string expected;
    std::vector<std::uint32_t> completed;
    std::function<void(std::uint32_t, std::uint32_t)> write = [&](std::uint32_t writer,
                                                                  std::uint32_t number) {
      // Mostly small, sometimes several records.
      auto const size = static_cast<std::uint32_t>(random() % (random() % 8 != 0 ? 300 : 50'000));
      auto const text = std::make_shared<std::string>(message_of({writer, number, size}));
      expected += *text;
      tls_write(s.client, asio::buffer(*text),
                [&, text, writer, number](error_code ec, std::size_t n) {
                  BOOST_TEST(ec == error_code());
                  BOOST_TEST(n == text->size());
                  completed.push_back(writer);
                  if (number + 1 != messages) write(writer, number + 1);
                });
    };
    sink received;
    keep_reading(s.server, received);
    for (std::uint32_t writer = 0; writer != writers; ++writer)
      write(writer, 0);
    s.settle();
    BOOST_TEST(completed.size() == writers * messages);
    BOOST_TEST(received.plaintext.size() == expected.size());
    BOOST_TEST((received.plaintext == expected));
  }
}

BOOST_AUTO_TEST_CASE(write_started_while_another_is_blocked_leaves_behind_it) {
  connected_session s;
  s.client_end().outgoing().capacity = 1'000;
  ending first, second;
  auto const long_message = numbered_plaintext(200'000);
  tls_write(s.client, asio::buffer(long_message), first.token());
  s.settle();
  tls_write(s.client, asio::buffer("and this", 8), second.token());
  s.settle();
  BOOST_TEST(!first.done);
  BOOST_TEST(!second.done);
  sink received;
  keep_reading(s.server, received);
  s.settle();
  BOOST_TEST(first.bytes == long_message.size());
  BOOST_TEST(second.bytes == 8U);
  BOOST_TEST((received.plaintext == long_message + "and this"));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W9"))
BOOST_AUTO_TEST_CASE(write_completes_only_when_its_own_last_byte_was_accepted) {
  connected_session s;
  s.client_end().outgoing().capacity = 0;
  ending first, second;
  std::string const message(100, 'm');
  tls_write(s.client, asio::buffer(message), first.token());
  tls_write(s.client, asio::buffer(message), second.token());
  s.settle();
  BOOST_TEST(!first.done);
  s.client_end().outgoing().capacity = 121;
  s.client_end().settle();
  s.settle();
  BOOST_TEST(!first.done);
  s.client_end().outgoing().capacity = 122;
  s.client_end().settle();
  s.settle();
  BOOST_TEST(first.done);
  BOOST_TEST(!second.done);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W9"))
BOOST_AUTO_TEST_CASE(W9_nothing_stays_in_the_ring_when_a_write_completes) {
  connected_session s;
  s.client_end().outgoing().capacity = 700;
  sink received;
  keep_reading(s.server, received);
  std::size_t total = 0;
  for (std::size_t const size : {1U, 16'384U, 16'385U, 300'000U}) {
    auto const message = numbered_plaintext(size);
    bool is_done = false;
    tls_write(s.client, asio::buffer(message), [&](error_code ec, std::size_t n) {
      is_done = true;
      total += n;
      BOOST_TEST(ec == error_code());
      BOOST_TEST(engine_of(s.client).ring().output_bytes() == 0U);
      BOOST_TEST(s.client.stats().ciphertext_flushed == s.client_end().written().size());
    });
    s.settle();
    BOOST_TEST(is_done);
    BOOST_TEST(received.plaintext.size() == total);
    BOOST_TEST(engine_of(s.server).ring().input_bytes() == 0U);
  }
}

void flood_with_key_updates(rude_session& s, std::size_t most) {
  for (std::size_t sent = 0; sent != most; ++sent) {
    BOOST_REQUIRE_EQUAL(SSL_key_update(s.peer.tls().ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    BOOST_REQUIRE(s.peer.tls().handshake());
    if (!s.peer.send()) return;
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W8"))
BOOST_DATA_TEST_CASE(peer_that_floods_with_key_updates_and_never_reads_gets_a_bounded_answer,
                     data::make({true, false}), peer_is_client) {
  rude_session s(peer_is_client ? role::client : role::server, patient_options());
  s.handshake();
  auto& ours = s.stream.next_layer();
  ours.outgoing().capacity = s.peer.link().outgoing().capacity = link_capacity;
  sink received;
  keep_reading(s.stream, received);
  settle(s.io);
  auto const reads = ours.reads();
  auto const writes = ours.writes();

  flood_with_key_updates(s, 20'000);
  // The link is full in both directions, and so is the ring; more was not taken.
  BOOST_TEST(!s.peer.send());
  BOOST_TEST(ours.is_writing());
  auto const ring = stream_options().ring_records * record_room;
  auto const bytes_taken = s.peer.link().written().size();
  BOOST_TEST(bytes_taken < 3 * (ring + link_capacity));
  // A next-layer operation was for bytes that moved, not for looking again.
  BOOST_TEST(ours.reads() - reads < 10'000U);
  BOOST_TEST(ours.writes() - writes < link_capacity / 27 + 10);
  // It sleeps.
  BOOST_TEST(settle(s.io) == 0U);
  BOOST_TEST(!received.ended);

  // It reads after all: everything goes on.
  ending written;
  tls_write(s.stream, asio::buffer("our answer", 10), written.token());
  settle(s.io);
  BOOST_TEST(!written.done);
  for (int round = 0; round != 1'000 && (!s.peer.send() || !written.done); ++round)
    s.peer.receive();
  BOOST_TEST(written.done);
  s.peer.receive();
  BOOST_TEST(s.peer.plaintext() == "our answer");
  BOOST_REQUIRE(s.peer.tls().write("their message"));
  BOOST_TEST(s.peer.send());
  BOOST_TEST(received.plaintext == "their message");
}

BOOST_AUTO_TEST_CASE(peer_that_floods_with_key_updates_is_cut_off_by_default) {
  rude_session s(role::client);
  s.handshake();
  sink received;
  keep_reading(s.stream, received);
  flood_with_key_updates(s, 1'000);
  BOOST_TEST(received.ended);
  BOOST_TEST(received.end == errc::peer_limit_exceeded);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
