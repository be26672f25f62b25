// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Why a download failed: the exit status for scripts, a text for people, and what they can do.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace https_get {

// --help explains each of them.
enum class exit_status {
  all_whole = 0,
  wrong_usage = 1,
  local_file = 2,
  not_resolved = 3,
  not_connected = 4,
  not_tls = 5,
  certificate_refused = 6,
  tls_failed = 7,
  refused = 8,
  cut_short = 9,
  timed_out = 10,
  malformed = 11
};

class failure : public std::runtime_error {
public:
  failure(exit_status status, std::string const& text, std::vector<std::string> advice = {})
      : std::runtime_error(text), status_(status), advice_(std::move(advice)) {}
  exit_status status() const noexcept { return status_; }
  std::vector<std::string> const& advice() const noexcept { return advice_; }

private:
  exit_status status_;
  std::vector<std::string> advice_;
};

}  // namespace https_get
