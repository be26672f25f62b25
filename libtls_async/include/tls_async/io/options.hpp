// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What can be chosen for one stream, and the reason of each default.
#pragma once

#include <chrono>
#include <cstddef>

namespace tls_async {

struct stream_options {
  /// Full records the ring holds each way, at least 1. Four are one send of 64 KiB of plaintext: fewer cost
  /// system calls, more cost cache (docs/decisions/0003).
  std::size_t ring_records = 4;

  /// How long `tls_handshake` may take in all, not per step: a peer that sends one byte at a time ends too.
  std::chrono::nanoseconds handshake_deadline = std::chrono::seconds(10);
  /// How long `tls_shutdown`, `tls_close_write` and `async_shutdown` may take in all, and how long an alert
  /// may take to leave before the error that caused it is reported anyway.
  std::chrono::nanoseconds shutdown_deadline = std::chrono::seconds(2);
  /// How long a `tls_write` without a deadline of its own waits while the next layer accepts nothing.
  std::chrono::nanoseconds write_stall_deadline = std::chrono::seconds(30);
};

}  // namespace tls_async
