// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Owns the certificates of the tests: made in memory at run time with the OpenSSL 3 EVP API, once
// per process and kind, so that none can expire in the tree.
// Must not touch files, the network or tls_async.
#pragma once

#include <string>

namespace tls_async::test {

/// Everything one side of a connection needs, as PEM.
struct identity {
  std::string certificate_chain;  ///< The leaf first, then its intermediate if it has one.
  std::string private_key;        ///< The leaf's key, PKCS #8, no password.
  std::string authority;          ///< What a peer has to trust for the chain to verify.
};

/// What is wrong with an identity is the one thing named; the rest is as in `server`.
enum class identity_kind {
  server,               ///< EC P-256; localhost, example.test, 127.0.0.1, ::1; for servers only.
  server_rsa,           ///< The same names with an RSA-2048 key.
  server_ed25519,       ///< The same names with an Ed25519 key.
  server_intermediate,  ///< The same names; the chain has an intermediate authority.
  client,               ///< EC P-256; for clients only.
  expired,              ///< Ended an hour ago.
  not_yet_valid,        ///< Begins tomorrow.
  wrong_host,           ///< Only for other.test and 192.0.2.1.
  hostile_name,         ///< Only for other.test; its subject has control characters.
  common_name,          ///< localhost is its common name only: it has no alternative names.
  self_signed,          ///< As `server`, signed with its own key, which nobody trusts.
  common_name_beside,   ///< As `common_name`, with an alternative name that is an email address.
  untrusted,            ///< As `server`, by another authority, which is its `authority`.
};

/// All kinds but `untrusted` share one authority. The reference stays valid until the process ends.
/// Safe to call from several threads. Throws std::runtime_error with OpenSSL's words.
identity const& make_identity(identity_kind kind);

/// A list of revoked certificates (RFC 5280 section 5), signed by the common authority for a month,
/// as PEM: of the first certificate of `revoked`, or of none. Made anew by each call; any thread.
/// Throws std::runtime_error with OpenSSL's words.
std::string make_revocations(std::string const& revoked = {});

inline identity const& server_identity() { return make_identity(identity_kind::server); }
inline identity const& client_identity() { return make_identity(identity_kind::client); }

}  // namespace tls_async::test
