// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The format of the line.
#include "connection_record.hpp"

#include "serving/access_log.hpp"

#include <cstdio>

namespace tls_proxy {

std::string line(connection_record const& record) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.6fs",
                std::chrono::duration<double>(record.duration).count());
  auto text = record.client + ' ' + record.backend + ' ' +
              (record.protocol.empty() ? "-" : record.protocol) + ' ' +
              std::to_string(record.to_backend) + ' ' + std::to_string(record.to_client) + ' ' +
              seconds;
  if (!record.incident.empty()) text += " cut short: " + serving::escaped(record.incident);
  return text;
}

}  // namespace tls_proxy
