// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A certificate chain and the private key that belongs to it: read, and checked before OpenSSL has
// them. Private to the library.
#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "../pem/pem.hpp"

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

inline constexpr auto chain_what = "certificate chain";
inline constexpr auto key_what = "private key";

/// `origin` names where something came from in messages: "the private key file 'a.pem'".
struct chain {
  std::vector<certificate_ptr> certificates;  ///< Our own first; at least one.
  std::string origin;
};
struct private_key {
  key_ptr key;
  std::string origin;
};

inline X509* leaf(chain const& from) noexcept { return from.certificates.front().get(); }

/// The certificates behind the first, which stay the chain's.
stack_ptr issuers_in(chain const& from);

/// Every certificate of a text. Throws `bad_certificate`.
chain parse_chain(std::string_view pem, std::string origin);

/// Whether `key` is that of `certificate`. Leaves no OpenSSL error.
bool belong_together(X509* certificate, EVP_PKEY* key);

/// Throws `key_mismatch` if they don't belong together, and says which certificate it would be.
void require_pair(chain const& with, private_key const& key);

/// Throws `bad_certificate` for the first certificate that OpenSSL would not accept in `handle`,
/// such as one with a key below the security level.
void require_usable(SSL_CTX* handle, chain const& candidate);

}  // namespace tls_async::detail
#pragma GCC visibility pop
