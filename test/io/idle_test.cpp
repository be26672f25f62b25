// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A stream that waits holds no ring: over memory, where every byte can be held back, and over
// Asio's own sockets, which are waited for until they are readable. And nothing is lost by it.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/mpl/list.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "memory_session.hpp"
#include "pattern.hpp"
#include "socket_loop.hpp"
#include "support/engine_of.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

constexpr std::size_t of_waiting_stream = 2560;  // a ring has 204 KiB

// What a stream holds for as long as it lives, beside its next layer and its timer, is not to grow
// unnoticed: a server has it for each connection. Other systems have other mutexes.
#if defined(__x86_64__) && defined(__GLIBC__)
using socket_state = detail::stream_state<asio::ip::tcp::socket, std::chrono::steady_clock>;
static_assert(sizeof(socket_state) <=
              816 + sizeof(asio::ip::tcp::socket) + sizeof(asio::steady_timer));
#endif

template <class Stream>
bool holds_ring(Stream& of) {
  bool const holds = engine_of(of).ring().is_attached();
  BOOST_TEST((of.memory_usage() < of_waiting_stream) == !holds);
  return holds;
}

BOOST_AUTO_TEST_SUITE(idle)

BOOST_DATA_TEST_CASE(waiting_stream_holds_no_ring, data::make({2, 3}), version) {
  auto client_context = client_of_tls_1(version);
  connected_session s({}, client_context);
  sink by_client, by_server;
  keep_reading(s.client, by_client);
  keep_reading(s.server, by_server);
  s.settle();
  BOOST_TEST(!holds_ring(s.client));
  BOOST_TEST(!holds_ring(s.server));
  std::string sent;
  // Below and above what lands beside the ring, and more than a ring.
  for (std::size_t const size : {1U, 200U, 250U, 300U, 16'384U, 16'385U, 200'000U}) {
    auto const message = numbered_plaintext(size);
    sent += message;
    BOOST_TEST(write_now(s, s.client, message).ec == error_code());
    BOOST_TEST((by_server.plaintext == sent));
    BOOST_TEST(!holds_ring(s.client));
    BOOST_TEST(!holds_ring(s.server));
  }
}

BOOST_AUTO_TEST_CASE(stream_before_its_handshake_holds_no_ring) {
  memory_session s;
  ending shaken;
  tls_handshake(s.server, as_server{}, shaken.token());
  s.settle();
  BOOST_TEST(!holds_ring(s.server));
  BOOST_TEST(!shaken.done);
}

BOOST_AUTO_TEST_CASE(ring_is_kept_for_the_answer_in_a_handshake) {
  memory_session s;
  ending of_client, of_server;
  s.client_end().deliver(0);
  tls_handshake(s.server, as_server{}, of_server.token());
  tls_handshake(s.client, as_client{"localhost"}, of_client.token());
  s.settle();
  BOOST_TEST(holds_ring(s.client));
  BOOST_TEST(!holds_ring(s.server));
  s.client_end().deliver(s.client_end().undelivered());
  s.settle();
  BOOST_TEST(holds_ring(s.server));
  BOOST_TEST(!of_server.done);
  s.client_end().deliver(unbounded / 2);
  s.settle();
  BOOST_TEST((of_client.done && of_server.done));
  BOOST_TEST(!holds_ring(s.client));
  BOOST_TEST(!holds_ring(s.server));
}

// The ring is away while a record is half received, wherever it is cut.
BOOST_AUTO_TEST_CASE(record_may_come_in_two_parts_with_the_ring_away_between_them) {
  connected_session s;
  sink received;
  keep_reading(s.server, received);
  s.settle();
  auto const message = numbered_plaintext(150);
  std::string sent;
  for (std::size_t cut = 1; cut < 150; ++cut) {
    s.client_end().deliver(0);
    write_now(s, s.client, message);
    sent += message;
    auto const record = s.client_end().undelivered();
    s.client_end().deliver(cut);
    s.settle();
    BOOST_TEST(!holds_ring(s.server));
    s.client_end().deliver(record - cut);
    s.settle();
    BOOST_REQUIRE((received.plaintext == sent));
  }
  BOOST_TEST(!holds_ring(s.server));
}

BOOST_AUTO_TEST_CASE(ring_is_kept_while_the_rest_of_a_long_record_is_awaited) {
  connected_session s;
  sink received;
  keep_reading(s.server, received);
  s.client_end().deliver(0);
  auto const message = numbered_plaintext(16'000);
  write_now(s, s.client, message);
  s.client_end().deliver(1'000);
  s.settle();
  BOOST_TEST(holds_ring(s.server));
  s.client_end().deliver(unbounded / 2);
  s.settle();
  BOOST_TEST((received.plaintext == message));
  BOOST_TEST(!holds_ring(s.server));
}

BOOST_AUTO_TEST_CASE(ring_comes_back_when_what_a_cancelled_write_left_has_been_flushed) {
  connected_session s;
  sink received;
  keep_reading(s.server, received);
  s.client_end().outgoing().capacity = 10'000;
  s.client_end().deliver(0);
  asio::cancellation_signal cancel;
  ending written;
  auto const message = numbered_plaintext(300'000);
  tls_write(s.client, asio::buffer(message),
            asio::bind_cancellation_slot(cancel.slot(), written.token()));
  s.settle();
  cancel.emit(asio::cancellation_type::terminal);
  s.settle();
  BOOST_TEST(written.ec == asio::error::operation_aborted);
  BOOST_TEST(holds_ring(s.client));
  s.client_end().deliver(unbounded / 2);
  s.settle();
  BOOST_TEST((received.plaintext == message.substr(0, written.bytes)));
  BOOST_TEST(!holds_ring(s.client));
}

BOOST_AUTO_TEST_CASE(stream_moves_while_it_waits) {
  connected_session s;
  std::string place(100, '\0');
  ending read, written;
  tls_read_some(s.server, asio::buffer(place), read.token());
  s.settle();
  memory_tls moved(std::move(s.server));
  BOOST_TEST(!holds_ring(moved));
  tls_write(s.client, asio::buffer("to wherever it is", 17), written.token());
  s.settle();
  BOOST_TEST(place.substr(0, read.bytes) == "to wherever it is");
}

BOOST_AUTO_TEST_CASE(native_handle_has_its_ring) {
  connected_session s;
  sink received;
  keep_reading(s.server, received);
  s.settle();
  BOOST_TEST(!holds_ring(s.server));
  SSL* const session = s.server.native_handle();
  BOOST_TEST(SSL_get_rbio(session) != nullptr);
  BOOST_TEST(SSL_get_wbio(session) != nullptr);
  write_now(s, s.client, "on it goes");
  BOOST_TEST(received.plaintext == "on it goes");
  BOOST_TEST(!holds_ring(s.server));
}

BOOST_AUTO_TEST_CASE(blocks_of_a_burst_are_given_back) {
  connected_session s;
  sink received;
  keep_reading(s.server, received);
  std::vector<ending> written(300);
  for (auto& each : written)
    tls_write(s.client, asio::buffer("x", 1), each.token());
  BOOST_TEST(s.client.memory_usage() > 300U * 100U);
  s.settle();
  BOOST_TEST(received.plaintext.size() == written.size());
  BOOST_TEST(!holds_ring(s.client));
}

BOOST_AUTO_TEST_SUITE_END()

template <class Stream>
struct socket_session : socket_loop {
  using socket = std::remove_reference_t<typename Stream::next_layer_type>;

  socket_session() {
    if constexpr (std::is_same_v<socket, asio::ip::tcp::socket>) {
      asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
      a.connect(acceptor.local_endpoint());
      acceptor.accept(b);
    } else {
      asio::local::connect_pair(a, b);
    }
    client.emplace(std::forward<next>(a), trusting_client());
    server.emplace(std::forward<next>(b), known_server());
    shake_hands(*client, *server);
  }
  using next = std::conditional_t<std::is_same_v<Stream, stream<socket&>>, socket&, socket&&>;
  socket a{io}, b{io};
  std::optional<Stream> client, server;
};

using over_sockets = boost::mpl::list<stream<asio::ip::tcp::socket>, stream<asio::ip::tcp::socket&>,
                                      stream<asio::local::stream_protocol::socket>>;

BOOST_AUTO_TEST_SUITE(idle_on_a_socket)

BOOST_AUTO_TEST_CASE_TEMPLATE(waiting_stream_holds_no_ring, Stream, over_sockets) {
  socket_session<Stream> s;
  sink received;
  keep_reading(*s.server, received);
  std::string sent;
  for (std::size_t const size : {1U, 300U, 16'385U, 1'000'000U}) {
    ending written;
    auto const message = numbered_plaintext(size);
    sent += message;
    tls_write(*s.client, asio::buffer(message), written.token());
    s.run_until([&] { return written.done && received.plaintext.size() == sent.size(); });
    BOOST_TEST((received.plaintext == sent));
    settle(s.io);
    BOOST_TEST(!holds_ring(*s.client));
    BOOST_TEST(!holds_ring(*s.server));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(end_of_the_transport_is_noticed, Stream, over_sockets) {
  socket_session<Stream> s;
  sink received;
  keep_reading(*s.server, received);
  settle(s.io);
  s.client->next_layer().shutdown(asio::socket_base::shutdown_send);
  s.run_until([&] { return received.ended; });
  BOOST_TEST(received.end == asio::ssl::error::stream_truncated);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(cancelled_read_leaves_what_comes_to_the_next, Stream, over_sockets) {
  socket_session<Stream> s;
  asio::cancellation_signal cancel;
  ending cancelled, written, read;
  std::string place(100, '\0');
  tls_read_some(*s.server, asio::buffer(place),
                asio::bind_cancellation_slot(cancel.slot(), cancelled.token()));
  settle(s.io);
  cancel.emit(asio::cancellation_type::terminal);
  s.run_until([&] { return cancelled.done; });
  BOOST_TEST(cancelled.ec == asio::error::operation_aborted);
  tls_write(*s.client, asio::buffer("for the next", 12), written.token());
  tls_read_some(*s.server, asio::buffer(place), read.token());
  s.run_until([&] { return read.done; });
  BOOST_TEST(place.substr(0, read.bytes) == "for the next");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stream_may_go_while_its_read_waits, Stream, over_sockets) {
  socket_session<Stream> s;
  sink received;
  keep_reading(*s.server, received);
  settle(s.io);
  s.server.reset();
  s.run_until([&] { return received.ended; });
  BOOST_TEST(received.end == asio::error::operation_aborted);
  if constexpr (std::is_same_v<typename socket_session<Stream>::next,
                               typename socket_session<Stream>::socket&>) {
    BOOST_TEST(s.b.is_open());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
