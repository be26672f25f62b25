// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the streams of a context hold together, and that writes wait where it would be too much.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/strand.hpp>

#include <list>
#include <optional>
#include <thread>

#include "memory_session.hpp"
#include "pattern.hpp"
#include "socket_loop.hpp"
#include "support/engine_of.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using boost::asio::ip::tcp;

context server_of_its_own() {
  context made(context::role::server);
  made.use_certificate_chain(server_identity().certificate_chain);
  made.use_private_key(server_identity().private_key);
  return made;
}

// Sessions whose servers share a context. A server whose link is shut holds a ring once it has
// written.
struct budgeted_sessions {
  explicit budgeted_sessions(std::size_t count) {
    for (std::size_t i = 0; i != count; ++i) {
      auto& made = sessions.emplace_back(stream_options(), trusting_client(), servers);
      keep_reading(made.client, received.emplace_back());
      made.settle();
    }
    at_rest = servers.memory_usage();
  }
  connected_session& operator[](std::size_t i) {
    return *std::next(sessions.begin(), static_cast<std::ptrdiff_t>(i));
  }

  void settle() {
    for (int round = 0; round != 3; ++round) {
      for (auto& each : sessions)
        each.settle();
    }
  }
  void shut_link(std::size_t i) { (*this)[i].server_end().outgoing().capacity = 0; }
  void open_link(std::size_t i) {
    (*this)[i].server_end().outgoing().capacity = unbounded;
    (*this)[i].server_end().settle();
    settle();
  }
  void start_write(std::size_t i, ending& written) {
    tls_write((*this)[i].server, asio::buffer("a message", 9), written.token());
    settle();
  }
  bool has_begun(std::size_t i) { return (*this)[i].server.stats().records_sealed != 0; }

  context servers = server_of_its_own();
  std::list<sink> received;
  std::list<connected_session> sessions;
  std::size_t at_rest = 0;
};

BOOST_AUTO_TEST_SUITE(memory_budget)

BOOST_AUTO_TEST_CASE(context_tells_what_its_streams_hold) {
  budgeted_sessions s(2);
  BOOST_TEST(s.at_rest == s[0].server.memory_usage() + s[1].server.memory_usage());
  s.shut_link(0);
  ending written;
  s.start_write(0, written);
  BOOST_TEST(s[0].server.memory_usage() > 200'000U);
  BOOST_TEST(s.servers.memory_usage() == s[0].server.memory_usage() + s[1].server.memory_usage());
  s.open_link(0);
  BOOST_TEST(written.done);
  BOOST_TEST(s.servers.memory_usage() == s.at_rest);
  s.sessions.clear();
  BOOST_TEST(s.servers.memory_usage() == 0U);
}

BOOST_AUTO_TEST_CASE(beyond_it_streams_take_turns) {
  budgeted_sessions s(3);
  s.servers.set_memory_budget(s.at_rest + 300'000);  // one ring
  std::vector<ending> written(3);
  for (std::size_t i : {0U, 1U, 2U}) {
    s.shut_link(i);
    s.start_write(i, written[i]);
    BOOST_TEST(s.has_begun(i) == (i == 0));
  }
  s.open_link(1);
  BOOST_TEST(!s.has_begun(1));
  s.open_link(0);
  BOOST_TEST(written[0].done);
  BOOST_TEST(written[1].done);  // woken by the first, flushed at once
  BOOST_TEST(s.has_begun(2));
  s.open_link(2);
  BOOST_TEST(written[2].done);
  for (auto const& each : s.received)
    BOOST_TEST(each.plaintext == "a message");
}

BOOST_AUTO_TEST_CASE(one_stream_can_always_go_on) {
  budgeted_sessions s(1);
  s.servers.set_memory_budget(1);
  for (std::size_t const size : {1U, 100'000U, 1'000'000U}) {
    auto const message = numbered_plaintext(size);
    BOOST_TEST(write_now(s[0], s[0].server, message).ec == error_code());
  }
  BOOST_TEST(s.received.front().plaintext.size() == 1'100'001U);
}

// Its ring was taken in the same turn of the loop, and holds a record that nobody has read.
BOOST_AUTO_TEST_CASE(stream_that_holds_a_ring_does_not_wait_for_one) {
  budgeted_sessions s(2);
  s.servers.set_memory_budget(s.at_rest + 300'000);  // one ring
  auto& x = s[0].server;
  auto& y = s[1].server;
  for (char const* const record : {"first", "later"}) {
    ending sent;
    tls_write(s[1].client, asio::buffer(record, 5), sent.token());
    s.settle();
    BOOST_TEST(sent.done);
  }
  ending to_x, to_y;
  char place[5];
  tls_read_some(y, asio::buffer(place, 1), [&](error_code, std::size_t) {
    tls_write(x, asio::buffer("a message", 9), to_x.token());
    tls_write(y, asio::buffer("a message", 9), to_y.token());
  });
  s.settle();
  BOOST_TEST(to_x.done);
  BOOST_TEST(to_y.done);
  BOOST_TEST(s.received.back().plaintext == "a message");
}

BOOST_AUTO_TEST_CASE(larger_budget_takes_effect_at_once) {
  budgeted_sessions s(2);
  s.servers.set_memory_budget(s.at_rest);
  ending first, second;
  s.shut_link(0);
  s.start_write(0, first);
  s.start_write(1, second);
  BOOST_TEST(!s.has_begun(1));
  s.servers.set_memory_budget(0);
  s.settle();
  BOOST_TEST(second.done);
  s.open_link(0);
}

BOOST_AUTO_TEST_CASE(waiting_write_can_be_cancelled_and_the_next_goes_on) {
  budgeted_sessions s(3);
  s.servers.set_memory_budget(s.at_rest);
  std::vector<ending> written(3);
  asio::cancellation_signal cancel;
  s.shut_link(0);
  s.start_write(0, written[0]);
  tls_write(s[1].server, asio::buffer("in vain", 7),
            asio::bind_cancellation_slot(cancel.slot(), written[1].token()));
  s.start_write(2, written[2]);
  cancel.emit(asio::cancellation_type::total);
  s.settle();
  BOOST_TEST(written[1].ec == asio::error::operation_aborted);
  BOOST_TEST(written[1].bytes == 0U);
  BOOST_TEST(!s.has_begun(2));
  s.open_link(0);
  BOOST_TEST(written[2].done);
  s.start_write(1, written[1] = {});
  BOOST_TEST(written[1].ec == error_code());
}

BOOST_AUTO_TEST_CASE(deadline_of_a_waiting_write_runs) {
  budgeted_sessions s(2);
  s.servers.set_memory_budget(s.at_rest);
  ending first, second;
  s.shut_link(0);
  s.start_write(0, first);
  tls_write(s[1].server, asio::buffer("late", 4), 1s, second.token());
  s[1].pass(2s);
  BOOST_TEST(second.ec == asio::error::timed_out);
  s.open_link(0);
}

BOOST_AUTO_TEST_CASE(stream_may_go_while_it_waits) {
  budgeted_sessions s(3);
  s.servers.set_memory_budget(s.at_rest);
  std::vector<ending> written(3);
  s.shut_link(0);
  for (std::size_t i : {0U, 1U, 2U})
    s.start_write(i, written[i]);
  s.sessions.erase(std::next(s.sessions.begin()));
  s.open_link(0);
  BOOST_TEST(written[2].done);
}

BOOST_AUTO_TEST_CASE(end_of_the_session_does_not_wait) {
  budgeted_sessions s(2);
  s.servers.set_memory_budget(s.at_rest);
  ending written, closed;
  s.shut_link(0);
  s.start_write(0, written);
  tls_close_write(s[1].server, closed.token());
  s.settle();
  BOOST_TEST(closed.done);
  BOOST_TEST(s.received.back().end == asio::error::eof);
  s.open_link(0);
}

BOOST_AUTO_TEST_CASE(try_write_refuses) {
  budgeted_sessions s(1);
  std::string const message(1'000, 'x');
  s.servers.set_memory_budget(s.at_rest + message.size() - 1);
  BOOST_TEST(tls_try_write(s[0].server, asio::buffer(message)) == errc::queue_full);
  s.servers.set_memory_budget(s.at_rest + message.size());
  BOOST_TEST(tls_try_write(s[0].server, asio::buffer(message)) == error_code());
  s.settle();
  BOOST_TEST(s.received.front().plaintext == message);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(memory_budget_over_tcp)

struct busy_pair : socket_loop {
  explicit busy_pair(context& servers) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    tcp::socket a(io), b(io);
    a.connect(acceptor.local_endpoint());
    acceptor.accept(b);
    client.emplace(std::move(a), trusting_client());
    server.emplace(std::move(b), servers);
  }
  void run(int messages) {
    tls_handshake(*client, as_client{"localhost"}, [](error_code) {});
    tls_handshake(*server, as_server{}, [this, messages](error_code) { write(messages); });
    read();
    io.run();
  }
  // Boost.Test is for one thread.
  void read() {
    tls_read_some(*client, asio::buffer(received.place), [this](error_code ec, std::size_t n) {
      received.plaintext.append(received.place.data(), n);
      if (!ec) read();
    });
  }
  void write(int left) {
    if (left == 0) return server.reset();
    tls_write(*server, asio::buffer(message), [this, left](error_code ec, std::size_t) {
      if (!ec) write(left - 1);
    });
  }

  std::string message = std::string(300, 'x');
  std::optional<stream<tcp::socket>> client, server;
  sink received;
};

BOOST_AUTO_TEST_CASE(streams_on_several_threads_come_to_their_turn) {
  constexpr int messages = 300;
  auto servers = server_of_its_own();
  servers.set_memory_budget(1);
  std::list<busy_pair> pairs;
  std::vector<std::thread> threads;
  for (int i = 0; i != 3; ++i)
    pairs.emplace_back(servers);
  for (auto& pair : pairs)
    threads.emplace_back([&pair] { pair.run(messages); });
  for (auto& thread : threads)
    thread.join();
  for (auto const& pair : pairs)
    BOOST_TEST(pair.received.plaintext.size() == pair.message.size() * messages);
  BOOST_TEST(servers.memory_usage() == 0U);
}

// Each reads less at once than has come, so its ring still holds input when it writes.
class echo_connection {
public:
  echo_connection(asio::io_context& io, tcp::acceptor& acceptor, context& servers)
      : message_(numbered_plaintext(40'000)) {
    tcp::socket client(asio::make_strand(io)), server(asio::make_strand(io));
    client.connect(acceptor.local_endpoint());
    acceptor.accept(server);
    client_.emplace(std::move(client), trusting_client());
    server_.emplace(std::move(server), servers);
  }
  void start() {
    tls_handshake(*server_, as_server{}, [this](error_code ec) {
      if (!ec) echo();
    });
    tls_handshake(*client_, as_client{"localhost"}, [this](error_code) {
      tls_write(*client_, asio::buffer(message_), asio::detached);
      asio::async_read(*client_, asio::dynamic_buffer(answer_),
                       asio::transfer_exactly(message_.size()),
                       [this](error_code, std::size_t) { tls_shutdown(*client_, asio::detached); });
    });
  }
  [[nodiscard]] bool is_right() const { return answer_ == message_; }

private:
  void echo() {
    tls_read_some(*server_, asio::buffer(place_), [this](error_code ec, std::size_t n) {
      if (ec) return;
      tls_write(*server_, asio::buffer(place_, n), [this](error_code failed, std::size_t) {
        if (!failed) echo();
      });
    });
  }
  std::string message_, answer_;
  std::array<char, 4'096> place_;
  std::optional<stream<tcp::socket>> client_, server_;
};

BOOST_AUTO_TEST_CASE(many_that_echo_what_they_have_not_read_to_its_end_all_end) {
  auto servers = server_of_its_own();
  asio::io_context io;
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  std::list<echo_connection> all;
  for (int i = 0; i != 150; ++i)
    all.emplace_back(io, acceptor, servers).start();
  servers.set_memory_budget(servers.memory_usage() + 500'000);  // two rings
  std::vector<std::thread> threads;
  for (int i = 0; i != 4; ++i)
    threads.emplace_back([&io] { io.run(); });
  for (auto& thread : threads)
    thread.join();
  for (auto const& each : all)
    BOOST_TEST(each.is_right());
}

// TLS over TLS, all in one context: the outer streams hold the rings for which the inner ones would
// have to wait.
struct nested_session {
  using nested = stream<memory_tls, virtual_clock>;

  nested_session(asio::io_context& io, context& servers)
      : link_(memory_stream::make(io.get_executor())),
        client(memory_tls(std::move(link_.first), trusting_client()), trusting_client()),
        server(memory_tls(std::move(link_.second), servers), servers) {
    shake_hands(io, client.next_layer(), server.next_layer());
    shake_hands(io, client, server);
    server.lowest_layer().outgoing().capacity = 20'000;
  }
  void talk() {
    keep_reading(server, at_server);
    keep_reading(client, at_client);
    tls_write(server, asio::buffer(message), from_server.token());
    tls_write(client, asio::buffer(message), from_client.token());
  }

private:
  template <class Stream>
  static void shake_hands(asio::io_context& io, Stream& a, Stream& b) {
    ending of_client, of_server;
    tls_handshake(a, as_client{"localhost"}, of_client.token());
    tls_handshake(b, as_server{}, of_server.token());
    settle(io);
    BOOST_REQUIRE(of_client.done && !of_client.ec);
    BOOST_REQUIRE(of_server.done && !of_server.ec);
  }
  std::pair<memory_stream, memory_stream> link_;

public:
  nested client, server;
  std::string message = numbered_plaintext(300'000);
  ending from_client, from_server;
  sink at_client, at_server;
};

BOOST_AUTO_TEST_CASE(streams_over_streams_come_to_their_turn) {
  for (std::size_t const rings : {0U, 1U, 2U}) {
    auto servers = server_of_its_own();
    asio::io_context io;
    std::list<nested_session> all;
    for (int i = 0; i != 4; ++i)
      all.emplace_back(io, servers);
    auto const at_rest = servers.memory_usage();
    servers.set_memory_budget(rings == 0 ? 1 : at_rest + rings * 250'000);
    for (auto& each : all)
      each.talk();
    settle(io);
    for (auto const& each : all) {
      BOOST_TEST((each.from_server.done && !each.from_server.ec));
      BOOST_TEST((each.from_client.done && !each.from_client.ec));
      BOOST_TEST((each.at_client.plaintext == each.message));
      BOOST_TEST((each.at_server.plaintext == each.message));
    }
  }
}

// Else the ring would wait with what comes behind it until the program reads on.
BOOST_AUTO_TEST_CASE(read_takes_one_record_at_a_time) {
  for (bool const is_short : {false, true}) {
    auto servers = server_of_its_own();
    if (is_short) servers.set_memory_budget(1);
    busy_pair pair(servers);
    ending written, read;
    pair.shake_hands(*pair.client, *pair.server);
    auto const message = numbered_plaintext(40'000);
    tls_write(*pair.client, asio::buffer(message), written.token());
    pair.run_until([&] { return written.done; });
    std::string place(message.size(), '\0');
    tls_read_some(*pair.server, asio::buffer(place.data(), 1'000), read.token());
    pair.run_until([&] { return read.done; });
    BOOST_TEST(engine_of(*pair.server).ring().is_attached() == !is_short);
    read = {};
    asio::async_read(*pair.server, asio::buffer(place.data() + 1'000, 39'000), read.token());
    pair.run_until([&] { return read.done; });
    BOOST_TEST((place == message));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
