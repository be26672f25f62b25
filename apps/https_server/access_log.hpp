// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One line a request and one line an incident, whole lines only, from any thread. What a client
// sent is escaped, so that no client can write lines of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>

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

// Backslashes, control characters and all that is not ASCII as \xNN.
std::string escaped(std::string_view text);

// "127.0.0.1:40100 GET /a 200 1234 0.000312s"; "- -" for a request that could not be read
std::string line(request_record const&);

class access_log {
public:
  enum class requests { logged, quiet };

  access_log(std::ostream& out, requests which) : out_(out), requests_(which) {}

  void request(request_record const&);
  void incident(std::string_view who, std::string_view what);

private:
  void write(std::string_view text);

  std::ostream& out_;
  requests requests_;
  std::mutex mutex_;
};

}  // namespace https_server
