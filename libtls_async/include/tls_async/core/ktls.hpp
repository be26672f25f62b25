// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Kernel TLS: whether it is wanted, and what became of that.
#pragma once

#include <tls_async/requirements.hpp>

#include <cstdint>

namespace tls_async {

/// What the kernel is to do, where it can (SSL_OP_ENABLE_KTLS in SSL_CTX_set_options(3)).
enum class ktls : std::uint8_t {
  off,   ///< Nothing.
  tx,    ///< Seal what is sent. Reading keeps the ring.
  tx_rx  ///< Open what is received, too.
};

/// What the kernel does in one direction, or why it does nothing.
enum class ktls_state : std::uint8_t {
  on,               ///< It seals or opens.
  not_asked_for,    ///< stream_options::ktls is off.
  not_yet,          ///< The handshake is not done.
  not_in_openssl,   ///< OpenSSL was built without it.
  not_in_kernel,    ///< The kernel has none for this socket: the module tls is missing, the socket
                    ///< is not TCP, or there was none.
  not_for_version,  ///< This OpenSSL has none for the protocol version in this direction.
  not_for_cipher,   ///< The kernel or OpenSSL has none for the cipher.
  input_came_early  ///< Some input was received before the handshake was done.
};

/// What became of `stream_options::ktls`, in each direction.
struct ktls_status {
  ktls_state sending = ktls_state::not_asked_for;    ///< Of what we send.
  ktls_state receiving = ktls_state::not_asked_for;  ///< Of what we receive.
  /// Member by member.
  bool operator==(ktls_status const&) const = default;
};

/// A few words for people: "on", or "off: the kernel has none for this socket".
char const* to_string(ktls_state state) noexcept;

}  // namespace tls_async
