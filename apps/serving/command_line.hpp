// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the command lines of the servers have in common with each other: numbers within bounds,
// addresses, and words for what is wrong.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/program_options/variables_map.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace serving {

// Says in its text what is wrong and what to write instead.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class client_certificates { requested, required };

// "127.0.0.1:8443" or "[::1]:8443". Throws usage_error.
boost::asio::ip::tcp::endpoint parse_endpoint(std::string_view text);

// A value that is a number, read as signed, because an unsigned one would take "-1" for a large
// number.
boost::program_options::typed_value<std::int64_t>* number(std::int64_t standard);
boost::program_options::typed_value<std::string>* file();

// Options only, none of them abbreviated. `stray` is what to say of a word that belongs to none.
// Throws usage_error.
boost::program_options::variables_map read_options(
    int argc, char const* const* argv, boost::program_options::options_description const& known,
    char const* stray);

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
