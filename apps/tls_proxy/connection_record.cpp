// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The format of the line.
#include "connection_record.hpp"

namespace tls_proxy {

void describe(serving::log_line& line, connection_record const& record) {
  line.word("client", record.client);
  line.word("backend", record.backend);
  line.word("protocol", record.protocol.empty() ? "-" : record.protocol);
  line.number("bytes_to_backend", record.to_backend);
  line.number("bytes_to_client", record.to_client);
  line.seconds("seconds", record.duration);
  if (!record.sealed_by.empty()) line.word("sealed_by", record.sealed_by);
  if (!record.incident.empty()) line.sentence("cut_short", " cut short: ", record.incident);
}

}  // namespace tls_proxy
