// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Why a download failed: the exit status for scripts and a text for people.
#pragma once

#include <stdexcept>
#include <string>

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
  failure(exit_status status, std::string const& text)
      : std::runtime_error(text), status_(status) {}
  exit_status status() const noexcept { return status_; }

private:
  exit_status status_;
};

}  // namespace https_get
