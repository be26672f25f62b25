// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The names of the options, their defaults and their bounds.
#include "options.hpp"

#include <boost/program_options.hpp>

#include <cstdint>
#include <sstream>

namespace https_server {
namespace {

namespace po = boost::program_options;
using serving::file;
using serving::number;

auto files() { return po::value<std::vector<std::string>>()->value_name("FILE"); }

po::options_description description() {
  options const standard;
  auto const& limits = standard.limits;
  po::options_description all{"Options"};
  auto add = all.add_options();
  add("root", po::value<std::string>()->value_name("DIR"),
      "directory to serve (default: a test page)");
  add("browse", "list directories without an index.html");
  add("dotfiles", "serve files whose names begin with a dot");
  add("hsts", po::value<std::string>()->value_name("N"),
      "seconds for which browsers use HTTPS only");
  add("listen", po::value<std::string>()->value_name("ADDR:PORT")->default_value("127.0.0.1:8443"),
      "0.0.0.0:8443, [::1]:8443, 8443; 0: any port");
  add("admin", po::value<std::string>()->value_name("[ADDR:]PORT"),
      "plain HTTP: /metrics, /ready, /live");
  add("threads", number(standard.threads), "number of threads");
  add("cert", files(), "certificate chain, PEM; may be repeated");
  add("key", files(), "its private key, PEM; in the same order");
  add("key-password-file", file(), "password of encrypted keys, its first line");
  add("client-ca", file(), "authorities of client certificates, PEM");
  add("client-certificate", po::value<std::string>()->value_name("HOW"),
      "required (the default) or requested");
  add("key-log", file(), "write session secrets, for Wireshark");
  add("ktls", "kernel TLS for sending, where available");
  add("max-connections", number(static_cast<std::int64_t>(limits.connections)),
      "connections at once; others wait");
  add("header-bytes", number(static_cast<std::int64_t>(limits.header_bytes)),
      "largest request header");
  add("message-bytes", number(static_cast<std::int64_t>(limits.message_bytes)),
      "largest WebSocket message");
  add("websocket-bytes", number(static_cast<std::int64_t>(limits.websocket_bytes)),
      "memory of all WebSockets together");
  add("handshake-seconds", number(limits.handshake.count()), "limit for the whole handshake");
  add("header-seconds", number(limits.header.count()), "limit for a request that has begun");
  add("idle-seconds", number(limits.idle.count()), "limit between requests or without a pong");
  add("stall-seconds", number(limits.stall.count()), "for a client that stops reading");
  add("stop-seconds", number(standard.stop.count()), "limit for open requests after Ctrl-C");
  serving::add_log_options(all, "do not log requests");
  serving::add_information(all);
  return all;
}

std::vector<identity> identities(po::variables_map const& values) {
  auto const all = [&](char const* name) {
    return values.count(name) == 0 ? std::vector<std::string>()
                                   : values[name].as<std::vector<std::string>>();
  };
  auto const certificates = all("cert");
  auto const keys = all("key");
  if (certificates.size() != keys.size())
    throw usage_error(
        "--cert and --key belong together; give each certificate its key, or neither");
  std::vector<identity> pairs;
  for (std::size_t i = 0; i < keys.size(); ++i)
    pairs.push_back({certificates[i], keys[i]});
  return pairs;
}

}  // namespace

std::optional<options> parse_options(int argc, char const* const* argv, std::ostream& out) {
  auto const values =
      serving::read_options(argc, argv, description(), "a directory is given by --root");
  if (auto const asked = serving::information(values, "https_server", help())) {
    out << *asked;
    return std::nullopt;
  }
  auto const number = [&](char const* name, std::int64_t least, std::int64_t most) {
    return serving::number_between(least, most, values, name);
  };
  auto const time = [&](char const* name, std::int64_t least) {
    return serving::seconds_from(least, values, name);
  };
  options chosen;
  chosen.root = serving::path(values, "root");
  chosen.listen = parse_endpoint(values["listen"].as<std::string>());
  if (values.count("admin") != 0)
    chosen.admin = parse_endpoint(values["admin"].as<std::string>(), "--admin");
  chosen.threads = static_cast<unsigned>(number("threads", 1, 1024));
  chosen.identities = identities(values);
  chosen.key_password = serving::path(values, "key-password-file");
  if (chosen.key_password && chosen.identities.empty())
    throw usage_error("--key-password-file needs --key, the key that it is for");
  chosen.client_authority = serving::path(values, "client-ca");
  chosen.clients = serving::wanted_certificates(values);
  chosen.key_log = serving::path(values, "key-log");
  auto& limits = chosen.limits;
  limits.connections = static_cast<std::size_t>(number("max-connections", 1, 1'000'000));
  limits.header_bytes = static_cast<std::size_t>(number("header-bytes", 256, 1 << 20));
  limits.message_bytes =
      static_cast<std::size_t>(number("message-bytes", 1, std::int64_t{1} << 30));
  limits.websocket_bytes =
      static_cast<std::size_t>(number("websocket-bytes", 0, std::int64_t{1} << 40));
  limits.handshake = time("handshake-seconds", 1);
  limits.header = time("header-seconds", 1);
  limits.idle = time("idle-seconds", 1);
  limits.stall = time("stall-seconds", 1);
  chosen.stop = time("stop-seconds", 0);
  chosen.files = {values.count("browse") != 0, values.count("dotfiles") != 0};
  if (!chosen.root && (chosen.files.browse || chosen.files.dotfiles))
    throw usage_error("--browse and --dotfiles need --root, the directory that they are for");
  if (values.count("hsts") != 0)
    chosen.hsts = std::chrono::seconds(number("hsts", 0, std::int64_t{10} * 366 * 86'400));
  chosen.ktls = values.count("ktls") != 0;
  chosen.log = serving::log_options_of(values);
  return chosen;
}

std::string help() {
  std::ostringstream text;
  text << "Serves the files of a directory over HTTPS, until Ctrl-C; a WebSocket echo at /ws.\n"
          "Without --cert and --key it makes a certificate for localhost, keeps it in the cache\n"
          "directory of the user, and prints the authority that clients have to trust. Of\n"
          "several certificates a client gets the one for the name it asks for, else the first.\n\n"
       << description()
       << "\nSIGHUP: certificates, keys and authorities are read again, for new connections.\n"
          "Exit status: 0 stopped by SIGINT or SIGTERM (a second one stops at once),\n"
          "1 wrong usage, 2 could not start (a file or the port).\n";
  return text.str();
}

}  // namespace https_server
