// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A server from its start to the signal that ends it.
#pragma once

#include "listener.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

namespace serving {

class until_signal {
public:
  // From here on SIGINT and SIGTERM end the server, not the process.
  until_signal(boost::asio::io_context& io, listener& server);

  // Completes after the first signal, when the connections have ended politely, or after a second
  // one, which ends them at once.
  void run(unsigned threads);

private:
  boost::asio::awaitable<void> wait(listener& server);

  boost::asio::io_context& io_;
  boost::asio::signal_set signals_;
};

}  // namespace serving
