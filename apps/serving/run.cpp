// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The signals and the threads.
#include "run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <thread>
#include <vector>

namespace serving {

namespace asio = boost::asio;

until_signal::until_signal(asio::io_context& io, listener& server)
    : io_(io), signals_(server.executor(), SIGINT, SIGTERM) {
  asio::co_spawn(server.executor(), wait(server), asio::detached);
}

asio::awaitable<void> until_signal::wait(listener& server) {
  using namespace asio::experimental::awaitable_operators;
  co_await signals_.async_wait(asio::use_awaitable);
  co_await (server.finish() || signals_.async_wait(asio::use_awaitable));
  co_await server.abort();
  io_.stop();
}

void until_signal::run(unsigned threads) {
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i)
    others.emplace_back([this] { io_.run(); });
  io_.run();
}

}  // namespace serving
