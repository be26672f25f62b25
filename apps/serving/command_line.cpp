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

boost::asio::ip::tcp::endpoint parse_endpoint(std::string_view text) {
  auto const malformed = [&] {
    return usage_error("--listen \"" + std::string(text) +
                       "\" is not ADDR:PORT; write for example 127.0.0.1:8443, 0.0.0.0:8443 or "
                       "[::1]:8443");
  };
  auto const at = boost::urls::parse_authority(text);
  if (!at || at->has_userinfo() || at->port().empty()) throw malformed();
  boost::system::error_code error;
  auto const address = boost::asio::ip::make_address(std::string(at->host_address()), error);
  // A number that is none for a port is 0, too.
  if (error || (at->port_number() == 0 && at->port() != "0")) throw malformed();
  return {address, at->port_number()};
}

po::typed_value<std::int64_t>* number(std::int64_t standard) {
  return po::value<std::int64_t>()->value_name("N")->default_value(standard);
}

po::typed_value<std::string>* file() { return po::value<std::string>()->value_name("FILE"); }

po::variables_map read_options(int argc, char const* const* argv,
                               po::options_description const& known, char const* stray) {
  try {
    po::variables_map values;
    po::store(
        po::command_line_parser(argc, argv)
            .options(known)
            .positional({})
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run(),
        values);
    po::notify(values);
    return values;
  } catch (po::too_many_positional_options_error const&) {
    throw usage_error(stray);
  } catch (po::error const& error) {
    throw usage_error(error.what());
  }
}

std::int64_t number_between(std::int64_t least, std::int64_t most, po::variables_map const& values,
                            std::string const& name) {
  auto const value = values[name].as<std::int64_t>();
  if (value < least || value > most)
    throw usage_error("--" + name + " must be between " + std::to_string(least) + " and " +
                      std::to_string(most));
  return value;
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
