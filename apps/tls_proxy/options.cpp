// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The names of the options, their defaults and their bounds, and which belong to which mode.
#include "options.hpp"

#include "serving/admission_options.hpp"
#include "serving/manual.hpp"

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/program_options.hpp>

#include <algorithm>
#include <cctype>
#include <ostream>
#include <utility>

namespace tls_proxy {
namespace {

namespace po = boost::program_options;
using serving::file;
using serving::number;
using serving::usage_error;

auto word(char const* name) { return po::value<std::string>()->value_name(name); }

po::options_description table() {
  options const standard;
  po::options_description all{"Options"};
  auto add = all.add_options();
  add("mode", serving::one_of("server|client")->default_value("server"),
      "on whose side the TLS is");
  add("listen", word("ADDR:PORT")->default_value("127.0.0.1:8443"),
      "or [::]:8443, or 8443; 0: any free port");
  add("admin", word("[ADDR:]PORT"), "plain HTTP: /metrics, /ready, /live");
  add("connect", po::value<std::vector<std::string>>()->value_name("HOST:PORT"),
      "the backend; may be repeated");
  add("cert", file(), "our certificate chain, PEM");
  add("key", file(), "its private key, PEM");
  add("key-password-file", file(), "password of the key, its first line");
  serving::add_tls_options(all);
  add("client-ca", file(), "server: authorities of its clients");
  add("client-certificate", serving::one_of("required|requested"),
      "server: required unless told otherwise");
  add("cacert", file(), "client: authorities to trust");
  add("server-name", word("NAME"), "client: host name to verify and to send");
  add("insecure", "client: do NOT verify the backend");
  add("alpn", word("LIST"), "protocols, such as h2,http/1.1");
  add("early-connect", "server: connect during the handshake");
  add("accept-proxy", "clients send a PROXY header (v2) first");
  add("send-proxy", "send one to the backend");
  add("ktls", "kernel TLS for sending, where available");
  add("threads", number(standard.listen.threads), "number of threads");
  add("max-connections", number(static_cast<std::int64_t>(standard.listen.connections)),
      "connections at once; others wait");
  serving::add_connection_limits(all);
  serving::add_handshake_limits(all);
  add("handshake-seconds", number(standard.handshake.count()), "limit for the TLS handshake");
  add("connect-seconds", number(standard.connect.count()), "limit to reach the backend");
  add("retry-seconds", number(standard.retry.count()), "a backend that failed is passed over");
  add("idle-seconds", number(standard.idle.count()), "limit without progress either way");
  add("stop-seconds", number(standard.listen.stop.count()),
      "limit for open connections after Ctrl-C");
  serving::add_log_options(all, "log only what went wrong");
  serving::add_manual_options(all);
  return all;
}

void refuse_of_other_mode(po::variables_map const& values, mode chosen) {
  auto const others =
      chosen == mode::server
          ? std::vector<char const*>{"cacert", "server-name", "insecure"}
          : std::vector<char const*>{"client-ca",      "client-certificate", "early-connect",
                                     "sites",          "ticket-keys",        "max-handshakes",
                                     "handshake-rate", "handshake-queue"};
  for (auto const* name : others)
    if (values.count(name) != 0 && !values[name].defaulted())
      throw usage_error(std::string("--") + name + " means nothing with --mode " +
                        (chosen == mode::server ? "server, where clients bring the TLS"
                                                : "client, where the backend brings the TLS"));
}

mode chosen_mode(po::variables_map const& values) {
  auto const chosen = values["mode"].as<std::string>() == "server" ? mode::server : mode::client;
  refuse_of_other_mode(values, chosen);
  return chosen;
}

std::vector<std::string> protocols(po::variables_map const& values) {
  std::vector<std::string> all;
  if (values.count("alpn") == 0) return all;
  boost::algorithm::split(all, values["alpn"].as<std::string>(), boost::algorithm::is_any_of(","));
  if (std::any_of(all.begin(), all.end(), [](auto const& one) { return one.empty(); }))
    throw usage_error("--alpn has an empty name; write for example h2,http/1.1");
  return all;
}

serving::manual about() {
  return {
      .program = "tls_proxy",
      .summary = "put TLS in front of a service or around its clients",
      .arguments = "--connect HOST:PORT [OPTIONS]",
      .description =
          "Puts TLS in front of a service that has none (--mode server, with --cert and --key),\n"
          "or around clients that have none (--mode client). A client verifies the backend, with\n"
          "the authorities of the system and the host of --connect unless told otherwise.",
      .options = table(),
      .details = serving::with_admission(
          {{"listen",
            "An address or a name of this machine, and a port. The port alone is on 127.0.0.1."},
           {"admin", "The address is 127.0.0.1 unless another is given."},
           {"connect",
            "The port may also be the name of a service. Of several backends, and of all addresses "
            "of a name, the one with the fewest connections is next."},
           {"early-connect",
            "Saves a client the time that it takes to connect to the backend. But then everybody "
            "who connects to the proxy makes it connect to the backend, without a handshake too."},
           {"ktls",
            "What is sent by TLS goes from one socket to the other and never enters the program. "
            "The log says for each connection whether the kernel sealed it or the process did. A "
            "peer that asks for new keys is cut off."},
           {"retry-seconds", "For so long, unless no other answers."}}),
      .signals = serving::server_signals(),
      .exit_statuses = serving::server_exit_statuses(),
      .examples = {{"tls_proxy --listen 0.0.0.0:8443 --cert chain.pem --key key.pem --connect "
                    "localhost:8080",
                    "TLS for a service on this machine"},
                   {"tls_proxy --mode client --listen 8080 --connect example.org:443",
                    "for clients on this machine that have no TLS"}},
      .see_also = {{"https_server", "1"}, {"https_get", "1"}}};
}

}  // namespace

backend_name parse_backend(std::string const& text) {
  auto at = serving::split_address(text);
  if (!at || at->host.empty() || at->port.empty())
    throw usage_error("--connect \"" + text +
                      "\" is not HOST:PORT; write for example localhost:80 or [::1]:80");
  bool const is_name = std::isalpha(static_cast<unsigned char>(at->port.front())) != 0;
  if (!is_name) serving::parse_number(at->port, 1, 65'535, "the port of --connect");
  return {std::move(at->host), std::move(at->port)};
}

std::string text_of(backend_name const& name) {
  bool const is_v6 = name.host.find(':') != std::string::npos;
  return (is_v6 ? '[' + name.host + ']' : name.host) + ':' + name.port;
}

std::optional<options> parse_options(int argc, char const* const* argv, std::ostream& out) {
  auto const values =
      serving::read_options(argc, argv, table(), "the backend is given by --connect");
  if (auto const asked = serving::information(values, about())) {
    out << *asked;
    return std::nullopt;
  }
  options chosen;
  auto& listen = chosen.listen;
  listen.endpoint = serving::parse_endpoint(values["listen"].as<std::string>());
  if (values.count("admin") != 0)
    chosen.admin = serving::parse_endpoint(values["admin"].as<std::string>(), "--admin");
  listen.threads = static_cast<unsigned>(serving::number_between(1, 1024, values, "threads"));
  listen.connections =
      static_cast<std::size_t>(serving::number_between(1, 1'000'000, values, "max-connections"));
  chosen.handshake = serving::seconds_from(1, values, "handshake-seconds");
  listen.admission = serving::admission_options_of(values, listen.connections, chosen.handshake);
  chosen.mode = chosen_mode(values);
  // Clients without TLS are ours.
  if (chosen.mode == mode::client && values.count("connections-per-address") == 0)
    listen.admission.per_address = listen.connections;
  listen.stop = serving::seconds_from(0, values, "stop-seconds");
  if (values.count("connect") == 0)
    throw usage_error("no backend is given; pass --connect HOST:PORT");
  for (auto const& text : values["connect"].as<std::vector<std::string>>()) {
    auto name = parse_backend(text);
    if (std::find(chosen.backends.begin(), chosen.backends.end(), name) != chosen.backends.end())
      throw usage_error("--connect " + text + " is given twice");
    chosen.backends.push_back(std::move(name));
  }
  chosen.certificate = serving::path(values, "cert");
  chosen.key = serving::path(values, "key");
  if (chosen.certificate.has_value() != chosen.key.has_value())
    throw usage_error("--cert and --key belong together; give both or neither");
  chosen.sites = serving::path(values, "sites");
  chosen.key_password = serving::path(values, "key-password-file");
  if (chosen.key_password && !chosen.key && !chosen.sites)
    throw usage_error("--key-password-file needs --key, the key that it is for");
  if (chosen.mode == mode::server && !chosen.certificate && !chosen.sites)
    throw usage_error("--mode server needs a certificate; give --cert and --key");
  chosen.tickets = serving::ticket_files_of(values);
  chosen.client_authority = serving::path(values, "client-ca");
  chosen.clients = serving::wanted_certificates(values);
  chosen.authority = serving::path(values, "cacert");
  chosen.insecure = values.count("insecure") != 0;
  if (chosen.insecure && chosen.authority)
    throw usage_error(
        "--cacert names whom to trust, --insecure trusts everyone; give only one of them");
  if (values.count("server-name") != 0)
    chosen.server_name = values["server-name"].as<std::string>();
  chosen.alpn = protocols(values);
  chosen.early_connect = values.count("early-connect") != 0;
  chosen.accept_proxy_header = values.count("accept-proxy") != 0;
  listen.admission.sees_clients = !chosen.accept_proxy_header;
  chosen.send_proxy_header = values.count("send-proxy") != 0;
  chosen.ktls = values.count("ktls") != 0;
  chosen.connect = serving::seconds_from(1, values, "connect-seconds");
  chosen.retry = serving::seconds_from(1, values, "retry-seconds");
  chosen.idle = serving::seconds_from(1, values, "idle-seconds");
  chosen.log = serving::log_options_of(values);
  return chosen;
}

std::string help() { return serving::help(about()); }

}  // namespace tls_proxy
