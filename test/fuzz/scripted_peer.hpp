// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A peer that does what a script says: its part of the session record by record, and beside it any
// record under any keys, and any bytes. Keeps account of what it has really said, which is all that
// the other side may believe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <tls_async_test/record_peer.hpp>
#include "events.hpp"
#include "script.hpp"

namespace tls_async::test {

class scripted_peer {
public:
  /// `context` is for `side`, the peer's own.
  scripted_peer(SSL_CTX* context, role side) : peer_(context, side) {}

  /// A peer_act. Whatever it makes is behind `wire`.
  void perform(std::size_t which, script& with);

  void receive(std::string_view ciphertext) { peer_.receive(ciphertext); }
  /// What is on its way to the other side.
  std::string wire;

  [[nodiscard]] record_peer& session() noexcept { return peer_; }
  /// Plaintext that was sent under the right keys, behind its Finished.
  [[nodiscard]] std::string const& said() const noexcept { return said_; }
  /// close_notify was sent so.
  [[nodiscard]] bool has_closed() const noexcept { return closed_; }
  /// It has only done what OpenSSL does.
  [[nodiscard]] bool is_honest() const noexcept { return honest_; }

private:
  [[nodiscard]] bool is_tls1_3() noexcept { return SSL_version(peer_.ssl()) >= TLS1_3_VERSION; }
  void send_made(std::size_t padding = 0);
  void send_due(record const& sent, std::size_t padding = 0);
  void account(record const& as_made);
  void change_made(std::size_t which, script& with);

  record_peer peer_;
  std::string said_, messages_in_parts_;
  bool closed_ = false;
  bool broken_ = false;  // nothing may be believed any more
  bool honest_ = true;
};

}  // namespace tls_async::test
