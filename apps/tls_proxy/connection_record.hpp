// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What is known of a connection that has ended, and its line in the log. Pure.
#pragma once

#include "serving/server_log.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace tls_proxy {

struct connection_record {
  std::string client;
  std::string backend;
  std::string protocol;          // of TLS; empty if there was no session
  std::uint64_t to_backend = 0;  // bytes that the backend's socket or stream took
  std::uint64_t to_client = 0;
  std::chrono::microseconds duration{0};
  std::string incident;   // why it did not end by both sides' wish; empty if it did
  std::string sealed_by;  // "kernel" or "process"; empty if nobody asked
};

// "127.0.0.1:40100 localhost:80 TLSv1.3 123 4567 0.012345s"
void describe(serving::log_line& line, connection_record const& record);

}  // namespace tls_proxy
