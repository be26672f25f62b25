// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The format of the line.
#include "request_record.hpp"

#include "serving/access_log.hpp"

#include <cstdio>

namespace https_server {

std::string line(request_record const& record) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.6fs",
                std::chrono::duration<double>(record.duration).count());
  auto const or_dash = [](std::string const& text) {
    return text.empty() ? "-" : serving::escaped(text);
  };
  auto text = record.peer + ' ' + or_dash(record.method) + ' ' + or_dash(record.target) + ' ' +
              std::to_string(record.status) + ' ' + std::to_string(record.body_bytes) + ' ' +
              seconds;
  if (!record.incident.empty()) text += " cut short: " + serving::escaped(record.incident);
  return text;
}

}  // namespace https_server
