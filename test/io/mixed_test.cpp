// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Over real sockets: blocking members between asynchronous verbs, and several threads.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "memory_session.hpp"
#include "support/engine_of.hpp"
#include "support/openssl_version.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using tcp_tls = stream<tcp::socket>;

template <class Socket = tcp::socket>
struct connected_sockets {
  explicit connected_sockets(stream_options const& options = {})
      : client(connected(), trusting_client(), options),
        server(acceptor_.accept(), known_server(), options) {
    std::thread other([&] { server.handshake(tcp_tls::server); });
    set_host(client.native_handle(), "localhost");
    client.handshake(tcp_tls::client);
    other.join();
  }

  asio::io_context io;

private:
  Socket connected() {
    Socket socket(io);
    socket.connect(acceptor_.local_endpoint());
    return socket;
  }
  tcp::acceptor acceptor_{io, {asio::ip::address_v4::loopback(), 0}};

public:
  stream<Socket> client;
  tcp_tls server;
};

template <class Stream>
std::string read_all(Stream& from, std::size_t n) {
  std::string place(n, '\0');
  asio::read(from, asio::buffer(place));
  return place;
}

// So that nothing more is in the client's socket.
template <class Session>
void read_tickets(Session& s) {
  asio::write(s.server, asio::buffer("behind", 6));
  BOOST_TEST(read_all(s.client, 6) == "behind");
}

// What happens on another thread while a blocking call sends.
struct watched_socket : tcp::socket {
  using tcp::socket::socket;

  template <class Buffers>
  std::size_t write_some(Buffers const& buffers, error_code& ec) {
    if (auto const now = std::exchange(at_write, {})) now();
    if (takes_nothing) return ec = asio::error::would_block, 0;
    return tcp::socket::write_some(buffers, ec);
  }
  std::function<void()> at_write;
  bool takes_nothing = false;
};

BOOST_AUTO_TEST_SUITE(mixed)

// T9.
BOOST_AUTO_TEST_CASE(handler_may_wait_for_a_future_while_another_thread_runs_the_loop) {
  connected_sockets s;
  std::promise<std::size_t> result;
  asio::post(s.io, [&] {
    tls_write(s.client, asio::buffer("outer", 5), [&](error_code, std::size_t) {
      auto inner = tls_write(s.client, asio::buffer("inner", 5), asio::use_future);
      result.set_value(inner.get());
    });
  });
  std::thread other([&] { s.io.run(); });
  s.io.run();
  other.join();
  BOOST_TEST(result.get_future().get() == 5U);
}

// T6.
BOOST_AUTO_TEST_CASE(verb_behind_a_cancelled_flush_and_a_blocking_call_completes) {
  connected_sockets s;
  std::string const much(8 << 20, 'x');
  ending cancelled, written;
  tls_write(s.client, asio::buffer(much), cancelled.token());
  s.io.restart();
  s.io.poll();
  BOOST_REQUIRE(!cancelled.done);
  s.client.lowest_layer().cancel();
  s.io.restart();
  s.io.poll();
  BOOST_TEST(cancelled.ec == asio::error::operation_aborted);
  auto received =
      std::async(std::launch::async, [&] { return read_all(s.server, cancelled.bytes + 14); });
  BOOST_TEST(asio::write(s.client, asio::buffer("blocking", 8)) == 8U);
  tls_write(s.client, asio::buffer("behind", 6), written.token());
  s.io.restart();
  s.io.run();
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST((received.get() == much.substr(0, cancelled.bytes) + "blockingbehind"));
}

// T16.
BOOST_AUTO_TEST_CASE(blocking_calls_are_counted) {
  connected_sockets s;
  auto const before = s.client.stats();
  asio::write(s.client, asio::buffer("counted", 7));
  BOOST_TEST(read_all(s.server, 7) == "counted");
  auto const after = s.client.stats();
  BOOST_TEST(after.messages == before.messages + 1);
  BOOST_TEST(after.flushes == before.flushes + 1);
  BOOST_TEST(after.ciphertext_flushed > before.ciphertext_flushed);
  BOOST_TEST(s.server.stats().fills != 0U);
  BOOST_TEST(s.server.stats().ciphertext_filled == after.ciphertext_flushed);
}

// T24: the answer lies in the socket.
BOOST_AUTO_TEST_CASE(blocking_read_behind_a_failed_write_reads_what_has_come) {
  connected_sockets s;
  asio::write(s.server, asio::buffer("413", 3));
  s.server.next_layer().shutdown(tcp::socket::shutdown_both);
  s.server.next_layer().close();
  std::string const body(1 << 20, 'b');
  error_code ec;
  while (!ec)
    s.client.write_some(asio::buffer(body), ec);
  std::array<char, 10> place{};
  std::size_t const n = s.client.read_some(asio::buffer(place), ec);
  // A reset takes what was there from the socket; where it did not, it is read.
  if (n != 0) BOOST_TEST(std::string(place.data(), n) == "413");
  BOOST_TEST(ec != asio::error::broken_pipe);
}

// T25: would_block, and the bytes were gone.
BOOST_AUTO_TEST_CASE(blocking_read_keeps_plaintext_whose_answer_finds_no_room) {
  stream_options options;
  options.most_key_updates_in_a_row = options.most_key_updates_per_second = 0;
  connected_sockets s(options);
  s.client.next_layer().non_blocking(true);
  // Until the sockets take no more, and they don't grow.
  s.client.next_layer().set_option(tcp::socket::send_buffer_size(4096));
  s.server.next_layer().set_option(tcp::socket::receive_buffer_size(4096));
  std::string const much(1 << 20, 'x');
  error_code ec;
  while (!ec)
    s.client.write_some(asio::buffer(much), ec);
  BOOST_TEST(ec == asio::error::would_block);
  ending updated;
  tls_key_update(s.server, new_keys::both, updated.token());
  s.io.restart();
  s.io.run();
  asio::write(s.server, asio::buffer(std::string(100, 'p')));
  std::string plaintext;
  for (int i = 0; i != 1'000 && plaintext.size() != 100; ++i) {
    std::array<char, 200> place{};
    s.client.next_layer().wait(tcp::socket::wait_read);
    std::size_t const n = s.client.read_some(asio::buffer(place), ec);
    plaintext.append(place.data(), n);
  }
  BOOST_TEST((plaintext == std::string(100, 'p')));
}

BOOST_AUTO_TEST_CASE(blocking_shutdown_that_only_the_peer_can_end_would_block) {
  connected_sockets<watched_socket> s;
  read_tickets(s);
  s.client.next_layer().non_blocking(true);
  s.client.next_layer().takes_nothing = true;
  ending closed;
  tls_close_write(s.server, closed.token());
  s.io.restart();
  s.io.run();
  BOOST_TEST(closed.ec == error_code());
  error_code ec;
  s.client.shutdown(ec);
  BOOST_TEST(ec == asio::error::would_block);
  s.client.next_layer().takes_nothing = false;
  s.client.shutdown(ec);
  BOOST_TEST(ec == error_code());
}

// The shutdown waited for the end of the read's fill, under the lock.
BOOST_AUTO_TEST_CASE(read_that_is_cancelled_beside_a_blocking_shutdown_does_not_hold_it_up) {
  connected_sockets<watched_socket> s;
  read_tickets(s);
  auto& at_write = s.client.next_layer().at_write;
  // What is left of this goes before the close_notify, and the read starts between the two.
  at_write = [] { throw std::runtime_error("interrupted"); };
  BOOST_CHECK_THROW(s.client.write_some(asio::buffer("sealed", 6)), std::runtime_error);
  asio::cancellation_signal cancel;
  ending read;
  char place;
  at_write = [&] {
    tls_read_some(s.client, asio::buffer(&place, 1),
                  asio::bind_cancellation_slot(cancel.slot(), read.token()));
    at_write = [&] { cancel.emit(asio::cancellation_type::terminal); };
  };
  error_code ec;
  s.client.shutdown(ec);
  BOOST_TEST(ec == errc::operation_in_progress);  // that fill can't be waited for
  BOOST_TEST(has_no_work(s.io));
  BOOST_TEST(read.ec == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(read_that_fails_with_the_session_of_a_blocking_write_leaves_no_fill) {
  connected_sockets<watched_socket> s;
  read_tickets(s);
  ending read;
  char place;
  s.client.next_layer().at_write = [&] {
    tls_read_some(s.client, asio::buffer(&place, 1), read.token());
    auto const inside = detail::access::state(s.client).lock();
    engine_of(s.client).abort(errc::unexpected_result);
  };
  error_code ec;
  std::string const much(1 << 20, 'x');
  s.client.clear_mode(mode::enable_partial_write);
  s.client.write_some(asio::buffer(much), ec);
  BOOST_TEST(ec == errc::unexpected_result);
  BOOST_TEST(has_no_work(s.io));
  BOOST_TEST(read.ec == errc::unexpected_result);
}

// X8.
BOOST_AUTO_TEST_CASE(stream_is_used_for_a_second_connection_after_ssl_clear) {
  connected_sockets s;
  auto other_end = std::async(std::launch::async, [&] {
    error_code ignored;
    s.server.shutdown(ignored);
  });
  error_code ec;
  s.client.shutdown(ec);
  other_end.get();
  BOOST_TEST(ec == error_code());
  s.client.next_layer().close();
  BOOST_REQUIRE(SSL_clear(s.client.native_handle()) == 1);
  tcp::acceptor acceptor(s.io, {asio::ip::address_v4::loopback(), 0});
  s.client.next_layer().connect(acceptor.local_endpoint());
  tcp_tls second(acceptor.accept(), known_server());
  std::thread other([&] {
    second.handshake(tcp_tls::server);
    asio::write(second, asio::buffer("again", 5));
  });
  ending shaken;
  tls_handshake(s.client, as_client{"localhost"}, shaken.token());
  s.io.restart();
  s.io.run();
  BOOST_TEST(shaken.ec == error_code());
  BOOST_TEST(read_all(s.client, 5) == "again");
  other.join();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
