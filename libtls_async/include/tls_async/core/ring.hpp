// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The ring: a BIO pair whose one end OpenSSL reads and writes, and whose storage is reached from
// here without a copy (BIO_s_bio(3)). A session holds one only while there is ciphertext in it:
// pairs come from a pool and go back to it. Does no I/O.
//
//     OpenSSL --write--> [ output ] --readable, consume--> flush to the next layer
//     OpenSSL <--read--- [ input  ] <--writable, commit--- fill from the next layer
#pragma once

#include <tls_async/requirements.hpp>

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace tls_async {

/// Ciphertext at rest, on its way out and on its way in. Not thread-safe.
class ring {
public:
  /// For `session`, with so many bytes for its output, and twice as many for its input: receiving
  /// more at once saves calls, sending more does not. No pair yet.
  ring(SSL* session, std::size_t output_bytes) noexcept
      : session_(session), output_bytes_(static_cast<std::uint32_t>(output_bytes)) {}
  ~ring();
  ring(ring const&) = delete;
  ring& operator=(ring const&) = delete;

  /// Which directions go by the ring; the others have a BIO of their own. Both at first.
  void carry(bool output, bool input) noexcept;

  /// Gives the session a pair, if it has none: OpenSSL may only be called with one. False if there
  /// is no memory for it.
  [[nodiscard]] bool attach() noexcept;
  /// Takes the pair back if nothing is in it and nothing is being put in. True if it did.
  bool detach() noexcept;
  /// The session has a pair.
  [[nodiscard]] bool is_attached() const noexcept { return outer_ != nullptr; }
  /// The session has a pair that can't be taken back now: something is in it, or is being put in.
  [[nodiscard]] bool is_in_use() const noexcept {
    return is_attached() && (is_filling_ || output_bytes() != 0 || input_bytes() != 0);
  }
  /// Bytes of a pair, both directions.
  [[nodiscard]] std::size_t size() const noexcept { return output_bytes_ + input_capacity(); }
  /// Bytes of the pairs without a session that this thread keeps for its next rings: at most 16
  /// MiB. They are freed with the thread, and before that by halves when others come back.
  [[nodiscard]] static std::size_t unused_bytes() noexcept;
  /// Bytes of the pair that is attached.
  [[nodiscard]] std::size_t memory_usage() const noexcept { return is_attached() ? size() : 0; }

  /// Ciphertext to flush: the next contiguous piece, up to where the storage wraps.
  [[nodiscard]] std::span<std::byte const> readable() noexcept;
  /// The first `n` bytes of `readable()` have been flushed.
  void consume(std::size_t n) noexcept;
  /// All ciphertext to flush, in bytes, the part behind the wrap included.
  [[nodiscard]] std::size_t output_bytes() const noexcept;
  /// How much OpenSSL can write for certain, in bytes.
  [[nodiscard]] std::size_t output_room() const noexcept;

  /// Where to fill at once; empty while OpenSSL has input left to read. Filling beside unread input
  /// would be wrong: BIO_nwrite hands out a place that the pair moves back to its start once it has
  /// been drained.
  [[nodiscard]] std::span<std::byte> writable() noexcept;
  /// The first `n` bytes of `writable()` hold ciphertext from the peer.
  void commit(std::size_t n) noexcept;
  /// Nothing is in it, in either direction, and it carries both. Not while a fill is under way.
  void clear() noexcept;
  /// Drops it, unless a fill is under way.
  void drop_input() noexcept;
  /// How much `take` has room for, in bytes.
  [[nodiscard]] std::size_t input_room() const noexcept;
  /// Ciphertext that OpenSSL has not read yet, in bytes.
  [[nodiscard]] std::size_t input_bytes() const noexcept;

  /// How a fill that may have to wait does without the pair: it lands in a few bytes elsewhere, or
  /// first waits until something is there. In the middle of a record that is longer than `landing`,
  /// it rather goes into the pair at once.
  [[nodiscard]] bool expects_more_than(std::size_t landing) const noexcept {
    return record_rest_ > landing;
  }
  /// How many bytes certainly belong to the record that comes now, or to its header. OpenSSL takes
  /// those up at once, so a fill of no more leaves nothing in the pair.
  [[nodiscard]] std::size_t rest_of_record() const noexcept {
    return record_rest_ != 0 && header_bytes_ == 0 ? record_rest_ : record_header - header_bytes_;
  }
  /// `writable()`, which stays where it is until `end_fill`.
  [[nodiscard]] std::span<std::byte> begin_fill() noexcept;
  /// Between `begin_fill` and `end_fill`.
  [[nodiscard]] bool is_filling() const noexcept { return is_filling_; }
  /// The first `n` bytes of what `begin_fill` gave hold ciphertext; 0 if nothing came.
  void end_fill(std::size_t n) noexcept;
  /// Ciphertext that has landed elsewhere. False if there is no memory to take it up: it is lost.
  [[nodiscard]] bool take(std::span<std::byte const> landed) noexcept;

private:
  static constexpr std::uint8_t record_header = 5;

  [[nodiscard]] std::size_t input_capacity() const noexcept {
    return std::size_t{2} * output_bytes_;
  }
  void plug() noexcept;
  void unplug() noexcept;
  void follow_records(std::span<std::byte const> ciphertext) noexcept;

  SSL* session_;
  BIO* inner_ = nullptr;  // the session's end; shared with it
  BIO* outer_ = nullptr;
  std::uint32_t output_bytes_;
  bool carries_output_ : 1 = true;
  bool carries_input_ : 1 = true;
  bool is_filling_ : 1 = false;
  std::uint8_t header_bytes_ = 0;  // of the record's header that has begun
  std::uint16_t record_rest_ = 0;  // bytes of the record that are still to come
};

}  // namespace tls_async
