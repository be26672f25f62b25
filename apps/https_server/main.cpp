// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An HTTPS server for static files and WebSockets: what it is told by the command line and the
// signals. See session.hpp for requests, static_files.hpp for what is served, and apps/serving for
// connections.
#include "development_certificate.hpp"
#include "open_files.hpp"
#include "options.hpp"
#include "service.hpp"
#include "session.hpp"
#include "static_files.hpp"

#include "serving/admin.hpp"
#include "serving/descriptors.hpp"
#include "serving/listener.hpp"
#include "serving/live_context.hpp"
#include "serving/metrics.hpp"
#include "serving/run.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

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

void announce(serving::listener const& server, std::optional<development_certificate> const& own) {
  auto const address = url(server.local_endpoint());
  std::cout << "listening on " << address << '\n';
  if (own) {
    std::cout << "certificate authority: " << own->authority.string() << '\n'
              << "try: curl --cacert " << own->authority.string() << ' ' << address << "/\n";
  }
  std::cout.flush();
}

}  // namespace

int main(int argc, char* argv[]) {
  std::optional<options> chosen;
  try {
    chosen = parse_options(argc, argv, std::cout);
  } catch (usage_error const& error) {
    std::cerr << "https_server: " << error.what() << "; see --help\n";
    return wrong_usage;
  }
  if (!chosen) return stopped;
  try {
    std::optional<static_files> files;
    if (chosen->root) files.emplace(*chosen->root, chosen->files);
    std::optional<development_certificate> own;
    serving::server_log log{chosen->log};
    auto const tickets = serving::make_ticket_keys(chosen->tls);
    auto const make = [&] {
      auto tls = chosen->tls;
      if (tls.identities.empty() && !tls.sites) {
        own = ensure_development_certificate(certificate_directory());
        tls.identities.push_back({own->certificate, own->key});
      }
      return serving::make_context(tls, tickets);
    };
    serving::live_context tls{make, serving::files_of(chosen->tls), log};
    log.warn(serving::raise_descriptor_limit(chosen->limits.connections, 1 + most_open_files));
    serving::counters counted;
    websocket_memory websockets{chosen->limits.websocket_bytes};
    // Behind what coroutines give back that it destroys.
    asio::io_context io{static_cast<int>(chosen->threads)};
    auto admission = chosen->admission;
    admission.tickets = tickets;
    serving::listener server{
        io,
        {chosen->listen, chosen->threads, chosen->limits.connections, chosen->stop, admission},
        log};
    auto const hsts =
        chosen->hsts ? "max-age=" + std::to_string(chosen->hsts->count()) : std::string();
    service const shared{.limits = chosen->limits,
                         .ktls = chosen->ktls,
                         .files = files ? &*files : nullptr,
                         .hsts = hsts,
                         .log = log,
                         .counted = counted,
                         .websockets = websockets,
                         .totals = [&server] { return server.totals(); }};
    std::optional<serving::admin> admin;
    if (chosen->admin) admin.emplace(io, *chosen->admin, server, counted, tls);
    if (chosen->tls.key_log)
      log.event(serving::log_level::warning, "warning",
                "the keys of all connections are written to " + chosen->tls.key_log->string() +
                    " (--key-log); whoever reads it can read them all");
    serving::until_signal signals{io, server, [&] {
                                    log.reopen();
                                    tls.renew();
                                  }};
    tls.watch(server.executor());
    server.start([&](asio::ip::tcp::socket socket, asio::ip::tcp::endpoint const& client,
                     std::shared_ptr<serving::arrival> as) {
      return std::make_shared<session>(std::move(socket), client, std::move(as), tls.current(),
                                       shared);
    });
    announce(server, own);
    if (admin) serving::announce(*admin);
    signals.run(chosen->threads);
    std::cout << "stopped\n";
    return stopped;
  } catch (std::exception const& error) {
    std::cerr << "https_server: " << error.what() << '\n';
    return not_started;
  }
}
