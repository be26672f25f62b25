// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// By which rules a peer is verified, as 32 bytes: a session may be resumed only under the rules by
// which its peer was verified, since nobody is verified again then. Private to the library.
#pragma once

#include <tls_async/core/policy.hpp>

#include <openssl/types.h>

#include <optional>
#include <string_view>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// Adds `given`, which is trusted from here on, to what `so_far` stands for. False if OpenSSL has
/// no memory for it; `so_far` is then as before.
[[nodiscard]] bool add_to_digest(sha256_digest& so_far, std::string_view given) noexcept;

/// The rules of `ssl`: what its context trusts, the lists of revoked certificates in its store, its
/// modes, depth, flags and levels, the names to verify by, the pins, and the version of the
/// program's own rules. The same in each process that is set up in the same way. Certificates that
/// a program adds to the store of one of our contexts by native_handle() are not seen. Nothing if
/// there is no memory, or the session has another store: then nothing is resumed.
std::optional<sha256_digest> verification_digest(SSL const* ssl) noexcept;

}  // namespace tls_async::detail
#pragma GCC visibility pop
