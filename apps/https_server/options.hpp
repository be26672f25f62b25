// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The command line, read and checked once; everything after it can trust these values.
#pragma once

#include "static_files.hpp"

#include "serving/admission.hpp"
#include "serving/command_line.hpp"
#include "serving/server_tls.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

namespace https_server {

// What one client may take of us.
struct connection_limits {
  std::size_t connections = 500;        // beyond these, new ones wait to be accepted
  std::size_t header_bytes = 16384;     // of one request; more is answered with 431
  std::size_t message_bytes = 1 << 20;  // of one WebSocket message, uncompressed
  std::size_t websocket_bytes = std::size_t{128} << 20;  // of all WebSockets together
  std::chrono::seconds handshake{10};                    // also of a WebSocket that is closed
  std::chrono::seconds header{10};  // from the first byte of a request to the end of its header
  std::chrono::seconds idle{30};    // between requests; of a WebSocket whose client is silent
  std::chrono::seconds stall{30};   // of a client that takes nothing more of a response
};

using serving::parse_endpoint;
using serving::usage_error;

struct options {
  std::optional<std::filesystem::path> root;  // none: our own page
  boost::asio::ip::tcp::endpoint listen;
  std::optional<boost::asio::ip::tcp::endpoint> admin;
  unsigned threads = 1;
  serving::server_tls tls;  // without identities and sites: one of our own making
  bool ktls = false;
  file_rules files;
  std::optional<std::chrono::seconds> hsts;  // how long browsers are to use HTTPS only
  connection_limits limits;
  serving::admission_options admission;
  std::chrono::seconds stop{5};  // for what is in flight when we are asked to stop
  serving::log_options log;
};

// Nothing if the user asked for help or the version, which `out` gets. Throws usage_error.
std::optional<options> parse_options(int argc, char const* const* argv, std::ostream& out);

std::string help();

}  // namespace https_server
