// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A server from its start to the signal that ends it.
#pragma once

#include "listener.hpp"
#include "server_log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

// Those of options that were given.
using chosen_files = std::vector<std::optional<std::filesystem::path>>;

// Throws std::runtime_error if there is a pipe among the files. One could be read at the start; to
// wait for its next writer would hold up the server.
void expect_no_pipe(chosen_files const& files);

// At a SIGHUP: puts what `load` makes of `files` in the place of `tls`, which new connections take;
// or tells why that failed, and leaves it.
template <class Context, class Load>
void exchange(std::shared_ptr<Context>& tls, chosen_files const& files, Load const& load,
              server_log& log) try {
  expect_no_pipe(files);
  tls = load();
  log.event(log_level::info, "certificates", "read again, for new connections");
} catch (std::exception const& error) {
  log.event(log_level::error, "certificates",
            std::string(error.what()) + "; those of before stay in use");
}

}  // namespace serving
