// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Where handlers run, and several threads.
#include "connection.hpp"
#include "echo.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <exception>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tls_async::test {
namespace {

using socket_streams =
    boost::mpl::list<asio_stream<tcp::socket>, our_stream<tcp::socket>,
                     our_stream<beast::tcp_stream>, our_stream<our_stream<tcp::socket>>>;

BOOST_AUTO_TEST_SUITE(handler_executor)

// Each verb with a strand of its own: one thread runs them all, so that each is on the right one is
// the question.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_the_associated_one, Stream, socket_streams) {
  connection<Stream> over;
  using strand = asio::strand<asio::io_context::executor_type>;
  int completed = 0, misplaced = 0;
  auto const on_its_strand = [&](auto next) {
    strand const where(over.io.get_executor());
    return asio::bind_executor(where, [&, where, next](error_code ec, std::size_t = 0) {
      require(ec, "verb");
      ++completed;
      if (!where.running_in_this_thread()) ++misplaced;
      next();
    });
  };
  auto const nothing = [] {};
  auto& client = over.client.stream;
  auto& server = over.server.stream;
  std::array<char, 5> sent{'h', 'e', 'l', 'l', 'o'}, received{};
  client.async_handshake(Stream::client, on_its_strand([&] {
                           client.async_write_some(
                               asio::buffer(sent), on_its_strand([&] {
                                 client.async_write_some(
                                     asio::const_buffer(), on_its_strand([&] {
                                       client.async_shutdown(on_its_strand(nothing));
                                     }));
                               }));
                         }));
  server.async_handshake(Stream::server, on_its_strand([&] {
                           server.async_read_some(
                               asio::buffer(received), on_its_strand([&] {
                                 server.async_read_some(
                                     asio::mutable_buffer(), on_its_strand([&] {
                                       server.async_shutdown(on_its_strand(nothing));
                                     }));
                               }));
                         }));
  over.io.run();
  BOOST_TEST(completed == 8);
  BOOST_TEST(misplaced == 0);
}

// That of a stream may be type-erased, and mostly is.
BOOST_AUTO_TEST_CASE_TEMPLATE(may_be_a_strand_over_that_of_the_stream, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  auto const where = asio::make_strand(over.client.stream.get_executor());
  int placed = 0;
  over.client.stream.async_handshake(Stream::client, asio::bind_executor(where, [&](error_code ec) {
                                       require(ec, "client handshake");
                                       placed += where.running_in_this_thread();
                                     }));
  over.server.stream.async_handshake(Stream::server,
                                     [](error_code ec) { require(ec, "server handshake"); });
  over.io.run();
  BOOST_TEST(placed == 1);
}

// Failures and refusals as well.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_the_associated_one_for_errors, Stream, both_streams<tcp::socket>) {
  connection<Stream> over;
  asio::strand<asio::io_context::executor_type> const where(over.io.get_executor());
  over.server.stream.lowest_layer().close();
  bool misplaced = true;
  over.client.stream.async_handshake(Stream::client, asio::bind_executor(where, [&](error_code ec) {
                                       BOOST_TEST(ec);
                                       misplaced = !where.running_in_this_thread();
                                     }));
  over.io.run();
  BOOST_TEST(!misplaced);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(is_that_of_the_next_layer_by_default, Stream,
                              both_streams<tcp::socket>) {
  asio::io_context io;
  contexts with;
  auto const strand = asio::make_strand(io);
  auto const on_strand = [&](tcp::socket socket) {
    return tcp::socket(strand, tcp::v4(), socket.release());
  };
  auto [a, b] = connected_sockets<tcp::socket>(io);
  Stream client(on_strand(std::move(a)), with.client), server(on_strand(std::move(b)), with.server);
  int misplaced = 2;
  auto const check = [&](error_code ec) {
    require(ec, "handshake");
    if (strand.running_in_this_thread()) --misplaced;
  };
  client.async_handshake(Stream::client, check);
  server.async_handshake(Stream::server, check);
  io.run();
  BOOST_TEST(misplaced == 0);
}

// The handlers run in a pool, the sockets in an io_context.
BOOST_AUTO_TEST_CASE_TEMPLATE(may_belong_to_another_context, Stream, both_streams<tcp::socket>) {
  connection<Stream> over;
  auto work = asio::make_work_guard(over.io);
  std::thread io([&] { over.io.run(); });
  asio::thread_pool pool(1);
  std::promise<void> server_ended, client_ended;
  auto const into = [](std::promise<void>& ended) {
    return [&ended](std::exception_ptr thrown) {
      if (thrown) {
        ended.set_exception(thrown);
      } else {
        ended.set_value();
      }
    };
  };
  asio::co_spawn(pool, coroutine_echo_server(over.server.stream), into(server_ended));
  asio::co_spawn(pool, coroutine_echo_client(over.client.stream), into(client_ended));
  BOOST_CHECK_NO_THROW(client_ended.get_future().get());
  BOOST_CHECK_NO_THROW(server_ended.get_future().get());
  pool.join();
  work.reset();
  io.join();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(several_threads)

template <class Stream>
asio::awaitable<void> send(Stream& stream, std::string const& bytes) {
  co_await asio::async_write(stream, asio::buffer(bytes), asio::use_awaitable);
}
template <class Stream>
asio::awaitable<void> receive(Stream& stream, std::string& bytes) {
  co_await asio::async_read(stream, asio::buffer(bytes), asio::use_awaitable);
}

// Both directions at once, so a strand is needed; the sockets know nothing of it.
template <class Stream>
asio::awaitable<void> both_ways(Stream& stream, handshake_type role, std::string& received) {
  using namespace asio::experimental::awaitable_operators;
  co_await stream.async_handshake(role, asio::use_awaitable);
  std::string const sent(2'000'000, role == Stream::client ? 'c' : 's');
  received.resize(sent.size());
  co_await (send(stream, sent) && receive(stream, received));
  co_await stream.async_shutdown(asio::use_awaitable);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(with_explicit_strands_both_directions_go_at_once, Stream,
                              socket_streams) {
  connection<Stream> over;
  std::string to_client, to_server;
  auto const spawn = [&](auto& at, std::string& received) {
    asio::co_spawn(asio::make_strand(over.io), both_ways(at.stream, at.role, received), rethrow);
  };
  spawn(over.client, to_client);
  spawn(over.server, to_server);
  run(over.io, 2);
  BOOST_TEST((to_client == std::string(2'000'000, 's')));
  BOOST_TEST((to_server == std::string(2'000'000, 'c')));
}

// One chain of operations for each stream, each continued by whichever thread is free: the implicit
// strand.
BOOST_AUTO_TEST_CASE_TEMPLATE(with_implicit_strands_a_chain_of_verbs_works, Stream,
                              socket_streams) {
  connection<Stream> over;
  std::atomic<int> ended = 0;
  auto const end = [&ended](std::exception_ptr thrown) {
    rethrow(thrown);
    ++ended;
  };
  asio::co_spawn(over.io, coroutine_echo_server(over.server.stream), end);
  asio::co_spawn(over.io, coroutine_echo_client(over.client.stream), end);
  run(over.io, 2);
  BOOST_TEST(ended == 2);
}

// Many connections of one context, each on its strand.
BOOST_AUTO_TEST_CASE_TEMPLATE(share_contexts, Stream, both_streams<tcp::socket>) {
  asio::io_context io;
  contexts with;
  std::vector<std::unique_ptr<Stream>> all;
  std::atomic<int> ended = 0;
  auto const end = [&ended](std::exception_ptr thrown) {
    rethrow(thrown);
    ++ended;
  };
  for (int i = 0; i != 10; ++i) {
    auto [a, b] = connected_sockets<tcp::socket>(io);
    auto& client = *all.emplace_back(std::make_unique<Stream>(std::move(a), with.client));
    auto& server = *all.emplace_back(std::make_unique<Stream>(std::move(b), with.server));
    asio::co_spawn(asio::make_strand(io), coroutine_echo_server(server), end);
    asio::co_spawn(asio::make_strand(io), coroutine_echo_client(client), end);
  }
  run(io, 2);
  BOOST_TEST(ended == 20);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
