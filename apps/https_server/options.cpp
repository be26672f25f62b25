// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The names of the options, their defaults and their bounds.
#include "options.hpp"

#include "serving/admission_options.hpp"
#include "serving/manual.hpp"

#include <boost/program_options.hpp>

#include <cstdint>
#include <ostream>

namespace https_server {
namespace {

namespace po = boost::program_options;
using serving::file;
using serving::number;

auto files() { return po::value<std::vector<std::string>>()->value_name("FILE"); }

po::options_description table() {
  options const standard;
  auto const& limits = standard.limits;
  po::options_description all{"Options"};
  auto add = all.add_options();
  add("root", po::value<std::string>()->value_name("DIR"),
      "directory to serve (else: a test page)");
  add("browse", "list directories without an index.html");
  add("dotfiles", "serve names that begin with a dot, too");
  add("hsts", po::value<std::string>()->value_name("N"), "seconds that browsers keep to HTTPS");
  add("listen", po::value<std::string>()->value_name("ADDR:PORT")->default_value("127.0.0.1:8443"),
      "or [::]:8443, or 8443; 0: any free port");
  add("admin", po::value<std::string>()->value_name("[ADDR:]PORT"),
      "plain HTTP: /metrics, /ready, /live");
  add("threads", number(standard.threads), "number of threads");
  add("cert", files(), "certificate chain, PEM; may be repeated");
  add("key", files(), "its private key, PEM; in the same order");
  add("key-password-file", file(), "first line: password of encrypted keys");
  serving::add_tls_options(all);
  add("client-ca", file(), "authorities of client certificates, PEM");
  add("client-certificate", serving::one_of("required|requested"),
      "required unless told otherwise");
  add("key-log", file(), "write session secrets, for Wireshark");
  add("ktls", "kernel TLS for sending, where available");
  add("max-connections", number(static_cast<std::int64_t>(limits.connections)),
      "connections at once; others wait");
  serving::add_connection_limits(all);
  serving::add_handshake_limits(all);
  add("header-bytes", number(static_cast<std::int64_t>(limits.header_bytes)),
      "largest request header");
  add("message-bytes", number(static_cast<std::int64_t>(limits.message_bytes)),
      "largest WebSocket message");
  add("websocket-bytes", number(static_cast<std::int64_t>(limits.websocket_bytes)),
      "memory of all WebSockets together");
  add("handshake-seconds", number(limits.handshake.count()), "limit for the whole handshake");
  add("header-seconds", number(limits.header.count()), "limit for a request that has begun");
  add("idle-seconds", number(limits.idle.count()), "limit between requests or without pong");
  add("stall-seconds", number(limits.stall.count()), "for a client that stops reading");
  add("stop-seconds", number(standard.stop.count()), "limit for open requests after Ctrl-C");
  serving::add_log_options(all, "do not log requests");
  serving::add_manual_options(all);
  return all;
}

std::vector<serving::identity_files> identities(po::variables_map const& values) {
  auto const all = [&](char const* name) {
    return values.count(name) == 0 ? std::vector<std::string>()
                                   : values[name].as<std::vector<std::string>>();
  };
  auto const certificates = all("cert");
  auto const keys = all("key");
  if (certificates.size() != keys.size())
    throw usage_error(
        "--cert and --key belong together; give each certificate its key, or neither");
  std::vector<serving::identity_files> pairs;
  for (std::size_t i = 0; i < keys.size(); ++i)
    pairs.push_back({certificates[i], keys[i]});
  return pairs;
}

serving::manual about() {
  return {
      .program = "https_server",
      .summary = "serve the files of a directory over HTTPS",
      .arguments = "[OPTIONS]",
      .description =
          "Serves the files of a directory over HTTPS, until Ctrl-C; a WebSocket echo at /ws.\n"
          "Without --cert and --key it makes a certificate for localhost, keeps it in the cache\n"
          "directory of the user, and prints the authority that clients have to trust. Of\n"
          "several certificates a client gets the one for the name it asks for, else the first.",
      .options = table(),
      .details = serving::with_admission(
          {{"root",
            "Nothing outside of it is served, by whatever name or link. Names that begin with a\n"
            "dot are not found, but for .well-known, unless --dotfiles is given."},
           {"listen",
            "An address or a name of this machine, and a port. The port alone is on 127.0.0.1."},
           {"admin", "The address is 127.0.0.1 unless another is given."},
           {"key-log", "Only its owner may be able to read it, and it may be no symbolic link."},
           {"stall-seconds", "The limit for one that takes nothing more of a response."}}),
      .signals = serving::server_signals(),
      .exit_statuses = serving::server_exit_statuses(),
      .files = {{"/etc/default/https_server",
                 "The options of the service: systemctl enable --now https_server starts it, with\n"
                 "Debian's package tls-async-tools."},
                {"/etc/https_server/cert.pem, key.pem",
                 "The certificate and the key of the service, or links to them."},
                {"/usr/share/doc/tls-async-tools/guide/operate.md",
                 "How to set the service up, renew its certificate, watch it and keep its log."}},
      .examples = {{"https_server", "a page about the connection, on https://localhost:8443"},
                   {"https_server --root .", "the files of this directory, for this machine"},
                   {"https_server --root /srv/www --listen 0.0.0.0:443 --cert chain.pem --key "
                    "key.pem",
                    "the files of a site, for everybody"},
                   {"https_server --cert a.pem --key a.key --cert b.pem --key b.key",
                    "two names, with a certificate for each"}},
      .see_also = {{"https_get", "1"}, {"tls_proxy", "1"}, {"systemd.exec", "5"}}};
}

}  // namespace

std::optional<options> parse_options(int argc, char const* const* argv, std::ostream& out) {
  auto const values = serving::read_options(argc, argv, table(), "a directory is given by --root");
  if (auto const asked = serving::information(values, about())) {
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
  auto& tls = chosen.tls;
  tls.identities = identities(values);
  tls.sites = serving::path(values, "sites");
  tls.key_password = serving::path(values, "key-password-file");
  if (tls.key_password && tls.identities.empty() && !tls.sites)
    throw usage_error("--key-password-file needs --key, the key that it is for");
  tls.client_authority = serving::path(values, "client-ca");
  tls.clients = serving::wanted_certificates(values);
  tls.tickets = serving::ticket_files_of(values);
  tls.key_log = serving::path(values, "key-log");
  tls.alpn = {"h2", "http/1.1"};
  auto& limits = chosen.limits;
  limits.connections = static_cast<std::size_t>(number("max-connections", 1, 1'000'000));
  limits.header_bytes = static_cast<std::size_t>(number("header-bytes", 256, 1 << 20));
  limits.message_bytes =
      static_cast<std::size_t>(number("message-bytes", 1, std::int64_t{1} << 30));
  limits.websocket_bytes =
      static_cast<std::size_t>(number("websocket-bytes", 0, std::int64_t{1} << 32));
  limits.handshake = time("handshake-seconds", 1);
  chosen.admission = serving::admission_options_of(values, limits.connections, limits.handshake);
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

std::string help() { return serving::help(about()); }

}  // namespace https_server
