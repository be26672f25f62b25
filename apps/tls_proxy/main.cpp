// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A proxy that has TLS on one side and plain TCP on the other. See session.hpp for what a
// connection is, and apps/serving for how connections come and end.
#include "backends.hpp"
#include "options.hpp"
#include "session.hpp"
#include "tls_settings.hpp"

#include "serving/admin.hpp"
#include "serving/descriptors.hpp"
#include "serving/listener.hpp"
#include "serving/live_context.hpp"
#include "serving/metrics.hpp"
#include "serving/run.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace tls_proxy;
using serving::log_level;
namespace asio = boost::asio;

enum exit_status { stopped = 0, wrong_usage = 1, not_started = 2 };

}  // namespace

int main(int argc, char* argv[]) {
  std::optional<options> chosen;
  try {
    chosen = parse_options(argc, argv, std::cout);
  } catch (serving::usage_error const& error) {
    std::cerr << "tls_proxy: " << error.what() << "; see --help\n";
    return wrong_usage;
  }
  if (!chosen) return stopped;
  try {
    serving::server_log log{chosen->log};
    auto const tickets = serving::make_ticket_keys(server_tls_of(*chosen));
    serving::live_context tls{[&] { return make_context(*chosen, tickets); }, files_of(*chosen),
                              log};
    // A connection has two sockets, and a pipe while bytes are under way in the kernel.
    log.warn(serving::raise_descriptor_limit(chosen->listen.connections, chosen->ktls ? 4 : 2));
    backends list{chosen->backends,
                  [&](std::string_view what) { log.event(log_level::warning, "backend", what); },
                  {chosen->retry, {}, backends::clock::now}};
    asio::io_context io{static_cast<int>(chosen->listen.threads)};
    chosen->listen.admission.tickets = tickets;
    serving::listener server{io, chosen->listen, log};
    serving::counters counted;
    std::optional<serving::admin> admin;
    if (chosen->admin)
      admin.emplace(io, *chosen->admin, server, counted, tls, [&] { return list.metrics(); });
    if (chosen->insecure)
      log.event(log_level::warning, "warning",
                "the backend is NOT verified (--insecure); anybody between it and "
                "this proxy can read and change everything");
    serving::until_signal signals{io, server, [&] {
                                    log.reopen();
                                    tls.renew();
                                  }};
    tls.watch(server.executor());
    server.start([&](asio::ip::tcp::socket socket, asio::ip::tcp::endpoint const& client,
                     std::shared_ptr<serving::arrival> as) {
      return std::make_shared<session>(std::move(socket), client, std::move(as), tls.current(),
                                       *chosen, list, log);
    });
    std::cout << "listening on " << server.local_endpoint() << std::endl;
    if (admin) serving::announce(*admin);
    signals.run(chosen->listen.threads);
    std::cout << "stopped\n";
    return stopped;
  } catch (std::exception const& error) {
    std::cerr << "tls_proxy: " << error.what() << '\n';
    return not_started;
  }
}
