// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The command line, read and checked once; everything after it can trust these values.
#pragma once

#include "serving/command_line.hpp"
#include "serving/listener.hpp"
#include "serving/server_tls.hpp"

#include <chrono>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace tls_proxy {

// On which side the TLS is: that of the clients, or that of the backend.
enum class mode { server, client };

struct backend_name {
  std::string host;
  std::string port;  // or the name of a service

  bool operator==(backend_name const&) const = default;
};

struct options {
  tls_proxy::mode mode = mode::server;
  serving::listener_options listen;
  std::optional<boost::asio::ip::tcp::endpoint> admin;
  std::vector<backend_name> backends;                // one at least, each once
  std::optional<std::filesystem::path> certificate;  // ours, as server or as client
  std::optional<std::filesystem::path> key;
  std::optional<std::filesystem::path> sites;  // as server: a folder of more certificates
  std::optional<std::filesystem::path> key_password;
  std::optional<std::filesystem::path> client_authority;  // as server; without it nobody is asked
  serving::client_certificates clients = serving::client_certificates::required;
  std::optional<serving::ticket_files> tickets;    // as server; none: random ones
  std::optional<std::filesystem::path> authority;  // as client, instead of the system's
  bool insecure = false;                           // as client: verify nobody
  std::string server_name;  // as client: whose certificate it has to be; empty: the backend's
  std::vector<std::string> alpn;
  bool early_connect = false;  // as server: while the client still shakes hands
  bool accept_proxy_header = false;
  bool send_proxy_header = false;
  bool ktls = false;
  std::chrono::seconds handshake{10};
  std::chrono::seconds connect{10};
  std::chrono::seconds retry{10};  // how long a backend that has failed is passed over
  std::chrono::seconds idle{300};
  serving::log_options log;
};

// The reverse of parse_backend.
std::string text_of(backend_name const& name);

// "example.org:443" or "[::1]:80". Throws serving::usage_error.
backend_name parse_backend(std::string const& text);

// Nothing if the user asked for help or the version, which `out` gets. Throws serving::usage_error.
std::optional<options> parse_options(int argc, char const* const* argv, std::ostream& out);

std::string help();

}  // namespace tls_proxy
