// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Public keys that are pinned. Private to the library.
#pragma once

#include <openssl/types.h>

#include <string_view>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// Whether the public key of `certificate` is one of `pins`: SHA-256 of its SubjectPublicKeyInfo
/// (RFC 7469 section 2.4), 32 bytes each. False if there is no memory.
bool is_pinned(X509* certificate, std::string_view pins) noexcept;

}  // namespace tls_async::detail
#pragma GCC visibility pop
