// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Where a client's engine finds sessions to resume, and leaves those that it gets, as an interface:
// core knows what a session may be resumed for, and nothing of how sessions are kept.
#pragma once

#include <tls_async/requirements.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace tls_async {

/// What has to be the same when a session is resumed, as SHA-256: the peer's host and port, what is
/// offered to it, our own certificate, and the rules by which it is verified.
using session_key = std::array<unsigned char, 32>;

/// A session that can be resumed. It has the secret by which its plaintext can be opened, which
/// memory loses when it is gone.
struct kept_session {
  /// `i2d` is as i2d_SSL_SESSION(3) writes it.
  kept_session(std::string i2d, std::chrono::system_clock::time_point first,
               std::chrono::system_clock::time_point last) noexcept
      : bytes(std::move(i2d)), began(first), ends(last) {}
  kept_session(kept_session&& other) noexcept;             ///< Leaves nothing there.
  kept_session& operator=(kept_session&& other) noexcept;  ///< Wipes what was here.
  ~kept_session();

  std::string bytes;                            ///< As i2d_SSL_SESSION(3) writes it.
  std::chrono::system_clock::time_point began;  ///< Of its first full handshake.
  std::chrono::system_clock::time_point ends;   ///< When its ticket is too old.
};

/// Keeps sessions for clients: `session_store` is one. Another may be shared by processes, but
/// whoever can read what it keeps can open all that the sessions have carried, and will carry.
///
/// All functions are called by any number of threads at once, some from inside of OpenSSL: they
/// may not wait, and not use a stream or context.
class session_keeper {
public:
  session_keeper() = default;
  session_keeper(session_keeper const&) = delete;
  session_keeper& operator=(session_keeper const&) = delete;
  virtual ~session_keeper();

  /// The clock by which sessions age.
  [[nodiscard]] virtual std::chrono::system_clock::time_point now() const = 0;
  /// Gives out one session for `key`, which it has no more: no two handshakes resume the same one.
  /// Nothing if there is none that is young enough. What it throws means that there is none.
  [[nodiscard]] virtual std::optional<kept_session> take(session_key const& key) = 0;
  /// Keeps a session, if it can. What it throws means that it can't.
  virtual void keep(session_key const& key, kept_session session) = 0;
};

}  // namespace tls_async
