// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a stream has done so far. Counting is always on: a few additions a record.
#pragma once

#include <tls_async/requirements.hpp>

#include <algorithm>
#include <cstdint>

namespace tls_async {

/// Of one stream, or of all streams of a context: numbers that only grow.
struct stats {
  std::uint64_t plaintext_sealed = 0;    ///< Bytes.
  std::uint64_t plaintext_opened = 0;    ///< Bytes.
  std::uint64_t ciphertext_flushed = 0;  ///< Bytes the next layer has accepted.
  std::uint64_t ciphertext_filled = 0;   ///< Bytes the next layer has delivered.
  std::uint64_t records_sealed = 0;      ///< With plaintext.
  std::uint64_t records_opened = 0;  ///< With plaintext, or parts of one that a small buffer took.
  std::uint64_t flushes = 0;         ///< Writes to the next layer: sends, for a socket.
  std::uint64_t fills = 0;           ///< Reads from the next layer.
  std::uint64_t messages = 0;        ///< Writes that were sealed to their end.
  std::uint64_t messages_merged =
      0;  ///< Those of them whose last byte shares its record with another.
  std::uint64_t largest_batch = 0;        ///< Records in one flush, at most.
  std::uint64_t largest_queue = 0;        ///< Writes waiting at once, at most.
  std::uint64_t suspended_for_flush = 0;  ///< Engine calls that wanted room (WANT_WRITE).
  std::uint64_t suspended_for_fill = 0;   ///< Engine calls that wanted input (WANT_READ).
  std::uint64_t key_updates_sent =
      0;  ///< Our own; replies are not counted apart from those received.
  std::uint64_t key_updates_received = 0;    ///< The peer's.
  std::uint64_t renegotiations_refused = 0;  ///< The peer's attempts (TLS 1.2).

  /// Sums, and the larger of each maximum.
  stats& operator+=(stats const& other) noexcept {
    plaintext_sealed += other.plaintext_sealed;
    plaintext_opened += other.plaintext_opened;
    ciphertext_flushed += other.ciphertext_flushed;
    ciphertext_filled += other.ciphertext_filled;
    records_sealed += other.records_sealed;
    records_opened += other.records_opened;
    flushes += other.flushes;
    fills += other.fills;
    messages += other.messages;
    messages_merged += other.messages_merged;
    largest_batch = std::max(largest_batch, other.largest_batch);
    largest_queue = std::max(largest_queue, other.largest_queue);
    suspended_for_flush += other.suspended_for_flush;
    suspended_for_fill += other.suspended_for_fill;
    key_updates_sent += other.key_updates_sent;
    key_updates_received += other.key_updates_received;
    renegotiations_refused += other.renegotiations_refused;
    return *this;
  }
};

}  // namespace tls_async
