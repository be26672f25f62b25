// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Events and counters where the sessions of a context run on several threads.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "event_log.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// A whole session in memory, on the thread that calls it. Without Boost.Test, whose messages are
// not for several threads.
void run_session(context& for_client, context& for_server, char const* host) {
  using end = stream<memory_stream>;
  asio::io_context io{1};
  auto link = memory_stream::make(io.get_executor());
  end client(std::move(link.first), for_client);
  end server(std::move(link.second), for_server);
  std::array<char, 8> place{};
  tls_handshake(client, as_client{host}, [&](error_code failed) {
    if (failed) return;
    tls_shutdown(client, [](error_code) {});
  });
  tls_handshake(server, as_server{}, [&](error_code failed) {
    if (failed) return;
    tls_read_some(server, asio::buffer(place),
                  [&](error_code, std::size_t) { tls_shutdown(server, [](error_code) {}); });
  });
  io.poll();
}

BOOST_AUTO_TEST_SUITE(event_threads)

BOOST_AUTO_TEST_CASE(counters_add_up_over_threads) {
  constexpr std::uint64_t threads = 4;
  constexpr std::uint64_t rounds = 10;
  context for_client = client_context();
  context for_server = server_context();
  event_log of_client(for_client), of_server(for_server);
  std::atomic<bool> is_over = false;
  std::atomic<std::uint64_t> went_back = 0;
  std::thread reader([&] {
    for (std::uint64_t before = 0; !is_over;) {
      auto const now = for_client.counters().as_client.full;
      if (now < before) ++went_back;
      before = now;
    }
  });
  std::vector<std::thread> workers;
  for (std::uint64_t i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (std::uint64_t round = 0; round < rounds; ++round) {
        run_session(for_client, for_server, "localhost");
        run_session(for_client, for_server, "elsewhere.test");
      }
    });
  }
  for (auto& each : workers)
    each.join();
  is_over = true;
  reader.join();
  BOOST_TEST(went_back == 0U);
  constexpr std::uint64_t all = threads * rounds;
  auto const client = for_client.counters();
  auto const server = for_server.counters();
  BOOST_TEST(client.as_client.full == all);
  BOOST_TEST(server.as_server.full == all);
  BOOST_TEST(failures(client.as_client, end_reason::host_mismatch) == all);
  BOOST_TEST(failures(server.as_server, end_reason::peer_alert) == all);
  BOOST_TEST(ends(client, end_reason::ok) == all);
  BOOST_TEST(ends(server, end_reason::ok) == all);
  BOOST_TEST(std::accumulate(client.handshake_durations.begin(), client.handshake_durations.end(),
                             std::uint64_t{0}) == 2 * all);
  BOOST_TEST(of_client.events().size() == 3 * all);
  BOOST_TEST(of_server.events().size() == 3 * all);
}

// Two threads run one stream without a strand, and others ask it.
BOOST_AUTO_TEST_CASE(events_of_a_stream_come_one_after_the_other_without_a_lock) {
  for (int round = 0; round < 5; ++round) {
    context for_client = client_context();
    context for_server = server_context();
    event_log of_client(for_client), of_server(for_server);
    std::atomic<int> inside = 0;
    std::atomic<int> overlaps = 0;
    std::promise<void> told;
    asio::io_context io;
    auto guard = asio::make_work_guard(io);
    std::vector<std::thread> loops;
    loops.reserve(2);
    for (int i = 0; i < 2; ++i)
      loops.emplace_back([&] { io.run(); });
    {
      tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
      tcp::socket socket(io);
      socket.connect(acceptor.local_endpoint());
      stream<tcp::socket> client(std::move(socket), for_client);
      stream<tcp::socket> server(acceptor.accept(), for_server);
      of_client.then = [&](session_event const& event) {
        if (++inside != 1) ++overlaps;
        bool const is_handshake = event.what == session_event::kind::handshake_ended;
        if (is_handshake) std::thread([&] { (void)client.stats(); }).join();
        --inside;
        if (is_handshake) told.set_value();
      };
      auto shaken = tls_handshake(client, as_client{"localhost"}, asio::use_future);
      auto answered = tls_handshake(server, as_server{}, asio::use_future);
      shaken.get();
      answered.get();
      told.get_future()
          .wait();  // it may still be told: without a strand handlers don't wait for it
      auto closed = tls_shutdown(client, asio::use_future);
      auto closed_too = tls_shutdown(server, asio::use_future);
      closed.get();
      closed_too.get();
    }
    guard.reset();
    for (auto& each : loops)
      each.join();
    BOOST_TEST(overlaps == 0);
    BOOST_TEST(of_client.story() == "handshake ok, session ok");
    BOOST_TEST(of_server.story() == "handshake ok, session ok");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
