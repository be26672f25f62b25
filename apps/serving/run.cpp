// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The signals and the threads.
#include "run.hpp"

#include "supervisor.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <thread>
#include <utility>
#include <vector>

namespace serving {

namespace asio = boost::asio;

until_signal::until_signal(asio::io_context& io, listener& server, std::function<void()> on_hangup)
    : io_(io),
      signals_(server.executor(), SIGINT, SIGTERM),
      hangups_(server.executor()),
      on_hangup_(std::move(on_hangup)) {
  if (on_hangup_) {
    hangups_.add(SIGHUP);
    wait_for_hangup();
  }
  asio::co_spawn(server.executor(), wait(server), asio::detached);
}

asio::awaitable<void> until_signal::wait(listener& server) {
  using namespace asio::experimental::awaitable_operators;
  co_await signals_.async_wait(asio::use_awaitable);
  tell_supervisor("STOPPING=1");
  co_await (server.finish() || signals_.async_wait(asio::use_awaitable));
  co_await server.abort();
  io_.stop();
}

void until_signal::wait_for_hangup() {
  hangups_.async_wait([this](boost::system::error_code cancelled, int) {
    if (cancelled) return;
    wait_for_hangup();
    on_hangup_();
  });
}

void until_signal::run(unsigned threads) {
  tell_supervisor("READY=1");
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i)
    others.emplace_back([this] { io_.run(); });
  io_.run();
}

}  // namespace serving
