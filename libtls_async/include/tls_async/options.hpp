// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What can be chosen for one stream, and the reason of each default.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/ktls.hpp>
#include <tls_async/core/session_keeper.hpp>
#include <tls_async/time_limit.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tls_async {

/// What can be chosen for one stream: `stream_options{.ring_records = 8}`. An engine alone has no
/// verbs and no clock: it takes what stands before `handshake_deadline`.
struct stream_options {
  /// Full records that the ring holds for output; for input it holds twice as many. 1 to 1 024,
  /// else the stream's constructor throws bad_option. Four are one send of 64 KiB of plaintext:
  /// fewer cost system calls, more cost cache.
  std::size_t ring_records = 4;

  // OpenSSL sets no limit on what follows (0 is none here too). A peer that goes beyond ends its
  // session with errc::peer_limit_exceeded, and in TLS 1.3 gets the alert unexpected_message, where
  // there is room for it.

  /// KeyUpdates without plaintext between them, as in BoringSSL and rustls. Java, when it has read
  /// as much as it wants to under one key (jdk.tls.keyLimits, 2^37 bytes by default), asks again
  /// with each record it reads until it gets new keys, which may be more often.
  std::uint32_t most_key_updates_in_a_row = 32;
  /// Messages after the handshake but for KeyUpdates, tickets for instance, without plaintext
  /// between them.
  std::uint32_t most_handshake_messages_in_a_row = 32;
  /// Refused attempts to renegotiate (TLS 1.2); the one after them ends the session.
  std::uint32_t most_renegotiation_attempts = 1;

  /// What the kernel is to seal and open, where it can; `ktls_status()` says what became of it.
  /// Only over one of Asio's own sockets, and not together with allow_renegotiation: else the
  /// stream's constructor throws bad_option. Off, since it pays for files only, and ends sessions
  /// that change their keys (docs/ktls.md).
  tls_async::ktls ktls = tls_async::ktls::off;

  /// Serves a TLS 1.2 peer that asks for renegotiation (RFC 5746), transparently, while a read is
  /// in progress. Off, since it lets a peer make us work, and change its certificate, at any time.
  bool allow_renegotiation = false;

  /// New keys for sending in TLS 1.3 after so many records (0: never). AES-GCM is safe for 2^24.5
  /// full records under one key (RFC 8446 section 5.5).
  std::uint64_t rekey_after_records = std::uint64_t{1} << 24;
  /// New keys for sending in TLS 1.3 after so many bytes of plaintext (0: never).
  std::uint64_t rekey_after_bytes = 0;

  /// A session_store that a client's handshake uses, whether it knows the port or not, in place of
  /// that of its context; null: that of its context, where the handshake knows the port. It is also
  /// the way for a boost::asio::ssl::context. Its clients resume only where there is no verify
  /// callback, and one of SSL_CTX_set_cert_verify_callback(3) or SSL_CTX_set_cert_cb(3), or what
  /// SSL_set_alpn_protos(3) offers, can't be seen: with those, leave it null.
  ///
  /// The first stream that names one sets a callback in the SSL_CTX, which tells of new sessions,
  /// and turns its client cache on and the store inside of OpenSSL off
  /// (SSL_CTX_set_session_cache_mode(3)): make it before others are in their handshake. If the
  /// SSL_CTX has such a callback already, the stream's constructor throws bad_option.
  std::shared_ptr<session_keeper> sessions{};

  /// How long a whole `tls_handshake` may take: a peer that sends a byte now and then does not
  /// prolong it.
  time_limit handshake_deadline = std::chrono::seconds(10);
  /// How long `tls_shutdown`, `tls_close_write` and `async_shutdown` may take in total, and how
  /// long an alert may take to leave before the error that caused it is reported anyway.
  time_limit shutdown_deadline = std::chrono::seconds(2);
  /// How long a `tls_write` without a deadline of its own waits while the next layer accepts
  /// nothing.
  time_limit write_stall_deadline = std::chrono::seconds(30);

  /// Bytes that `tls_try_write` may keep in the stream at a time; it refuses more.
  std::size_t most_bytes_kept = std::size_t{1} << 20;
  /// Dynamic record size: bytes of plaintext in a record at the start of the session and after a
  /// pause, at most 16 384; 0 for full records always. A peer can use a record only when all of it
  /// has come, so small ones (1 300 fit a segment) show the first bytes earlier, for more CPU. They
  /// still leave as one send for each batch.
  std::size_t small_record_bytes = 0;
  /// Bytes of plaintext after which records are full.
  std::size_t small_records_until = std::size_t{1} << 17;
  /// The pause, without a record sealed, after which they are small again.
  time_limit small_records_after = std::chrono::seconds(1);

  /// KeyUpdates a second that the peer may send in the long run, 0 for any number; as many as
  /// `most_key_updates_in_a_row` may come at once.
  std::uint32_t most_key_updates_per_second = 10;

  /// Member by member.
  bool operator==(stream_options const&) const = default;
};

}  // namespace tls_async
