// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the words of the command line to values that can be trusted.
#include "command_line.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/program_options.hpp>
#include <boost/url/parse.hpp>

namespace serving {

namespace po = boost::program_options;

namespace {

struct authority {
  std::string host, port;
};

// Nothing if there is no port.
std::optional<authority> parse_authority(std::string_view text) {
  auto const at = boost::urls::parse_authority({text.data(), text.size()});
  if (!at || at->has_userinfo() || at->port().empty()) return std::nullopt;
  return authority{std::string(at->host_address()), std::string(at->port())};
}

std::uint16_t parse_port(std::string_view text, std::uint16_t least, std::string_view option) {
  return static_cast<std::uint16_t>(
      parse_number(text, least, 65'535, "the port of " + std::string(option)));
}

}  // namespace

boost::asio::ip::tcp::endpoint parse_endpoint(std::string_view text) {
  auto const malformed = [&] {
    return usage_error("--listen \"" + std::string(text) +
                       "\" is not ADDR:PORT; write for example 127.0.0.1:8443, 0.0.0.0:8443 or "
                       "[::1]:8443");
  };
  auto const at = parse_authority(text);
  if (!at) throw malformed();
  boost::system::error_code error;
  auto const address = boost::asio::ip::make_address(at->host, error);
  if (error) throw malformed();
  return {address, parse_port(at->port, 0, "--listen")};
}

host_and_port parse_host_and_port(std::string_view text, std::string_view option,
                                  std::uint16_t least_port) {
  auto const at = parse_authority(text);
  if (!at || at->host.empty())
    throw usage_error(std::string(option) + " \"" + std::string(text) +
                      "\" is not HOST:PORT; write for example localhost:8443 or [::1]:8443");
  return {at->host, parse_port(at->port, least_port, option)};
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
  auto const how = values["client-certificate"].as<std::string>();
  if (how != "required" && how != "requested")
    throw usage_error("--client-certificate must be required or requested, not \"" + how + '"');
  return how == "required" ? client_certificates::required : client_certificates::requested;
}

}  // namespace serving
