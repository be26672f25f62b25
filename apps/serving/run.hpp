// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A server from its start to the signal that ends it.
#pragma once

#include "listener.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>

namespace serving {

class until_signal {
public:
  // From here on SIGINT and SIGTERM end the server, not the process, and SIGHUP calls `on_hangup`,
  // if there is one, on the listener's executor.
  until_signal(boost::asio::io_context& io, listener& server, std::function<void()> on_hangup);

  // The server listens: tells a supervisor so, see supervisor.hpp. Completes after the first
  // signal, when the connections have ended politely, or after a second one, which ends them at
  // once.
  void run(unsigned threads);

private:
  boost::asio::awaitable<void> wait(listener& server);
  void wait_for_hangup();

  boost::asio::io_context& io_;
  boost::asio::signal_set signals_;
  boost::asio::signal_set hangups_;
  std::function<void()> on_hangup_;
};

}  // namespace serving
