// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The command line, read and checked once; everything after it can trust these values.
#pragma once

#include "target.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace https_get {

struct options {
  std::vector<target> targets;
  std::optional<std::filesystem::path> authority;
  std::optional<std::filesystem::path> certificate;  // together with key, or neither
  std::optional<std::filesystem::path> key;
  std::optional<std::filesystem::path> key_password;
  std::optional<std::filesystem::path> sessions;  // of earlier runs, and for later ones
  std::size_t parallel = 4;                       // downloads in flight
  std::chrono::seconds connect{10};               // for TCP, and again for TLS
  std::chrono::seconds stall{30};                 // without a byte from the server
  bool follow = false;
  bool resume = false;
  bool insecure = false;
  bool silent = false;
  bool show_error = false;
  bool verbose = false;
  std::vector<std::string> words;  // of the command line, but the URLs
};

// Nothing if the user asked for help or the version, which `out` gets. Throws failure with
// wrong_usage.
std::optional<options> parse_options(int argc, char const* const* argv, std::ostream& out);

std::string help();

}  // namespace https_get
