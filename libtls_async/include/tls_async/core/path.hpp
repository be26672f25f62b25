// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The path of ciphertext under the engine: how it leaves OpenSSL and gets to it. By the ring; or,
// where the kernel is to seal or open, by a descriptor on which OpenSSL itself sends and receives.
// The only code that gives a session its BIOs, beside the ring. Does no I/O of its own.
//
//     OpenSSL <--> ring <--> flush and fill, by the caller
//     OpenSSL <--> descriptor, which has to be writable or readable
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/ktls.hpp>
#include <tls_async/core/record.hpp>
#include <tls_async/core/ring.hpp>

#include <openssl/types.h>

#include <cstddef>
#include <span>

namespace tls_async {

namespace detail {

/// Whether `session` stays on its descriptor where the kernel does nothing. No session does, since
/// the ring is faster. A weak symbol: tests put a function in its place, for hosts without kernel
/// TLS.
[[nodiscard]] bool stays_on_descriptor(SSL const* session) noexcept;

}  // namespace detail

/// How the ciphertext of one session gets from OpenSSL and to it. Not thread-safe.
class path {
public:
  /// For `session`: by a ring with so many bytes for its output. `asked_for`: what the kernel is to
  /// do, if use_descriptor() comes.
  path(SSL* session, std::size_t output_bytes, ktls asked_for) noexcept;
  path(path const&) = delete;
  path& operator=(path const&) = delete;

  /// What goes by it: all at first.
  [[nodiscard]] tls_async::ring& ring() noexcept { return ring_; }
  /// Of a const path.
  [[nodiscard]] tls_async::ring const& ring() const noexcept { return ring_; }
  /// There is room for a whole record. A descriptor is asked by trying.
  [[nodiscard]] bool has_room() const noexcept {
    return sends_directly_ || ring_.output_room() >= max_record_plaintext + seal_margin;
  }
  /// OpenSSL may find something to read.
  [[nodiscard]] bool may_have_input() const noexcept {
    return receives_directly_ || ring_.input_bytes() != 0;
  }

  /// Before the handshake: OpenSSL sends by `descriptor`, a connected socket that does not block,
  /// and with ktls::tx_rx receives by it, if nothing was received before. It is the caller's, and
  /// has to be open during each later call of the engine. `kernel_has_tls` is asked about it where
  /// the kernel does nothing, to tell why. Without memory all goes by the ring as before.
  void use_descriptor(int descriptor, bool (*kernel_has_tls)(int descriptor)) noexcept;
  /// -1 if there is none.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// Nothing has to be flushed: what a call has made is sent, and want::flush means to wait until
  /// the descriptor takes more.
  [[nodiscard]] bool sends_directly() const noexcept { return sends_directly_; }
  /// Nothing has to be filled: want::fill means to wait until the descriptor has more.
  [[nodiscard]] bool receives_directly() const noexcept { return receives_directly_; }
  /// What the kernel does of this session, or why it does nothing.
  [[nodiscard]] tls_async::ktls_status const& ktls_status() const noexcept { return status_; }
  /// The kernel seals what is sent.
  [[nodiscard]] bool kernel_seals() const noexcept { return status_.sending == ktls_state::on; }
  /// The kernel opens what is received.
  [[nodiscard]] bool kernel_opens() const noexcept { return status_.receiving == ktls_state::on; }

  // What the engine tells it.

  /// The handshake begins.
  void begin() noexcept;
  /// The handshake is done, so it is decided what the kernel does. The rest goes by the ring.
  void settle() noexcept;
  /// What OpenSSL makes from here on goes nowhere. What is to be flushed stays.
  void discard_output() noexcept;
  /// OpenSSL reads `record` next, which has to live on, and nothing behind it.
  void put_in_the_way(std::span<unsigned char const> record) noexcept;
  /// There is another session with the same SSL: all goes by the ring, and nothing is in that.
  void clear() noexcept;

private:
  [[nodiscard]] ktls_state why_not(bool is_input) const noexcept;

  SSL* session_;
  tls_async::ring ring_;
  bool (*kernel_has_tls_)(int) = nullptr;
  int descriptor_ = -1;
  tls_async::ktls_status status_;
  bool sends_directly_ = false;
  bool receives_directly_ = false;
};

}  // namespace tls_async
