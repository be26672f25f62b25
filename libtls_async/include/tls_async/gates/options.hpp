// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What can be chosen for one stream, and the reason of each default.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/options.hpp>
#include <tls_async/gates/time_limit.hpp>

#include <chrono>
#include <cstddef>

namespace tls_async {

/// What can be chosen for one stream.
struct stream_options : engine_options {
  /// How long a whole `tls_handshake` may take: a peer that sends a byte now and then does not
  /// prolong it.
  time_limit handshake_deadline = std::chrono::seconds(10);
  /// How long `tls_shutdown`, `tls_close_write` and `async_shutdown` may take in total, and how
  /// long an alert may take to leave before the error that caused it is reported anyway.
  time_limit shutdown_deadline = std::chrono::seconds(2);
  /// How long a `tls_write` without a deadline of its own waits while the next layer accepts
  /// nothing.
  time_limit write_stall_deadline = std::chrono::seconds(30);

  /// Bytes that `tls_try_write` may keep in the stream at a time; it refuses more.
  std::size_t most_bytes_kept = std::size_t{1} << 20;
  /// Dynamic record size: bytes of plaintext in a record at the start of the session and after a
  /// pause, at most 16 384; 0 for full records always. A peer can use a record only when all of it
  /// has come, so small ones (1 300 fit a segment) show the first bytes earlier, for more CPU. They
  /// still leave as one send for each batch.
  std::size_t small_record_bytes = 0;
  /// Bytes of plaintext after which records are full.
  std::size_t small_records_until = std::size_t{1} << 17;
  /// The pause, without a record sealed, after which they are small again.
  time_limit small_records_after = std::chrono::seconds(1);

  /// KeyUpdates a second that the peer may send in the long run, 0 for any number; as many as
  /// `most_key_updates_in_a_row` may come at once.
  std::uint32_t most_key_updates_per_second = 10;

  /// Member by member.
  bool operator==(stream_options const&) const = default;
};

}  // namespace tls_async
