// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Defaults that suit a small machine. What isn't given follows --max-connections: so no one address
// fills the queue, and those that wait leave room for those that are served.
#include "admission_options.hpp"

#include "command_line.hpp"
#include "manual.hpp"

#include <boost/program_options.hpp>

#include <algorithm>

namespace serving {
namespace {

namespace po = boost::program_options;

constexpr std::int64_t most = 1'000'000;
constexpr std::size_t least_per_address = 32;  // a house with some browsers

auto derived() { return po::value<std::string>()->value_name("N"); }

}  // namespace

void add_connection_limits(po::options_description& options) {
  auto add = options.add_options();
  add("connections-per-address", derived(), "at once (a quarter of all, or 32)");
  add("when-full", one_of("wait|close")->default_value("wait"), "what new connections do");
}

void add_handshake_limits(po::options_description& options) {
  admission_options const standard;
  auto add = options.add_options();
  add("max-handshakes", number(static_cast<std::int64_t>(standard.handshakes)),
      "handshakes in progress at once");
  add("handshake-rate", number(static_cast<std::int64_t>(standard.rate)),
      "handshakes that begin in a second");
  add("handshake-queue", derived(), "waiting ones (half of all connections)");
}

std::map<std::string, std::string> with_admission(std::map<std::string, std::string> details) {
  details.insert(
      {{"connections-per-address",
        "The default is a quarter of --max-connections, and at least 32. More are closed at once. "
        "An IPv6 address counts with all of its network, /64."},
       {"when-full",
        "Either wait in the backlog of the kernel until there is room, or are closed at once. A "
        "connection that has sent no ClientHello for a fifth of the time for a handshake is closed "
        "where others wait for its place."},
       {"max-handshakes",
        "Others wait after their ClientHello, for no longer than the handshake may take. A "
        "handshake that has had its place for a fifth of that is ended where others wait for it."},
       {"handshake-queue",
        "The default is half of --max-connections. All addresses have their turn one after the "
        "other. Clients that resume a session go first, but for every fourth."}});
  return details;
}

admission_options admission_options_of(po::variables_map const& values, std::size_t connections,
                                       std::chrono::seconds handshake) {
  auto const size = [&](char const* name, std::size_t standard) {
    return values.count(name) == 0
               ? standard
               : static_cast<std::size_t>(number_between(1, most, values, name));
  };
  admission_options chosen;
  chosen.handshakes = size("max-handshakes", chosen.handshakes);
  chosen.rate = size("handshake-rate", chosen.rate);
  chosen.queue = size("handshake-queue", std::max<std::size_t>(connections / 2, 1));
  chosen.per_address =
      size("connections-per-address", std::max(connections / 4, least_per_address));
  chosen.above =
      values["when-full"].as<std::string>() == "close" ? when_full::close : when_full::wait;
  chosen.patience = std::chrono::milliseconds(handshake) / 5;
  return chosen;
}

}  // namespace serving
