// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What can be told of an identity: a certificate that this side shows, as values.
#pragma once

#include <tls_async/requirements.hpp>

#include <chrono>
#include <filesystem>
#include <string>

namespace tls_async {

/// What there is to know of one certificate chain and its key: a copy, which stays as it is.
struct identity_info {
  /// The names that it is served for, each once, with a blank between two: DNS names in lower case,
  /// without a final dot, a wildcard as "*.example.org", and addresses.
  std::string names;
  std::string subject;   ///< As in RFC 4514, escaped as in `error_info`, so that it can be shown.
  std::string key_type;  ///< OpenSSL's name (EVP_PKEY_get0_type_name(3)): "EC", "RSA", "ED25519".
  std::chrono::system_clock::time_point not_before;  ///< Its certificate begins.
  /// Its certificate, not one of its issuers, ends. What is outside of the clock's range, as the
  /// year 9999 is, is the clock's first or last time.
  std::chrono::system_clock::time_point not_after;
  std::string serial;          ///< Hexadecimal, as `openssl x509 -serial` prints it.
  std::filesystem::path file;  ///< That its chain was read from; empty if it was given in memory.
  std::string origin;  ///< "the certificate chain file 'a.pem'", or that it was given in memory.

  /// Member by member.
  bool operator==(identity_info const&) const = default;
};

}  // namespace tls_async
