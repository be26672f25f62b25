// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The contracts of a stream where OpenSSL writes to the socket itself, and reads from it, as it
// does for kernel TLS. Here without the kernel's part, which test/ktls has. The socket's buffer is
// small, so records are blocked in their middle all the time.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <deque>
#include <memory>
#include <optional>
#include <random>

#include "memory_session.hpp"
#include "pattern.hpp"
#include "socket_loop.hpp"
#include "support/engine_of.hpp"
#include "support/on_descriptor.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;
using asio::ip::tcp;
using local = asio::local::stream_protocol;

stream_options with(ktls way) {
  stream_options options;
  options.ktls = way;
  return options;
}

// The server is on the descriptor, the client on the ring.
struct descriptor_session : socket_loop {
  using tls = stream<local::socket>;

  explicit descriptor_session(ktls way, bool stays = true, context& clients = trusting_client()) {
    asio::local::connect_pair(near, far);
    near.set_option(asio::socket_base::send_buffer_size(1));  // the kernel's least
    client.emplace(std::move(far), clients);
    server.emplace(std::move(near), known_server(), with(way));
    if (stays) stay_on_descriptor(engine_of(*server));
    shake_hands(*client, *server);
    BOOST_REQUIRE_EQUAL(engine_of(*server).path().sends_directly(), stays);
  }
  local::socket near{io}, far{io};
  std::optional<tls> client, server;
};

auto const both_ways = data::make({ktls::tx, ktls::tx_rx});

BOOST_AUTO_TEST_SUITE(descriptor)

BOOST_DATA_TEST_CASE(carries_all_both_ways_at_once, both_ways, way) {
  descriptor_session s(way);
  sink at_client, at_server;
  keep_reading(*s.client, at_client);
  keep_reading(*s.server, at_server);
  std::string sent;
  for (std::size_t const size : {1U, 16'383U, 16'384U, 16'385U, 1'000'000U}) {
    auto const message = numbered_plaintext(size);
    sent += message;
    ending by_client, by_server;
    tls_write(*s.client, asio::buffer(message), by_client.token());
    tls_write(*s.server, asio::buffer(message), by_server.token());
    s.run_until([&] {
      return at_client.plaintext.size() == sent.size() &&
             at_server.plaintext.size() == sent.size() && by_server.done;
    });
  }
  BOOST_TEST((at_client.plaintext == sent));
  BOOST_TEST((at_server.plaintext == sent));
  ending closed, shut;
  tls_shutdown(*s.server, shut.token());
  s.run_until([&] { return at_client.ended; });
  BOOST_TEST(at_client.end == asio::error::eof);
  tls_close_write(*s.client, closed.token());
  s.run_until([&] { return shut.done; });
  BOOST_TEST(shut.ec == error_code());
}

// Behind the second OpenSSL would answer the first within the record (bad length).
BOOST_DATA_TEST_CASE(key_updates_that_come_beside_a_record_leave_it_whole,
                     both_ways* data::xrange(1, 4), way, requests) {
  descriptor_session s(way);
  auto const text = numbered_plaintext(200'000);
  ending write, other;
  sink at_server, at_client;
  tls_write(*s.server, asio::buffer(text), write.token());
  settle(s.io);
  BOOST_TEST(engine_of(*s.server).record_pending());
  for (int i = 0; i != requests; ++i) {
    ending key_update;
    tls_key_update(*s.client, new_keys::both, key_update.token());
    s.run_until([&] { return key_update.done; });
  }
  tls_write(*s.client, asio::buffer("z", 1), other.token());
  settle(s.io);
  keep_reading(*s.server, at_server);
  settle(s.io);
  keep_reading(*s.client, at_client);
  s.run_until([&] {
    return at_server.ended || (write.done && at_client.plaintext.size() == text.size() &&
                               at_server.plaintext.size() == 1);
  });
  BOOST_TEST(write.ec == error_code());
  BOOST_TEST((at_client.plaintext == text));
  BOOST_TEST(at_server.plaintext == "z");
}

BOOST_DATA_TEST_CASE(cancelled_write_stops_between_records_and_the_next_goes_on, both_ways, way) {
  descriptor_session s(way);
  auto const first = numbered_plaintext(200'000);
  ending cancelled, after;
  asio::cancellation_signal cancel;
  tls_write(*s.server, asio::buffer(first),
            asio::bind_cancellation_slot(cancel.slot(), cancelled.token()));
  settle(s.io);
  BOOST_TEST(!cancelled.done);
  BOOST_TEST(engine_of(*s.server).record_pending());
  cancel.emit(asio::cancellation_type::partial);
  settle(s.io);
  BOOST_TEST(cancelled.ec == asio::error::operation_aborted);
  BOOST_TEST(cancelled.bytes % 16'384 == 0U);
  BOOST_TEST(cancelled.bytes > 0U);
  sink received;
  tls_write(*s.server, asio::buffer("and on", 6), after.token());
  keep_reading(*s.client, received);
  s.run_until([&] { return after.done && received.plaintext.size() == cancelled.bytes + 6; });
  BOOST_TEST((received.plaintext == first.substr(0, cancelled.bytes) + "and on"));
}

BOOST_DATA_TEST_CASE(last_write_is_followed_by_close_notify_however_often_it_is_blocked, both_ways,
                     way) {
  for (std::size_t const size : {10U, 300'000U}) {
    descriptor_session s(way);
    auto const message = numbered_plaintext(size);
    ending written, late;
    tls_write_last(*s.server, asio::buffer(message), written.token());
    tls_write(*s.server, asio::buffer("late", 4), late.token());
    settle(s.io);
    sink received;
    keep_reading(*s.client, received);
    s.run_until([&] { return received.ended && late.done; });
    BOOST_TEST(written.ec == error_code());
    BOOST_TEST(written.bytes == size);
    BOOST_TEST(late.ec == errc::closed_for_writing);
    BOOST_TEST((received.plaintext == message));
    BOOST_TEST(received.end == asio::error::eof);
  }
}

BOOST_DATA_TEST_CASE(buffer_may_move_while_its_record_is_blocked, both_ways, way) {
  descriptor_session s(way);
  auto const message = numbered_plaintext(300'000);
  auto place = std::make_unique<std::string>(message);
  auto const relocate = [&place] {
    auto next = std::make_unique<std::string>(*place);
    std::fill(place->begin(), place->end(), '!');
    place = std::move(next);
    return asio::buffer(std::as_const(*place));
  };
  ending written;
  sink received;
  tls_write(*s.server, relocate, written.token());
  settle(s.io);
  keep_reading(*s.client, received);
  s.run_until([&] { return written.done && received.plaintext.size() == message.size(); });
  BOOST_TEST((received.plaintext == message));
}

// What is asked for its plaintext before each record, on a descriptor that always takes it, for it
// drains that itself: others come to their turn all the same.
BOOST_DATA_TEST_CASE(write_that_is_located_leaves_others_their_turn, both_ways, way) {
  descriptor_session s(way);
  s.server->next_layer().set_option(asio::socket_base::send_buffer_size(1 << 20));
  auto const message = numbered_plaintext(3 << 20);
  auto const drain = [&] {
    static std::array<char, 1 << 16> taken;
    int const peer = s.client->next_layer().native_handle();
    while (::recv(peer, taken.data(), taken.size(), MSG_DONTWAIT) > 0) {
    }
  };
  ending written;
  std::uint64_t seen = s.server->stats().plaintext_sealed;
  auto const is_little = [&] {
    auto const sealed = s.server->stats().plaintext_sealed;
    return sealed - std::exchange(seen, sealed) <= (1U << 20);
  };
  tls_write(
      *s.server,
      [&] {
        drain();
        return asio::buffer(message);
      },
      written.token());
  BOOST_TEST(is_little());
  for (bool has_run = false; !written.done; has_run = false) {
    asio::post(s.io, [&has_run] { has_run = true; });
    s.run_until([&] { return has_run; });
    BOOST_REQUIRE(is_little());
  }
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(written.bytes == message.size());
}

BOOST_DATA_TEST_CASE(writes_that_wait_leave_together_and_in_order, both_ways, way) {
  descriptor_session s(way);
  std::string const large = numbered_plaintext(100'000);
  ending first;
  tls_write(*s.server, asio::buffer(large), first.token());
  settle(s.io);
  std::string small;
  std::deque<ending> written(100);
  for (std::size_t i = 0; i != written.size(); ++i) {
    std::string const message = std::to_string(i) + ",";
    small += message;
    tls_write(*s.server, std::string(message), written[i].token());
  }
  auto const records = [&] { return s.server->stats().records_sealed; };
  auto const before = records();
  sink received;
  keep_reading(*s.client, received);
  s.run_until(
      [&] { return written.back().done && received.plaintext.size() == 100'000 + small.size(); });
  BOOST_TEST((received.plaintext == large + small));
  BOOST_TEST(records() - before <= 100'000U / 16'384U + 2U);
}

BOOST_DATA_TEST_CASE(read_stays_parked_while_writes_come_and_go, both_ways, way) {
  descriptor_session s(way);
  sink at_server, at_client;
  keep_reading(*s.server, at_server);
  keep_reading(*s.client, at_client);
  for (int round = 0; round != 20; ++round) {
    ending written;
    tls_write(*s.server, asio::buffer("ping", 4), written.token());
    s.run_until([&] { return written.done; });
  }
  BOOST_TEST(at_server.reads == 0U);
  ending written;
  tls_write(*s.client, asio::buffer("pong", 4), written.token());
  s.run_until([&] { return at_server.plaintext == "pong"; });
}

// Verbs at random, cancelled at random, compared with a queue of bytes.
BOOST_DATA_TEST_CASE(loses_repeats_and_reorders_no_byte, both_ways* data::xrange(1, 41), way,
                     seed) {
  descriptor_session s(way);
  std::mt19937 random(static_cast<unsigned>(seed));
  auto const pick = [&](unsigned below) { return static_cast<std::size_t>(random() % below); };
  struct write {
    std::string bytes;
    asio::cancellation_signal cancel;
    bool done = false;
    error_code ec;
    std::size_t n = 0;
  };
  for (bool const by_server : {true, false}) {
    auto& from = by_server ? *s.server : *s.client;
    auto& to = by_server ? *s.client : *s.server;
    std::deque<write> writes;
    std::string received;
    std::string place(70'000, '\0');
    asio::cancellation_signal cancel_read;
    bool reads = false;
    auto const read = [&] {
      if (std::exchange(reads, true)) return;
      tls_read_some(
          to, asio::buffer(place.data(), 1 + pick(70'000)),
          asio::bind_cancellation_slot(cancel_read.slot(), [&](error_code ec, std::size_t n) {
            reads = false;
            BOOST_TEST((!ec || n == 0));
            received.append(place.data(), n);
          }));
    };
    for (int action = 0; action != 150; ++action) {
      switch (pick(8)) {
        case 0:
        case 1: {
          auto& made = writes.emplace_back();
          made.bytes = numbered_plaintext(pick(3) == 0 ? pick(100'000) : pick(300))
                           .append(std::to_string(action));
          tls_write(from, asio::buffer(made.bytes),
                    asio::bind_cancellation_slot(made.cancel.slot(),
                                                 [&made](error_code ec, std::size_t n) {
                                                   made.done = true;
                                                   made.ec = ec;
                                                   made.n = n;
                                                 }));
          break;
        }
        case 2:
          if (!writes.empty())
            writes[pick(static_cast<unsigned>(writes.size()))].cancel.emit(
                pick(2) == 0 ? asio::cancellation_type::total : asio::cancellation_type::terminal);
          break;
        case 3:
          cancel_read.emit(asio::cancellation_type::terminal);
          break;
        case 4:
        case 5:
          read();
          break;
        default:
          s.io.restart();
          for (std::size_t steps = pick(6); steps != 0; --steps)
            s.io.poll_one();
      }
    }
    auto const all_done = [&] {
      return std::ranges::all_of(writes, [](write const& each) { return each.done; });
    };
    std::size_t expected = 0;
    s.run_until([&] {
      read();
      expected = 0;
      for (auto const& each : writes)
        expected += each.n;
      return all_done() && received.size() >= expected;
    });
    std::string sent;
    for (auto const& each : writes) {
      sent.append(each.bytes, 0, each.n);
      BOOST_TEST((each.ec == error_code() || each.ec == asio::error::operation_aborted));
      BOOST_TEST((each.ec || each.n == each.bytes.size()));
    }
    BOOST_TEST((received == sent));
    if (reads) {
      cancel_read.emit(asio::cancellation_type::terminal);
      s.run_until([&] { return !reads; });
    }
  }
}

BOOST_DATA_TEST_CASE(stall_deadline_ends_a_write_that_is_blocked, both_ways, way) {
  descriptor_session s(way);
  auto const message = numbered_plaintext(100'000);
  ending written;
  tls_write(*s.server, asio::buffer(message), 0s, written.token());
  s.run_until([&] { return written.done; });
  BOOST_TEST(written.ec == asio::error::timed_out);
}

BOOST_DATA_TEST_CASE(end_of_the_transport_is_truncation, both_ways, way) {
  descriptor_session s(way);
  sink received;
  keep_reading(*s.server, received);
  s.client->next_layer().shutdown(asio::socket_base::shutdown_send);
  s.run_until([&] { return received.ended; });
  BOOST_TEST(received.end == asio::ssl::error::stream_truncated);
}

// With SIGPIPE as it is by default the program would end.
BOOST_DATA_TEST_CASE(lost_peer_is_an_error_and_no_signal, both_ways, way) {
  auto* const before = std::signal(SIGPIPE, SIG_DFL);
  descriptor_session s(way);
  s.client.reset();
  for (int i = 0; i != 3; ++i) {
    ending written;
    tls_write(*s.server, asio::buffer("to nobody", 9), written.token());
    s.run_until([&] { return written.done; });
    BOOST_TEST(written.ec == asio::error::broken_pipe);
  }
  BOOST_TEST(!s.server->error_info().text().empty());
  ending shut;
  tls_shutdown(*s.server, shut.token());
  s.run_until([&] { return shut.done; });
  BOOST_TEST(shut.ec == asio::error::broken_pipe);
  s.server.reset();
  std::signal(SIGPIPE, before);
}

// OpenSSL then has no reason to give but that the peer has closed, which is no error to it.
BOOST_DATA_TEST_CASE(write_to_a_peer_that_has_closed_and_is_gone_is_no_success,
                     both_ways* data::make({true, false}), way, blocking) {
  descriptor_session s(way);
  ending closed, read;
  tls_close_write(*s.client, closed.token());
  std::string place(100, '\0');
  tls_read_some(*s.server, asio::buffer(place), read.token());
  s.run_until([&] { return closed.done && read.done; });
  BOOST_REQUIRE(read.ec == asio::error::eof);
  s.client->next_layer().close();
  auto const message = numbered_plaintext(1'000);
  for (int nth = 0; nth != 3; ++nth) {
    ending written;
    if (blocking) {
      written.bytes = s.server->write_some(asio::buffer(message), written.ec);
    } else {
      tls_write(*s.server, asio::buffer(message), written.token());
      s.run_until([&] { return written.done; });
    }
    BOOST_TEST(written.ec == asio::error::broken_pipe);
    BOOST_TEST(written.bytes == 0U);
  }
}

// Its last bytes are with OpenSSL, and will never leave.
BOOST_DATA_TEST_CASE(write_that_is_blocked_ends_with_the_session, both_ways, way) {
  descriptor_session s(way);
  auto const message = numbered_plaintext(16'384);
  std::deque<ending> written(4);
  for (ending& one : written)
    tls_write(*s.server, asio::buffer(message), one.token());
  settle(s.io);
  BOOST_REQUIRE(engine_of(*s.server).record_pending());
  BOOST_TEST(!written.back().done);
  engine_of(*s.server).abort(errc::peer_limit_exceeded, "a reason");
  ending read;
  std::string place(100, '\0');
  tls_read_some(*s.server, asio::buffer(place), read.token());
  settle(s.io);
  BOOST_TEST(read.done);
  for (ending const& one : written)
    BOOST_TEST(one.done);
  BOOST_TEST(written.back().ec == errc::peer_limit_exceeded);
}

BOOST_DATA_TEST_CASE(descriptor_that_was_closed_is_not_used, both_ways, way) {
  descriptor_session s(way);
  int const number = s.server->next_layer().native_handle();
  s.server->next_layer().close();
  local::socket stranger(s.io), reader(s.io);
  asio::local::connect_pair(stranger, reader);
  BOOST_REQUIRE_EQUAL(::dup2(stranger.native_handle(), number), number);
  ending written, read;
  std::string place(100, '\0');
  tls_write(*s.server, asio::buffer("not for it", 10), written.token());
  tls_read_some(*s.server, asio::buffer(place), read.token());
  s.run_until([&] { return written.done && read.done; });
  BOOST_TEST(written.ec == asio::error::bad_descriptor);
  BOOST_TEST(read.ec == asio::error::bad_descriptor);
  BOOST_TEST(reader.available() == 0U);
  ::close(number);
}

BOOST_DATA_TEST_CASE(stream_may_go_while_its_write_is_blocked, both_ways, way) {
  descriptor_session s(way);
  auto const message = numbered_plaintext(100'000);
  ending written, read;
  std::string place(100, '\0');
  tls_write(*s.server, asio::buffer(message), written.token());
  tls_read_some(*s.server, asio::buffer(place), read.token());
  settle(s.io);
  s.server.reset();
  s.run_until([&] { return written.done && read.done; });
  BOOST_TEST(written.ec == asio::error::operation_aborted);
  BOOST_TEST(read.ec == asio::error::operation_aborted);
}

BOOST_DATA_TEST_CASE(blocking_calls_wait_for_the_descriptor, both_ways, way) {
  descriptor_session s(way);
  auto const message = numbered_plaintext(300'000);
  sink received;
  keep_reading(*s.client, received);
  std::size_t sent = 0;
  s.server->next_layer().non_blocking(true);
  while (sent != message.size()) {
    error_code ec;
    sent += s.server->write_some(asio::buffer(message.data() + sent, message.size() - sent), ec);
    BOOST_REQUIRE((!ec || ec == asio::error::would_block));
    settle(s.io);
  }
  s.server->next_layer().non_blocking(false);
  ending last;
  tls_write(*s.server, asio::buffer("!", 1), last.token());  // what is left of a record goes first
  s.run_until([&] { return last.done && received.plaintext.size() == sent + 1; });
  BOOST_TEST((received.plaintext == message + '!'));
  ending written;
  tls_write(*s.client, asio::buffer("enough", 6), written.token());
  s.run_until([&] { return written.done; });
  std::string place(6, '\0');
  BOOST_TEST(asio::read(*s.server, asio::buffer(place)) == 6U);
  BOOST_TEST(place == "enough");
}

BOOST_DATA_TEST_CASE(blocking_shutdown_sends_what_is_left_of_a_record_first, both_ways, way) {
  descriptor_session s(way);
  auto const message = numbered_plaintext(300'000);
  s.server->next_layer().non_blocking(true);
  ending written, shut;
  written.bytes = s.server->write_some(asio::buffer(message), written.ec);
  BOOST_REQUIRE(engine_of(*s.server).record_pending());
  sink received;
  keep_reading(*s.client, received);
  ending closed;
  tls_close_write(*s.client, closed.token());
  int tries = 0;
  do {
    settle(s.io);
    s.server->shutdown(shut.ec);
  } while (shut.ec == asio::error::would_block && ++tries != 1'000);
  BOOST_TEST(shut.ec == error_code());
  settle(s.io);
  BOOST_TEST((received.plaintext == message.substr(0, written.bytes)));
  BOOST_TEST(received.end == asio::error::eof);
}

// A record stays behind when its write is cancelled, and then half a ticket comes, whose rest has
// to be there before the record can go on.
BOOST_AUTO_TEST_CASE(record_that_waits_for_a_message_receives_nothing_by_itself) {
  socket_loop s;
  local::socket near(s.io), far(s.io);
  asio::local::connect_pair(near, far);
  near.set_option(asio::socket_base::send_buffer_size(1));
  far.non_blocking(true);
  stream<local::socket> client(std::move(near), trusting_client(), with(ktls::tx));
  auto& engine = engine_of(client);
  stay_on_descriptor(engine);
  tls_settings settings;
  settings.long_tickets = true;
  raw_session peer(make_context(role::server, settings).get(), role::server, {1 << 20, 1 << 20});
  auto const receive = [&] {
    std::array<char, 65'536> place{};
    std::size_t total = 0;
    for (error_code ec; !ec;) {
      for (int steps = 0; steps != 100; ++steps) {
        s.io.restart();
        s.io.poll_one();
      }
      std::size_t const n = far.read_some(asio::buffer(place), ec);
      peer.give({place.data(), n});
      total += n;
    }
    return total;
  };
  auto const give = [&](std::string const& ciphertext) {
    asio::write(far, asio::buffer(ciphertext));
  };
  ending shaken, after;
  tls_handshake(client, as_client{"localhost"}, shaken.token());
  for (int round = 0; round != 3; ++round) {
    receive();
    peer.handshake();
    give(peer.take());
  }
  receive();
  BOOST_REQUIRE(shaken.done);
  auto const message = numbered_plaintext(200'000);
  ending written, read;
  asio::cancellation_signal cancel_write, cancel_read;
  std::string place(100, '\0');
  tls_write(client, asio::buffer(message),
            asio::bind_cancellation_slot(cancel_write.slot(), written.token()));
  tls_read_some(client, asio::buffer(place),
                asio::bind_cancellation_slot(cancel_read.slot(), read.token()));
  BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(peer.ssl(), 512), 1);
  BOOST_REQUIRE_EQUAL(SSL_new_session_ticket(peer.ssl()), 1);
  BOOST_REQUIRE(peer.handshake());
  std::string rest = peer.take();
  auto const first = record_lengths(rest).front();
  give(rest.substr(0, first));
  rest.erase(0, first);
  settle(s.io);
  BOOST_REQUIRE(engine.record_pending());
  BOOST_REQUIRE(engine.in_handshake());
  cancel_read.emit(asio::cancellation_type::terminal);
  cancel_write.emit(asio::cancellation_type::terminal);
  settle(s.io);
  BOOST_REQUIRE(written.done);
  BOOST_REQUIRE(read.done);
  receive();  // there is room
  BOOST_TEST(has_no_work(s.io));
  tls_write(client, asio::buffer("and on", 6), after.token());
  give(rest);
  receive();
  BOOST_TEST(after.done);
  BOOST_TEST(after.ec == error_code());
  BOOST_TEST((peer.read_all() == message.substr(0, written.bytes) + "and on"));
}

// A local socket has no kernel TLS anywhere.
BOOST_DATA_TEST_CASE(without_the_kernel_the_ring_comes_back, both_ways, way) {
  descriptor_session s(way, false);
  BOOST_TEST(s.server->ktls_status().sending == ktls_state::not_in_kernel);
  BOOST_TEST(s.server->ktls_status().receiving ==
             (way == ktls::tx_rx ? ktls_state::not_in_kernel : ktls_state::not_asked_for));
  BOOST_TEST(s.client->ktls_status().sending == ktls_state::not_asked_for);
  auto const message = numbered_plaintext(100'000);
  ending written;
  tls_write(*s.server, asio::buffer(message), written.token());
  BOOST_TEST(s.server->stats().largest_batch > 1U);
  sink received;
  keep_reading(*s.client, received);
  s.run_until([&] { return received.plaintext.size() == message.size() && written.done; });
  BOOST_TEST((received.plaintext == message));
}

BOOST_AUTO_TEST_CASE(it_needs_a_socket) {
  asio::io_context io;
  auto ends = memory_stream::make(io.get_executor());
  auto const refused = [](boost::system::system_error const& thrown) {
    return thrown.code() == errc::bad_option;
  };
  BOOST_CHECK_EXCEPTION(memory_tls(std::move(ends.first), known_server(), with(ktls::tx)),
                        boost::system::system_error, refused);
  auto options = with(ktls::tx);
  options.allow_renegotiation = true;
  BOOST_CHECK_EXCEPTION(stream<tcp::socket>(tcp::socket(io), known_server(), options),
                        boost::system::system_error, refused);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
