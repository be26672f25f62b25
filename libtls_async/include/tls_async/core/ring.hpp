// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The ring: a BIO pair whose one end OpenSSL reads and writes, and whose storage is reached from
// here without a copy (BIO_s_bio(3)). Does no I/O.
//
//     OpenSSL --write--> [ output ] --readable, consume--> flush to the next layer
//     OpenSSL <--read--- [ input  ] <--writable, commit--- fill from the next layer
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <span>

namespace tls_async {

class ring {
public:
  /// Makes the pair and attaches its inner end to `session`, which owns that end from then on.
  /// Throws std::bad_alloc.
  ring(SSL* session, std::size_t output_bytes, std::size_t input_bytes);
  ~ring();
  ring(ring const&) = delete;
  ring& operator=(ring const&) = delete;

  /// Ciphertext to flush: the next contiguous piece, up to where the storage wraps.
  [[nodiscard]] std::span<std::byte const> readable() noexcept;
  /// The first `n` bytes of `readable()` have been flushed.
  void consume(std::size_t n) noexcept;
  /// All ciphertext to flush, in bytes, the part behind the wrap included.
  [[nodiscard]] std::size_t output_bytes() const noexcept;
  /// How much OpenSSL can write for certain, in bytes.
  [[nodiscard]] std::size_t output_room() const noexcept;

  /// Where to fill; empty while OpenSSL has input left to read. Filling beside unread input would
  /// be wrong: BIO_nwrite hands out a place that the pair moves back to its start once it has been
  /// drained.
  [[nodiscard]] std::span<std::byte> writable() noexcept;
  /// The first `n` bytes of `writable()` hold ciphertext from the peer.
  void commit(std::size_t n) noexcept;
  /// Ciphertext that OpenSSL has not read yet, in bytes.
  [[nodiscard]] std::size_t input_bytes() const noexcept;

private:
  BIO* inner_ = nullptr;  // owned by the session; only asked how much room or input it has
  BIO* outer_ = nullptr;
};

}  // namespace tls_async
