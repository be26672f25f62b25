// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An HTTPS server for static files and WebSockets: what it is told by the command line and the
// signals. See listener.hpp for connections, session.hpp for requests, static_files.hpp for what is
// served.
#include "access_log.hpp"
#include "development_certificate.hpp"
#include "listener.hpp"
#include "options.hpp"
#include "server_context.hpp"
#include "static_files.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace https_server;
namespace asio = boost::asio;

enum exit_status { stopped = 0, wrong_usage = 1, not_started = 2 };

std::string url(asio::ip::tcp::endpoint const& endpoint) {
  static auto const named_localhost = {"127.0.0.1", "::1", "0.0.0.0", "::"};
  std::ostringstream text;
  text << "https://";
  auto const address = endpoint.address().to_string();
  if (std::find(named_localhost.begin(), named_localhost.end(), address) != named_localhost.end())
    text << "localhost:" << endpoint.port();
  else
    text << endpoint;
  return text.str();
}

void announce(listener const& server, std::optional<development_certificate> const& own) {
  auto const address = url(server.local_endpoint());
  std::cout << "listening on " << address << '\n';
  if (own) {
    std::cout << "certificate authority: " << own->authority.string() << '\n'
              << "try: curl --cacert " << own->authority.string() << ' ' << address << "/\n";
  }
  std::cout.flush();
}

// The first signal ends politely, the second one at once.
asio::awaitable<void> serve_until_signal(asio::signal_set& signals, listener& server,
                                         asio::io_context& io) {
  using namespace asio::experimental::awaitable_operators;
  co_await signals.async_wait(asio::use_awaitable);
  co_await (server.finish() || signals.async_wait(asio::use_awaitable));
  co_await server.abort();
  io.stop();
}

void run(asio::io_context& io, unsigned threads) {
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i)
    others.emplace_back([&] { io.run(); });
  io.run();
}

}  // namespace

int main(int argc, char* argv[]) {
  std::optional<options> chosen;
  try {
    chosen = parse_options(argc, argv);
  } catch (usage_error const& error) {
    std::cerr << "https_server: " << error.what() << "; see --help\n";
    return wrong_usage;
  }
  if (!chosen) {
    std::cout << help();
    return stopped;
  }
  try {
    std::optional<static_files> files;
    if (chosen->root) files.emplace(*chosen->root);
    std::optional<development_certificate> own;
    auto identities = chosen->identities;
    if (identities.empty()) {
      own = ensure_development_certificate(certificate_directory());
      identities.push_back({own->certificate, own->key});
    }
    server_context tls{*chosen, identities};
    access_log log{std::clog,
                   chosen->quiet ? access_log::requests::quiet : access_log::requests::logged};
    asio::io_context io{static_cast<int>(chosen->threads)};
    listener server{io, *chosen, tls.context(), files ? &*files : nullptr, log};
    if (chosen->key_log)
      log.incident("warning", "the keys of all connections are written to " +
                                  chosen->key_log->string() +
                                  " (--key-log); whoever reads it can read them all");
    asio::signal_set signals{server.executor(), SIGINT, SIGTERM};
    asio::co_spawn(server.executor(), serve_until_signal(signals, server, io), asio::detached);
    server.start();
    announce(server, own);
    run(io, chosen->threads);
    std::cout << "stopped\n";
    return stopped;
  } catch (std::exception const& error) {
    std::cerr << "https_server: " << error.what() << '\n';
    return not_started;
  }
}
