// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The same contracts over real sockets on the loopback: volume both ways, sends a mebibyte takes,
// blocking calls, and threads.
#include <tls_async/tls_async.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <atomic>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "memory_session.hpp"
#include "pattern.hpp"
#include "socket_loop.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// A socket that counts its sends.
struct counting_socket : tcp::socket {
  using tcp::socket::socket;

  template <class Buffers, class Token>
  auto async_write_some(Buffers const& buffers, Token&& token) {
    ++writes;
    return tcp::socket::async_write_some(buffers, std::forward<Token>(token));
  }
  std::size_t writes = 0;
};

using counted_tls = stream<counting_socket>;

void join(counting_socket& client, counting_socket& server) {
  tcp::acceptor acceptor(client.get_executor(), {asio::ip::address_v4::loopback(), 0});
  client.connect(acceptor.local_endpoint());
  acceptor.accept(server);
}

template <class Executor>
std::unique_ptr<counted_tls> make_end(Executor const& executor, context& made_for) {
  return std::make_unique<counted_tls>(counting_socket(executor), made_for);
}

// Two streams that are up, over a connection on the loopback.
struct tcp_session : socket_loop {
  tcp_session() {
    join(client.next_layer(), server.next_layer());
    shake_hands(client, server);
  }

  counted_tls client{counting_socket(io), trusting_client()};
  counted_tls server{counting_socket(io), known_server()};
};

constexpr std::size_t volume = 64 << 20;

BOOST_AUTO_TEST_SUITE(over_tcp)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W1"))
BOOST_AUTO_TEST_CASE(write_of_64_MiB_passes_a_read_that_is_parked_for_ever) {
  tcp_session s;
  ending parked, written;
  char place = 0;
  tls_read_some(s.client, asio::buffer(&place, 1), parked.token());
  pattern_reader received;
  received.start(s.server);
  tls_write(s.client, many_patterns(volume), written.token());
  s.run_until([&] { return written.done && received.bytes == volume; });
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(!received.differs);
  BOOST_TEST(!parked.done);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W1"))
BOOST_AUTO_TEST_CASE(writes_of_64_MiB_on_both_sides_at_once_complete_beside_their_reads) {
  tcp_session s;
  pattern_reader by_client, by_server;
  by_client.start(s.client);
  by_server.start(s.server);
  ending of_client, of_server;
  tls_write(s.client, many_patterns(volume), of_client.token());
  tls_write(s.server, many_patterns(volume), of_server.token());
  s.run_until([&] {
    return of_client.done && of_server.done && by_client.bytes == volume &&
           by_server.bytes == volume;
  });
  BOOST_TEST(of_client.ec == error_code());
  BOOST_TEST(of_server.ec == error_code());
  BOOST_TEST(!by_client.differs);
  BOOST_TEST(!by_server.differs);
}

BOOST_AUTO_TEST_CASE(mebibyte_takes_this_many_sends) {
  tcp_session s;
  sink received;
  keep_reading(s.server, received);
  auto const message = numbered_plaintext(1 << 20);
  auto const before = s.client.next_layer().writes;
  ending written;
  tls_write(s.client, asio::buffer(message), written.token());
  s.run_until([&] { return written.done && received.plaintext.size() == message.size(); });
  BOOST_TEST((received.plaintext == message));
  BOOST_TEST_MESSAGE("1 MiB over TCP: " << s.client.next_layer().writes - before << " sends, "
                                        << received.reads << " reads");
}

BOOST_AUTO_TEST_CASE(outstanding_verb_is_work_for_run) {
  tcp_session s;
  BOOST_TEST(has_no_work(s.io));
  ending read, written;
  char place = 0;
  tls_read_some(s.server, asio::buffer(&place, 1), read.token());
  BOOST_TEST(!has_no_work(s.io));
  tls_write(s.client, asio::buffer("x", 1), written.token());
  s.run_until([&] { return read.done && written.done; });
  BOOST_TEST(has_no_work(s.io));
}

// Over a socket of Asio's own, and a reference to one.
template <class NextLayer>
struct socket_session : socket_loop {
  explicit socket_session(bool shakes_hands = true) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    client_socket.connect(acceptor.local_endpoint());
    acceptor.accept(server_socket);
    client.emplace(static_cast<NextLayer&&>(client_socket), trusting_client());
    server.emplace(static_cast<NextLayer&&>(server_socket), known_server());
    if (shakes_hands) shake_hands(*client, *server);
  }
  bool run_returns() {
    io.restart();
    io.run_for(60s);
    return io.stopped();
  }
  void expect(std::string_view message) {
    ending written, read;
    std::string place(message.size(), '\0');
    tls_write(*server, asio::buffer(message), written.token());
    tls_read_some(*client, asio::buffer(place), read.token());
    run_until([&] { return written.done && read.done; });
    BOOST_TEST(read.ec == error_code());
    BOOST_TEST(place == message);
  }

  tcp::socket client_socket{io}, server_socket{io};
  std::optional<stream<NextLayer>> client, server;
};
using sockets = std::tuple<tcp::socket, tcp::socket&>;

BOOST_AUTO_TEST_CASE_TEMPLATE(cancelled_read_lets_run_return_and_loses_nothing, NextLayer,
                              sockets) {
  socket_session<NextLayer> s;
  ending read;
  asio::cancellation_signal cancel;
  std::string place(100, '\0');
  for (int i = 0; i != 3; ++i) {
    tls_read_some(*s.client, asio::buffer(place),
                  asio::bind_cancellation_slot(cancel.slot(), read.token()));
    settle(s.io);
    cancel.emit(asio::cancellation_type::terminal);
    BOOST_TEST(s.run_returns());
    BOOST_TEST(read.ec == asio::error::operation_aborted);
    read.done = false;
    s.expect("is still there");
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(read_that_starts_while_the_last_one_ends_goes_on, NextLayer,
                              sockets) {
  socket_session<NextLayer> s;
  ending read;
  asio::cancellation_signal cancel;
  std::string place(100, '\0');
  tls_read_some(*s.client, asio::buffer(place),
                asio::bind_cancellation_slot(cancel.slot(), read.token()));
  settle(s.io);
  cancel.emit(asio::cancellation_type::terminal);
  s.expect("for the second");
  BOOST_TEST(read.ec == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(shutdown_without_an_answer_lets_run_return, NextLayer, sockets) {
  socket_session<NextLayer> s;
  ending shut;
  tls_shutdown(*s.client, 1ms, shut.token());
  BOOST_TEST(s.run_returns());
  BOOST_TEST(shut.ec == asio::error::timed_out);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(handshake_without_an_answer_lets_run_return_and_may_go_on, NextLayer,
                              sockets) {
  socket_session<NextLayer> s(false);
  ending shaken;
  tls_handshake(*s.client, as_client{"localhost"}, 1ms, shaken.token());
  BOOST_TEST(s.run_returns());
  BOOST_TEST(shaken.ec == asio::error::timed_out);
  s.io.restart();
  s.shake_hands(*s.client, *s.server);
  s.expect("is there after all");
}

BOOST_AUTO_TEST_CASE(blocking_call_beside_an_outstanding_verb_is_refused) {
  tcp_session s;
  ending parked, written;
  char place = 0;
  error_code ec;
  tls_read_some(s.client, asio::buffer(&place, 1), parked.token());
  BOOST_TEST(s.client.write_some(asio::buffer("x", 1), ec) == 0U);
  BOOST_TEST(ec == errc::operation_in_progress);
  BOOST_TEST(s.client.read_some(asio::buffer(&place, 1), ec) == 0U);
  BOOST_TEST(ec == errc::operation_in_progress);
  BOOST_TEST(s.client.shutdown(ec) == errc::operation_in_progress);
  BOOST_TEST(s.client.handshake(counted_tls::client, ec) == errc::operation_in_progress);
  // The read was not disturbed; once it is over, blocking is in order again.
  tls_write(s.server, asio::buffer("x", 1), written.token());
  s.run_until([&] { return parked.done && written.done; });
  BOOST_TEST(place == 'x');
  BOOST_TEST(s.client.write_some(asio::buffer("yz", 2), ec) == 2U);
  BOOST_TEST(ec == error_code());
  std::string two(2, '\0');
  BOOST_TEST(s.server.read_some(asio::buffer(two), ec) == 2U);
  BOOST_TEST(two == "yz");
}

// One session on a strand of its own, on a loop that several threads run: 16 writers and a reader
// on each side.
asio::awaitable<void> write_some_messages(counted_tls& s, std::atomic<int>& left) {
  std::string const message(700, 'm');
  for (int i = 0; i != 50; ++i) {
    auto const [ec, n] =
        co_await tls_write(s, asio::buffer(message), asio::as_tuple(asio::use_awaitable));
    if (ec) break;
  }
  if (--left == 0) {
    auto const [ec] = co_await tls_close_write(s, asio::as_tuple(asio::use_awaitable));
    (void)ec;
  }
}
asio::awaitable<void> read_to_the_end(counted_tls& s, std::atomic<std::size_t>& total) {
  std::vector<char> place(10'000);
  for (;;) {
    auto const [ec, n] =
        co_await tls_read_some(s, asio::buffer(place), asio::as_tuple(asio::use_awaitable));
    total += n;
    if (ec) co_return;
  }
}
struct threaded_side {
  threaded_side(asio::io_context& io, context& made_for)
      : strand(asio::make_strand(io)), tls(make_end(strand, made_for)) {}

  asio::awaitable<void> start(bool is_client) {
    if (is_client) {
      co_await tls_handshake(*tls, as_client{"localhost"}, asio::use_awaitable);
    } else {
      co_await tls_handshake(*tls, as_server{}, asio::use_awaitable);
    }
    for (int i = left; i != 0; --i)
      asio::co_spawn(strand, write_some_messages(*tls, left), asio::detached);
    co_await read_to_the_end(*tls, received);
  }

  asio::strand<asio::io_context::executor_type> strand;
  std::unique_ptr<counted_tls> tls;
  std::atomic<int> left{16};
  std::atomic<std::size_t> received{0};
};

BOOST_AUTO_TEST_CASE(sessions_on_strands_share_threads) {
  asio::io_context io{4};
  std::vector<std::unique_ptr<threaded_side>> sides;
  std::atomic<int> failed{0};
  for (int session = 0; session != 4; ++session) {
    auto& client = *sides.emplace_back(std::make_unique<threaded_side>(io, trusting_client()));
    auto& server = *sides.emplace_back(std::make_unique<threaded_side>(io, known_server()));
    join(client.tls->next_layer(), server.tls->next_layer());
  }
  for (std::size_t i = 0; i != sides.size(); ++i) {
    asio::co_spawn(sides[i]->strand, sides[i]->start(i % 2 == 0),
                   [&failed](std::exception_ptr thrown) {
                     if (thrown) ++failed;
                   });
  }
  std::vector<std::jthread> threads;
  for (int i = 0; i != 4; ++i)
    threads.emplace_back([&io] { io.run(); });
  threads.clear();
  BOOST_TEST(failed == 0);
  for (auto const& side : sides)
    BOOST_TEST(side->received == 16U * 50 * 700);
}

// Each thread starts its writes beside those of the others, four at a time, with no strand.
std::size_t write_as_futures(counted_tls& s, char letter, std::size_t messages) {
  constexpr std::size_t at_once = 4;
  std::string const message(5'000, letter);
  std::size_t written = 0;
  for (std::size_t i = 0; i != messages; i += at_once) {
    std::array<std::future<std::size_t>, at_once> started;
    for (auto& one : started)
      one = tls_write(s, asio::buffer(message), asio::use_future);
    for (auto& one : started)
      written += one.get();
  }
  return written;
}

BOOST_AUTO_TEST_CASE(writes_that_threads_start_at_once_as_futures_arrive_whole) {
  constexpr std::size_t writers = 4, messages = 100, size = 5'000;
  asio::io_context io;
  auto const client = make_end(io.get_executor(), trusting_client());
  auto const server = make_end(io.get_executor(), known_server());
  join(client->next_layer(), server->next_layer());
  auto work = asio::make_work_guard(io);
  std::jthread loop([&io] { io.run(); });
  auto of_client = tls_handshake(*client, as_client{"localhost"}, asio::use_future);
  auto of_server = tls_handshake(*server, as_server{}, asio::use_future);
  of_client.get();
  of_server.get();
  sink received;
  asio::post(io, [&] { keep_reading(*server, received); });

  std::atomic<std::size_t> written{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i != writers; ++i) {
      threads.emplace_back([&, letter = static_cast<char>('a' + i)] {
        written += write_as_futures(*client, letter, messages);
      });
    }
  }
  tls_close_write(*client, asio::use_future).get();
  work.reset();
  loop.join();

  BOOST_TEST(written == writers * messages * size);
  BOOST_TEST(received.end == asio::error::eof);
  BOOST_TEST_REQUIRE(received.plaintext.size() == writers * messages * size);
  std::array<std::size_t, writers> whole{};
  for (std::size_t at = 0; at != received.plaintext.size(); at += size) {
    std::string_view const one = std::string_view(received.plaintext).substr(at, size);
    BOOST_REQUIRE_EQUAL(one.find_first_not_of(one.front()), std::string_view::npos);
    ++whole.at(static_cast<std::size_t>(one.front() - 'a'));
  }
  for (std::size_t const count : whole)
    BOOST_TEST(count == messages);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
