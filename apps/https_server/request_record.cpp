// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The format of the line.
#include "request_record.hpp"

namespace https_server {

void describe(serving::log_line& line, request_record const& record) {
  line.word("client", record.peer);
  line.text("method", record.method);
  line.text("target", record.target);
  line.number("status", record.status);
  line.number("bytes", record.body_bytes);
  line.seconds("seconds", record.duration);
  if (!record.incident.empty()) line.sentence("cut_short", " cut short: ", record.incident);
}

}  // namespace https_server
