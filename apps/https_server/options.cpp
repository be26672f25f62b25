// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The only part that knows Boost.Program_options.
#include "options.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/program_options.hpp>

#include <charconv>
#include <cstdint>
#include <sstream>

namespace https_server {
namespace {

namespace po = boost::program_options;

// Read as signed, because an unsigned one would take "-1" for a large number.
auto number(std::int64_t standard) {
  return po::value<std::int64_t>()->value_name("N")->default_value(standard);
}

auto file() { return po::value<std::string>()->value_name("FILE"); }
auto files() { return po::value<std::vector<std::string>>()->value_name("FILE"); }

po::options_description description() {
  options const standard;
  auto const& limits = standard.limits;
  po::options_description all{"Options"};
  auto add = all.add_options();
  add("root", po::value<std::string>()->value_name("DIR"), "what to serve; else a page of its own");
  add("listen", po::value<std::string>()->value_name("ADDR:PORT")->default_value("127.0.0.1:8443"),
      "port 0: any free one; IPv6: [::1]:8443");
  add("threads", number(standard.threads), "threads that serve");
  add("cert", files(), "certificate chain, PEM; may be repeated");
  add("key", files(), "its key, PEM; in the same order");
  add("client-ca", file(), "authorities (PEM) to verify clients by");
  add("client-certificate", po::value<std::string>()->value_name("HOW"),
      "required (the default) or requested");
  add("key-log", file(), "write all keys there, for Wireshark");
  add("ktls", "let the kernel seal what is sent, files without a copy");
  add("max-connections", number(static_cast<std::int64_t>(limits.connections)),
      "at once; further ones wait");
  add("header-bytes", number(static_cast<std::int64_t>(limits.header_bytes)),
      "largest request header");
  add("message-bytes", number(static_cast<std::int64_t>(limits.message_bytes)),
      "largest WebSocket message");
  add("handshake-seconds", number(limits.handshake.count()), "for the whole handshake");
  add("header-seconds", number(limits.header.count()), "for a request once it has begun");
  add("idle-seconds", number(limits.idle.count()), "between requests, or without a pong");
  add("stop-seconds", number(standard.stop.count()), "for what is in flight at Ctrl-C");
  add("quiet", "no line for each request");
  add("help", "this text");
  return all;
}

std::int64_t number_between(std::int64_t least, std::int64_t most, po::variables_map const& values,
                            std::string const& name) {
  auto const value = values[name].as<std::int64_t>();
  if (value < least || value > most)
    throw usage_error("--" + name + " must be between " + std::to_string(least) + " and " +
                      std::to_string(most));
  return value;
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

void read_client_certificates(po::variables_map const& values, options& chosen) {
  if (values.count("client-ca") != 0)
    chosen.client_authority = values["client-ca"].as<std::string>();
  if (values.count("client-certificate") == 0) return;
  if (!chosen.client_authority)
    throw usage_error(
        "--client-certificate needs --client-ca, the authorities to verify the clients with");
  auto const how = values["client-certificate"].as<std::string>();
  if (how != "required" && how != "requested")
    throw usage_error("--client-certificate must be required or requested, not \"" + how + '"');
  chosen.clients =
      how == "required" ? client_certificates::required : client_certificates::requested;
}

}  // namespace

boost::asio::ip::tcp::endpoint parse_endpoint(std::string_view text) {
  auto const malformed = [&] {
    return usage_error("--listen \"" + std::string(text) +
                       "\" is not ADDR:PORT; write for example 127.0.0.1:8443, 0.0.0.0:8443 or "
                       "[::1]:8443");
  };
  auto const colon = text.rfind(':');
  if (colon == std::string_view::npos) throw malformed();
  auto address = text.substr(0, colon);
  auto const digits = text.substr(colon + 1);
  bool const bracketed = address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);

  std::uint16_t port = 0;
  auto const [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  boost::system::error_code error;
  auto const parsed = boost::asio::ip::make_address(std::string(address), error);
  bool const port_is_whole = failure == std::errc{} && end == digits.data() + digits.size();
  if (!port_is_whole || error || parsed.is_v6() != bracketed) throw malformed();
  return {parsed, port};
}

std::optional<options> parse_options(int argc, char const* const* argv) {
  try {
    po::variables_map values;
    po::store(
        po::command_line_parser(argc, argv)
            .options(description())
            .positional({})
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run(),
        values);
    po::notify(values);
    if (values.count("help") != 0) return std::nullopt;
    auto const number = [&](char const* name, std::int64_t least, std::int64_t most) {
      return number_between(least, most, values, name);
    };
    auto const time = [&](char const* name, std::int64_t least) {
      return std::chrono::seconds(number(name, least, 86'400));
    };
    options chosen;
    if (values.count("root") != 0) chosen.root = values["root"].as<std::string>();
    chosen.listen = parse_endpoint(values["listen"].as<std::string>());
    chosen.threads = static_cast<unsigned>(number("threads", 1, 1024));
    chosen.identities = identities(values);
    read_client_certificates(values, chosen);
    if (values.count("key-log") != 0) chosen.key_log = values["key-log"].as<std::string>();
    auto& limits = chosen.limits;
    limits.connections = static_cast<std::size_t>(number("max-connections", 1, 1'000'000));
    limits.header_bytes = static_cast<std::size_t>(number("header-bytes", 256, 1 << 20));
    limits.message_bytes =
        static_cast<std::size_t>(number("message-bytes", 1, std::int64_t{1} << 30));
    limits.handshake = time("handshake-seconds", 1);
    limits.header = time("header-seconds", 1);
    limits.idle = time("idle-seconds", 1);
    chosen.stop = time("stop-seconds", 0);
    chosen.ktls = values.count("ktls") != 0;
    chosen.quiet = values.count("quiet") != 0;
    return chosen;
  } catch (po::too_many_positional_options_error const&) {
    throw usage_error("there is a word that belongs to no option; a directory is given by --root");
  } catch (po::error const& error) {
    throw usage_error(error.what());
  }
}

std::string help() {
  std::ostringstream text;
  text << "Serves the files of a directory over HTTPS, until Ctrl-C; a WebSocket echo at /ws.\n"
          "Without --cert and --key it makes a certificate for localhost, keeps it in the cache\n"
          "directory of the user, and prints the authority that clients have to trust. Of\n"
          "several certificates a client gets the one for the name it asks for, else the first.\n\n"
       << description()
       << "\nExit status: 0 stopped by SIGINT or SIGTERM (a second one stops at once),\n"
          "1 wrong usage, 2 could not start (a file or the port).\n";
  return text.str();
}

}  // namespace https_server
