// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the command lines of the programs have in common with each other: numbers within bounds,
// addresses, and words for what is wrong.
#pragma once

#include "number.hpp"
#include "server_log.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/program_options/variables_map.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace serving {

enum class client_certificates { requested, required };

// The two parts of "host:port"; an IPv6 address is in brackets there, and not here.
struct address_parts {
  std::string host;  // empty if there is only a port, with or without its colon
  std::string port;  // not looked at
};

// Nothing if it is none: no port, a host that is neither a name nor an address.
std::optional<address_parts> split_address(std::string_view text);

// Where to listen: "0.0.0.0:8443", "[::1]:8443", "localhost:8443", or the port alone, 8443 or
// :8443, which is on 127.0.0.1. Of a name's addresses an IPv4 one is taken. Throws usage_error.
boost::asio::ip::tcp::endpoint parse_endpoint(std::string_view text,
                                              std::string_view option = "--listen");

struct host_and_port {
  std::string host;
  std::uint16_t port = 0;  // not 0
};

// Whom to connect to: "localhost:8443" or "[::1]:8443". Throws usage_error.
host_and_port parse_host_and_port(std::string_view text, std::string_view option);

// Adds -h, --help and -V, --version.
void add_information(boost::program_options::options_description& options);
// What these two ask a program to say, if one of them is there.
std::optional<std::string> information(boost::program_options::variables_map const& values,
                                       std::string const& program, std::string const& help);

// --log-file, --log-format, --log-level and --quiet, which is told to mean `quiet`.
void add_log_options(boost::program_options::options_description& options, char const* quiet);
// Of words that read_options has checked.
log_options log_options_of(boost::program_options::variables_map const& values);

// A value that is a number; number_between reads it.
boost::program_options::typed_value<std::string>* number(std::int64_t standard);
boost::program_options::typed_value<std::string>* file();

// Options only, none of them abbreviated. `hint` is added where an argument belongs to no option.
// Throws usage_error.
boost::program_options::variables_map read_options(
    int argc, char const* const* argv, boost::program_options::options_description const& known,
    std::string const& hint);

// Of an option that has a value or a default. Throw usage_error.
std::int64_t number_between(std::int64_t least, std::int64_t most,
                            boost::program_options::variables_map const& values,
                            std::string const& name);
std::chrono::seconds seconds_from(std::int64_t least,
                                  boost::program_options::variables_map const& values,
                                  std::string const& name);
std::optional<std::filesystem::path> path(boost::program_options::variables_map const& values,
                                          std::string const& name);
// Of --client-certificate, which needs --client-ca.
client_certificates wanted_certificates(boost::program_options::variables_map const& values);

}  // namespace serving
