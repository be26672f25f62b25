// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Records of TLS, sealed and opened with the keys of a session, outside of OpenSSL's record layer:
// AES-128-GCM with SHA-256, in TLS 1.2 and 1.3. For peers that send what no implementation would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tls_async::test {

/// Content types: RFC 8446 section 5.1. A record may claim any other.
namespace content {
inline constexpr unsigned char change_cipher_spec = 20;
inline constexpr unsigned char alert = 21;
inline constexpr unsigned char handshake = 22;
inline constexpr unsigned char application_data = 23;
}  // namespace content

/// Which keys a record is under. TLS 1.2 has none of its own for the handshake.
enum class epoch { plain, handshake, application };

struct record {
  unsigned char type = 0;
  std::string plaintext;
  epoch under = epoch::plain;
  bool finishes = false;  ///< Holds the last byte of its side's Finished.
};

/// A record in the clear. `length` is what its header says, if that is not the truth.
std::string plain_record(unsigned char type, std::string_view plaintext,
                         std::optional<std::size_t> length = {});

/// The first record of `ciphertext`, its header included; empty if it is not whole.
std::string_view first_record(std::string_view ciphertext);

/// What one side sends under one secret.
class record_protection {
public:
  /// TLS 1.3, of a traffic secret (RFC 8446 section 7.3).
  static record_protection of_secret(std::string_view secret);
  /// TLS 1.2, of the key block (RFC 5246 section 6.3).
  static record_protection of_key_block(std::string_view master_secret,
                                        std::string_view client_random,
                                        std::string_view server_random, bool client_writes);
  /// Keys that nobody has agreed on, for the same version.
  [[nodiscard]] record_protection wrong() const;
  /// After a KeyUpdate (RFC 8446 section 7.2).
  [[nodiscard]] record_protection next_generation() const;

  /// The next record. `padding`: zeros behind it, in TLS 1.3.
  std::string seal(unsigned char type, std::string_view plaintext, std::size_t padding = 0);
  /// Nothing if it is under other keys, or out of order; then nothing changes.
  std::optional<record> open(std::string_view ciphertext);

private:
  record_protection() = default;
  [[nodiscard]] std::string nonce(std::string_view of_record) const;
  [[nodiscard]] std::string sequence_bytes() const;

  bool is_tls1_3_ = true;
  std::string secret_, key_, iv_;
  std::uint64_t sequence_ = 0;
};

/// Opens what one side sends in a session, record by record, and finds out by itself when its keys
/// change.
class record_opener {
public:
  explicit record_opener(bool is_tls1_3) : is_tls1_3_(is_tls1_3) {}
  /// Keys that the side has, or will have. Those of a later epoch are tried when those of the
  /// present one do not fit.
  void add(epoch which, record_protection keys) { keys_.insert_or_assign(which, std::move(keys)); }
  /// Nothing if no key fits.
  std::optional<record> open(std::string_view ciphertext);

private:
  std::optional<record> unseal(std::string_view ciphertext);

  bool is_tls1_3_;
  std::map<epoch, record_protection> keys_;
  epoch now_ = epoch::plain;
  bool has_finished_ = false;
};

}  // namespace tls_async::test
