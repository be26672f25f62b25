// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine's one answer: how far it came, and what it needs before the same call can go on.
#pragma once

#include <tls_async/requirements.hpp>

#include <cstddef>

namespace tls_async {

/// What the engine needs next.
enum class want {
  nothing,   ///< The call is complete.
  flush,     ///< Ciphertext must leave the ring; then call again.
  fill,      ///< Ciphertext from the peer must enter the ring; then call again.
  open,      ///< Plaintext has come in the middle of a renegotiation: open it, then call again.
  decision,  ///< Of the program: `engine::question()` has to be answered by `engine::decide()`.
  closed,    ///< The peer's close_notify was read: there is no more plaintext. Only `open` says so.
  failed     ///< The session has failed; `engine::failure()` says why. No call will succeed again.
};

/// The answer of every engine call. `bytes` counts plaintext: taken by `seal`, which may be less
/// than it was given, delivered by `open`.
struct [[nodiscard]] step {
  want next = want::nothing;  ///< Before the same call can go on.
  std::size_t bytes = 0;      ///< Of plaintext.

  /// Member by member.
  bool operator==(step const&) const = default;
};

}  // namespace tls_async
