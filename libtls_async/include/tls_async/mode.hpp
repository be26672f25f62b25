// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The modes of SSL_CTX_set_mode(3), as a stream keeps them: policies above the engine, whose own
// modes are fixed.
#pragma once

#include <tls_async/requirements.hpp>

#include <openssl/ssl.h>

namespace tls_async {

/// The value of each is OpenSSL's bit, so that sets of both kinds can be mixed.
enum class mode : unsigned long {
  /// `write_some` answers after what could be sealed at once; without it, only when all was
  /// written.
  enable_partial_write = SSL_MODE_ENABLE_PARTIAL_WRITE,
  /// A relocatable buffer may be somewhere else each time it is asked for; without it, a move is an
  /// error.
  accept_moving_write_buffer = SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
  /// Kept for reading back: no verb ever reports that it has to be called again, with it or
  /// without.
  auto_retry = SSL_MODE_AUTO_RETRY,
  /// OpenSSL's record buffers are freed whenever they are empty.
  release_buffers = SSL_MODE_RELEASE_BUFFERS,
  /// They are freed when a read waits and nothing is being sent; not by an OpenSSL that has
  /// CVE-2024-4741. Ours: OpenSSL has no such bit.
  release_buffers_on_idle = 0x8000'0000UL
};

/// Whether `m` is one of `modes`.
inline constexpr bool has(unsigned long modes, mode m) noexcept {
  return (modes & static_cast<unsigned long>(m)) != 0;
}

/// The bits that mean something to a stream; others are refused.
inline constexpr unsigned long known_modes =
    static_cast<unsigned long>(mode::enable_partial_write) |
    static_cast<unsigned long>(mode::accept_moving_write_buffer) |
    static_cast<unsigned long>(mode::auto_retry) |
    static_cast<unsigned long>(mode::release_buffers) |
    static_cast<unsigned long>(mode::release_buffers_on_idle);

}  // namespace tls_async
