// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What is known of a request that was answered, and its line in the log. Pure.
#pragma once

#include "serving/server_log.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace https_server {

struct request_record {
  std::string peer;
  std::string method;
  std::string target;
  unsigned status = 0;
  std::uint64_t body_bytes = 0;  // of the body, given to the TLS stream
  std::chrono::microseconds duration{0};
  std::string incident;  // why the response is not whole; empty if it is
};

// "127.0.0.1:40100 GET /a 200 1234 0.000312s"; "- -" for a request that could not be read
void describe(serving::log_line& line, request_record const& record);

}  // namespace https_server
