// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Two plain OpenSSL sessions joined in memory, and the moves a test makes with them. Each session
// works on the inner half of a BIO pair; the test carries ciphertext between the outer halves.
// Must not use tls_async code: it is what tls_async is compared with, and its peer in tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <tls_async_test/certificates.hpp>

namespace tls_async::test {

inline constexpr auto everything = std::numeric_limits<std::size_t>::max();
inline constexpr std::size_t max_record_plaintext = 16'384;
/// One full record in the worst suite: the size OpenSSL gives a BIO pair that is not told any.
inline constexpr std::size_t one_record_ring = 17'408;

struct context_free {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
struct session_free {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};
struct bio_free {
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};
using context_ptr = std::unique_ptr<SSL_CTX, context_free>;
using session_ptr = std::unique_ptr<SSL, session_free>;
using bio_ptr = std::unique_ptr<BIO, bio_free>;

enum class role { client, server };

struct tls_settings {
  int version = TLS1_3_VERSION;  ///< The only one allowed.
  char const* cipher = nullptr;  ///< The only one allowed; by its OpenSSL name.
  long mode = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;
  std::uint64_t options = 0;
  identity_kind certificate = identity_kind::server;  ///< The server's.
  bool client_certificate = false;  ///< The server demands one and the client has it.
  bool long_tickets = false;        ///< The server's take more than one record of 512 bytes.
};

/// The client verifies the server's chain against the common authority, without a host name.
context_ptr make_context(role side, tls_settings const& settings = {});

/// Of whichever side the context is for.
void use_identity(SSL_CTX* context, identity const& own);

/// The bytes each half of a BIO pair can hold.
struct ring_sizes {
  std::size_t output = one_record_ring;  ///< From the session to the test.
  std::size_t input = one_record_ring;   ///< From the test to the session.
};

/// The two halves of a BIO pair: a session works on the inner one, the test on the outer one.
struct bio_pair {
  bio_ptr inner;
  bio_ptr outer;
};
bio_pair make_bio_pair(ring_sizes rings = {});

/// What one SSL call answered. SSL_get_error and the error queue were asked right after it.
struct answer {
  int returned = 0;
  std::size_t bytes = 0;
  int error = SSL_ERROR_NONE;
  int reason = 0;  ///< SSL_R_…, or 0 when the error queue was empty.

  explicit operator bool() const noexcept { return error == SSL_ERROR_NONE; }
};
std::ostream& operator<<(std::ostream& out, answer const& given);

/// One SSL with its BIO pair. Keeps its SSL_CTX alive by itself, as OpenSSL does.
class raw_session {
public:
  raw_session(SSL_CTX* context, role side, ring_sizes rings = {});

  SSL* ssl() noexcept { return ssl_.get(); }
  BIO* outer() noexcept { return outer_.get(); }

  answer handshake();
  answer write(std::string_view plaintext);
  /// Appends to `plaintext` what one SSL_read_ex of at most `most` bytes gave.
  answer read(std::string& plaintext, std::size_t most = max_record_plaintext);
  answer shutdown();
  /// Reads until OpenSSL wants more ciphertext. Throws on any other answer.
  std::string read_all();

  /// Ciphertext the session produced and nobody took yet.
  std::size_t produced() const noexcept;
  /// Ciphertext given to the session that it did not consume yet.
  std::size_t unread() const noexcept;
  std::string take(std::size_t most = everything);
  /// Gives as much as fits the ring and says how much that was.
  std::size_t give(std::string_view ciphertext);
  /// No ciphertext comes any more, as when a socket reaches its end.
  void give_end();

  /// Puts another pair, or none, in the place of the session's pair, which it returns.
  bio_pair exchange_pair(bio_pair next);

private:
  session_ptr ssl_;
  bio_ptr outer_;
};

/// Moves at most `most` bytes, and no more than `to` has room for; returns how many it moved.
std::size_t move_ciphertext(raw_session& from, raw_session& to, std::size_t most = everything);

struct tls_pair {
  explicit tls_pair(tls_settings const& settings = {}, ring_sizes client_rings = {},
                    ring_sizes server_rings = {});

  /// Runs the handshake to its end, the session tickets included, moving `step` bytes at a time.
  /// Throws when it fails or comes to a standstill.
  void handshake(std::size_t step = everything);

  raw_session client;
  raw_session server;
};

/// A pair whose handshake is done.
tls_pair connected_pair(tls_settings const& settings = {}, ring_sizes client_rings = {},
                        ring_sizes server_rings = {});

/// Bytes in which every position is told from its neighbours; `from` continues an earlier call.
std::string numbered_plaintext(std::size_t length, std::size_t from = 0);

/// The length of each record, its 5-byte header included. Throws unless all records are whole.
std::vector<std::size_t> record_lengths(std::string_view ciphertext);

}  // namespace tls_async::test
