// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Two engines joined in memory, and the moves a test makes with them: the caller's part of every
// want, played by hand. Uses no Asio.
#pragma once

#include <tls_async/core/engine.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include <openssl/err.h>

#include <tls_async_test/tls_pair.hpp>

namespace tls_async {

inline std::ostream& operator<<(std::ostream& out, want shown) {
  constexpr std::array names{"nothing", "flush", "fill", "open", "decision", "closed", "failed"};
  static_assert(names.size() == static_cast<std::size_t>(want::failed) + 1);
  return out << names.at(static_cast<std::size_t>(shown));
}

inline std::ostream& operator<<(std::ostream& out, step const& shown) {
  return out << shown.next << " with " << shown.bytes << " bytes";
}

}  // namespace tls_async

namespace tls_async::test {

/// A ring of 4 records, and a peer that may do what it likes.
inline stream_options const plain_options{
    .ring_records = 4, .most_key_updates_in_a_row = 0, .most_handshake_messages_in_a_row = 0};

/// For cases that are to hold with both.
inline constexpr std::array versions{TLS1_2_VERSION, TLS1_3_VERSION};

inline std::span<std::byte const> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Seals all of `plaintext`, which has room in the ring.
inline void seal_all(engine& from, std::string_view plaintext) {
  while (!plaintext.empty()) {
    step const sealed = from.seal(bytes_of(plaintext));
    BOOST_REQUIRE_EQUAL(sealed.next, want::nothing);
    plaintext.remove_prefix(sealed.bytes);
  }
}

/// Opens until there is no more to open, and says what ended that.
inline std::string open_all(engine& to, want* end = nullptr) {
  std::string plaintext;
  std::string place(max_record_plaintext, '\0');
  for (;;) {
    step const opened = to.open(std::as_writable_bytes(std::span(place)));
    if (opened.next != want::nothing) {
      if (end != nullptr) *end = opened.next;
      return plaintext;
    }
    plaintext.append(place, 0, opened.bytes);
  }
}

/// Moves at most `most` bytes of what one flush and one fill would take; returns how many.
inline std::size_t move_ciphertext(engine& from, engine& to, std::size_t most = everything) {
  auto const flushed = from.ring().readable();
  auto const filled = to.ring().writable();
  std::size_t const n = std::min({flushed.size(), filled.size(), most});
  if (n == 0) return 0;
  std::memcpy(filled.data(), flushed.data(), n);
  from.ring().consume(n);
  to.ring().commit(n);
  return n;
}

/// All that leaves `from` is opened by `to`.
inline std::string deliver_all(engine& from, engine& to, want* end = nullptr) {
  std::string plaintext;
  while (move_ciphertext(from, to) != 0)
    plaintext += open_all(to, end);
  return plaintext;
}

/// Takes all ciphertext out of the ring.
inline std::string take_all(engine& from) {
  std::string ciphertext;
  for (auto piece = from.ring().readable(); !piece.empty(); piece = from.ring().readable()) {
    ciphertext.append(reinterpret_cast<char const*>(piece.data()), piece.size());
    from.ring().consume(piece.size());
  }
  return ciphertext;
}

/// Puts ciphertext into an empty ring.
inline void give(engine& to, std::string_view ciphertext) {
  auto const room = to.ring().writable();
  BOOST_REQUIRE_LE(ciphertext.size(), room.size());
  if (ciphertext.empty()) return;
  std::memcpy(room.data(), ciphertext.data(), ciphertext.size());
  to.ring().commit(ciphertext.size());
}

struct engine_pair {
  explicit engine_pair(tls_settings const& settings = {},
                       stream_options const& options = plain_options)
      : engine_pair(make_context(role::client, settings).get(),
                    make_context(role::server, settings).get(), options) {
    client.be_client();
  }
  /// The client has no role yet.
  engine_pair(SSL_CTX* client_context, SSL_CTX* server_context,
              stream_options const& options = plain_options)
      : engine_pair(client_context, server_context, options, options) {}
  engine_pair(SSL_CTX* client_context, SSL_CTX* server_context, stream_options const& of_client,
              stream_options const& of_server)
      : client(client_context, of_client), server(server_context, of_server) {
    server.be_server();
  }

  /// To its end, good or bad, the session tickets included.
  void handshake(std::size_t at_once = everything) {
    for (std::size_t moved = 1; moved != 0;) {
      client_step = client.handshake();
      BOOST_REQUIRE_EQUAL(ERR_peek_error(), 0U);
      moved = move_ciphertext(client, server, at_once);
      server_step = server.handshake();
      BOOST_REQUIRE_EQUAL(ERR_peek_error(), 0U);
      if (client_step.next == want::nothing) BOOST_REQUIRE(open_all(client).empty());
      BOOST_REQUIRE_EQUAL(ERR_peek_error(), 0U);
      moved += move_ciphertext(server, client, at_once);
    }
  }

  engine client;
  engine server;
  step client_step;  ///< Of the last handshake call.
  step server_step;
};

struct connected_engines : engine_pair {
  explicit connected_engines(tls_settings const& settings = {},
                             stream_options const& options = plain_options)
      : engine_pair(settings, options) {
    handshake();
    BOOST_REQUIRE_EQUAL(client_step, step{});
    BOOST_REQUIRE_EQUAL(server_step, step{});
  }
};

inline tls_settings version_settings(int version) {
  tls_settings settings;
  settings.version = version;
  return settings;
}

/// What another library left in the thread's error queue.
inline void dirty_error_queue() { ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR); }

}  // namespace tls_async::test
