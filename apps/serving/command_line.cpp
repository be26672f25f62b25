// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the words of the command line to values that can be trusted.
#include "command_line.hpp"

#include "manual.hpp"

#include <tls_async/version.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/program_options.hpp>
#include <boost/version.hpp>

#include <openssl/crypto.h>

#include <algorithm>
#include <cctype>
#include <sstream>

namespace serving {

namespace po = boost::program_options;

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

bool is_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_');
  });
}

std::uint16_t parse_port(std::string_view text, std::uint16_t least, std::string_view option) {
  return static_cast<std::uint16_t>(
      parse_number(text, least, 65'535, "the port of " + std::string(option)));
}

}  // namespace

std::optional<address_parts> split_address(std::string_view text) {
  auto const colon = text.rfind(':');
  if (colon == text.npos && is_number(text)) return address_parts{{}, std::string(text)};
  if (colon == text.npos) return std::nullopt;
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    boost::system::error_code error;
    boost::asio::ip::make_address_v6(std::string(host), error);
    if (error) return std::nullopt;
  } else if (!is_name(host)) {
    return std::nullopt;
  }
  return address_parts{std::string(host), std::string(text.substr(colon + 1))};
}

boost::asio::ip::tcp::endpoint parse_endpoint(std::string_view text, std::string_view option) {
  using boost::asio::ip::tcp;
  auto const refuse = [&](std::string const& why) {
    return usage_error(std::string(option) + " \"" + std::string(text) + "\" " + why +
                       "; write for example 127.0.0.1:8443, 0.0.0.0:8443, [::1]:8443, or only "
                       "the port");
  };
  auto const at = split_address(text);
  if (!at) throw refuse("is not ADDR:PORT");
  auto const port = parse_port(at->port, 0, option);
  if (at->host.empty()) return {boost::asio::ip::address_v4::loopback(), port};
  boost::system::error_code error;
  auto const address = boost::asio::ip::make_address(at->host, error);
  if (!error) return {address, port};
  boost::asio::io_context io;
  tcp::resolver resolver{io};
  auto found = resolver.resolve(tcp::v4(), at->host, at->port, tcp::resolver::passive, error);
  if (error) found = resolver.resolve(at->host, at->port, tcp::resolver::passive, error);
  if (error) throw refuse("has no address of this machine: " + error.message());
  return *found.begin();
}

host_and_port parse_host_and_port(std::string_view text, std::string_view option) {
  auto const at = split_address(text);
  if (!at || at->host.empty())
    throw usage_error(std::string(option) + " \"" + std::string(text) +
                      "\" is not HOST:PORT; write for example localhost:8443 or [::1]:8443");
  return {at->host, parse_port(at->port, 1, option)};
}

void add_information(po::options_description& options) {
  options.add_options()("help,h", "show this help")("version,V", "show the versions");
}

std::optional<std::string> information(po::variables_map const& values, std::string const& program,
                                       std::string const& help) {
  if (values.count("help") != 0) return help;
  if (values.count("version") == 0) return std::nullopt;
  std::ostringstream text;
  text << program << " (tls_async) " << TLS_ASYNC_VERSION_MAJOR << '.' << TLS_ASYNC_VERSION_MINOR
       << '.' << TLS_ASYNC_VERSION_PATCH << '\n'
       << OpenSSL_version(OPENSSL_VERSION) << '\n'
       << "Boost " << BOOST_VERSION / 100'000 << '.' << BOOST_VERSION / 100 % 1000 << '.'
       << BOOST_VERSION % 100 << '\n';
  return text.str();
}

void add_log_options(po::options_description& options, char const* quiet) {
  auto add = options.add_options();
  add("log-file", file(), "not standard error; SIGHUP reopens it");
  add("log-format", one_of("text|json")->default_value("text"), "how a line is written");
  add("log-level", one_of("error|warning|info|debug")->default_value("debug"),
      "the least that is logged");
  add("quiet", quiet);
}

log_options log_options_of(po::variables_map const& values) {
  log_options chosen;
  chosen.file = path(values, "log-file");
  chosen.quiet = values.count("quiet") != 0;
  chosen.format =
      values["log-format"].as<std::string>() == "json" ? log_format::json : log_format::text;
  auto const& level = values["log-level"].as<std::string>();
  chosen.level = level == "error"     ? log_level::error
                 : level == "warning" ? log_level::warning
                 : level == "info"    ? log_level::info
                                      : log_level::debug;
  return chosen;
}

po::typed_value<std::string>* number(std::int64_t standard) {
  return po::value<std::string>()->value_name("N")->default_value(std::to_string(standard));
}

po::typed_value<std::string>* file() { return po::value<std::string>()->value_name("FILE"); }

po::variables_map read_options(int argc, char const* const* argv,
                               po::options_description const& known, std::string const& hint) {
  try {
    auto const parsed =
        po::command_line_parser(argc, argv)
            .options(known)
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run();
    for (auto const& option : parsed.options)
      if (option.position_key != -1)
        throw usage_error("unexpected argument '" + option.original_tokens.front() + "'; " + hint);
    po::variables_map values;
    po::store(parsed, values);
    po::notify(values);
    check_words(values, known);
    return values;
  } catch (po::error const& error) {
    throw usage_error(error.what());
  }
}

std::int64_t number_between(std::int64_t least, std::int64_t most, po::variables_map const& values,
                            std::string const& name) {
  return parse_number(values[name].as<std::string>(), least, most, "--" + name);
}

std::chrono::seconds seconds_from(std::int64_t least, po::variables_map const& values,
                                  std::string const& name) {
  return std::chrono::seconds(number_between(least, 86'400, values, name));
}

std::optional<std::filesystem::path> path(po::variables_map const& values,
                                          std::string const& name) {
  if (values.count(name) == 0) return std::nullopt;
  return values[name].as<std::string>();
}

client_certificates wanted_certificates(po::variables_map const& values) {
  if (values.count("client-certificate") == 0) return client_certificates::required;
  if (values.count("client-ca") == 0)
    throw usage_error(
        "--client-certificate needs --client-ca, the authorities to verify the clients with");
  return values["client-certificate"].as<std::string>() == "required"
             ? client_certificates::required
             : client_certificates::requested;
}

}  // namespace serving
