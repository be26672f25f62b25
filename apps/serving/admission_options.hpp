// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The limits of admission on the command lines of the servers.
#pragma once

#include "admission.hpp"

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace serving {

// --connections-per-address and --when-full.
void add_connection_limits(boost::program_options::options_description& options);
// --max-handshakes, --handshake-rate and --handshake-queue, of servers of TLS.
void add_handshake_limits(boost::program_options::options_description& options);
// Adds what only the manual page says of these.
std::map<std::string, std::string> with_admission(std::map<std::string, std::string> details);

// Of all five, for a server of so many connections with that limit for a handshake. Throws
// usage_error.
admission_options admission_options_of(boost::program_options::variables_map const& values,
                                       std::size_t connections, std::chrono::seconds handshake);

}  // namespace serving
