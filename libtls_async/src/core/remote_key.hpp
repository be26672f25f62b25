// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Keys that are not here: what OpenSSL takes for the private key of a certificate, and which asks
// the engine whose handshake is under way for each signature. Private to the library.
#pragma once

#include <tls_async/core/question.hpp>

#include <openssl/types.h>

#include <cstddef>
#include <span>

#include "openssl_ptr.hpp"

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// What such a key has to sign.
struct remote_signature {
  EVP_PKEY* key = nullptr;             ///< The public one.
  EVP_MD const* digest = nullptr;      ///< Of the message; null for Ed25519, which needs none.
  bool is_pss = false;                 ///< RSA with RSASSA-PSS, with a salt of the digest's length.
  std::span<std::byte const> message;  ///< All of it, before the digest.
};

/// As the program is asked for it. Throws std::bad_alloc.
signature_request signature_request_of(remote_signature const& asked);

/// Whether `made` is that signature. Throws std::bad_alloc.
bool is_signature(remote_signature const& asked, std::span<std::byte const> made);

/// A key of an OSSL_PROVIDER of ours (provider(7)) that has only `public_key`: for certificates it
/// is the private one. Null if there are no such keys of that type (there are RSA, EC and Ed25519),
/// if it is damaged, or if OpenSSL has no memory. Throws std::bad_alloc.
key_ptr make_remote_key(EVP_PKEY* public_key);

}  // namespace tls_async::detail
#pragma GCC visibility pop
