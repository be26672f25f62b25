// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The echo pair in each style, over each next layer.
#include "echo.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <future>
#include <thread>

namespace tls_async::test {
namespace {

// That the programs are ones for Asio's stream is shown by the first. The coroutines go over every
// next layer, the other styles over the usual one: each of these pairs takes the compiler seconds.
using over_each_layer =
    boost::mpl::list<asio_stream<tcp::socket>,             //
                     our_stream<tcp::socket>,              //
                     our_stream<tcp::socket&>,             //
                     our_stream<beast::tcp_stream>,        //
                     our_stream<local_socket>,             //
                     our_stream<our_stream<tcp::socket>>,  //
                     our_stream<asio_stream<tcp::socket>>, asio_stream<our_stream<tcp::socket>>>;
using over_sockets = both_streams<tcp::socket>;

BOOST_AUTO_TEST_SUITE(echo)

BOOST_AUTO_TEST_CASE_TEMPLATE(works_with_callbacks, Stream, over_sockets) {
  connection<Stream> over;
  callback_echo_server<Stream> server(over.server.stream);
  callback_echo_client<Stream> client(over.client.stream);
  server.start();
  client.start();
  run(over.io);
  BOOST_TEST(client.ended);
  BOOST_TEST(server.ended);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(works_with_use_awaitable, Stream, over_each_layer) {
  connection<Stream> over;
  int ended = 0;
  auto const end = [&ended](std::exception_ptr thrown) {
    rethrow(thrown);
    ++ended;
  };
  asio::co_spawn(over.io, coroutine_echo_server(over.server.stream), end);
  asio::co_spawn(over.io, coroutine_echo_client(over.client.stream), end);
  run(over.io);
  BOOST_TEST(ended == 2);
}

// One chain of operations for each stream: Asio calls that an implicit strand, whoever runs the
// io_context.
BOOST_AUTO_TEST_CASE_TEMPLATE(works_with_use_future, Stream, over_sockets) {
  for (unsigned const threads : {1U, 2U}) {
    auto& over = lasting<connection<Stream>>();
    auto work = asio::make_work_guard(over.io);
    auto io = std::async(std::launch::async, [&] { run(over.io, threads); });
    auto server = std::async(std::launch::async, [&] { future_echo_server(over.server.stream); });
    BOOST_CHECK_NO_THROW(future_echo_client(over.client.stream));
    BOOST_CHECK_NO_THROW(server.get());
    work.reset();
    io.get();
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(works_with_deferred, Stream, over_sockets) {
  connection<Stream> over;
  int ended = 0;
  auto const end = [&ended](std::exception_ptr thrown) {
    rethrow(thrown);
    ++ended;
  };
  asio::co_spawn(over.io, deferred_echo_server(over.server.stream), end);
  asio::co_spawn(over.io, deferred_echo_client(over.client.stream), end);
  run(over.io);
  BOOST_TEST(ended == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
