// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the tests of OpenSSL's own behaviour have in common: the suites they run in, and a session
// whose write is blocked. Must not use tls_async code.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>

#include <boost/test/unit_test.hpp>

#include <openssl/ssl.h>
#include <openssl/sslerr.h>

#include <tls_async_test/tls_pair.hpp>

#include "support/openssl_version.hpp"

namespace tls_async::test {

struct suite {
  char const* name;
  int version;
  char const* cipher;
  std::uint64_t options;
  std::size_t full_record;  ///< On the wire, for 16 384 bytes of plaintext.

  tls_settings settings() const {
    tls_settings chosen;
    chosen.version = version;
    chosen.cipher = cipher;
    chosen.options = options;
    return chosen;
  }
};

inline std::ostream& operator<<(std::ostream& out, suite const& shown) { return out << shown.name; }

// GCM in TLS 1.3: header 5, content type 1, tag 16. In TLS 1.2: header 5, nonce 8, tag 16.
// CBC: header 5, IV 16, padding 1 to 16, and the MAC: 20 for SHA-1, 48 for SHA-384; where the MAC
// is inside the encryption the padding also rounds it up.
inline constexpr std::array suites{
    suite{"tls13_gcm", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", 0, 16'406},
    suite{"tls12_gcm", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", 0, 16'413},
    suite{"tls12_cbc_sha384", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384", 0, 16'469},
    suite{"tls12_cbc_sha1_mac_then_encrypt", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA",
          SSL_OP_NO_ENCRYPT_THEN_MAC, 16'437},
};

/// The room at which the engine seals: a record, and what OpenSSL may send before it.
inline constexpr std::size_t safe_room = max_record_plaintext + 512;

inline std::size_t room(raw_session& session) {
  return BIO_ctrl_get_write_guarantee(SSL_get_wbio(session.ssl()));
}

/// A connected pair whose server has sealed one full record of 'f' into a ring of one record, and
/// was then refused `blocked`: a record OpenSSL has begun, of which the ring took some bytes.
inline tls_pair pair_with_blocked_write(tls_settings const& settings, std::string const& blocked) {
  auto pair = connected_pair(settings);
  BOOST_REQUIRE(pair.server.write(std::string(max_record_plaintext, 'f')));
  auto const refused = pair.server.write(blocked);
  BOOST_REQUIRE_EQUAL(refused.error, SSL_ERROR_WANT_WRITE);
  return pair;
}

/// The plaintext that arrives after the 'f's of pair_with_blocked_write.
inline std::string rest_of_plaintext(tls_pair& pair) {
  std::string plaintext;
  while (move_ciphertext(pair.server, pair.client) > 0) {
    plaintext += pair.client.read_all();
  }
  BOOST_REQUIRE_GE(plaintext.size(), max_record_plaintext);
  return plaintext.substr(max_record_plaintext);
}

}  // namespace tls_async::test
