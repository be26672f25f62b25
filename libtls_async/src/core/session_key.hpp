// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a client's session may be resumed for. Private to the library.
#pragma once

#include <tls_async/core/session_keeper.hpp>

#include <openssl/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// The key of the sessions of `ssl`, a client that has not begun, as it is set up now. `host`:
/// whom it wants, without a dot at its end, or empty; `port`: 0 if it is not known. Nothing if
/// nobody knows whom it wants, neither by `host` nor by what is set on `ssl`, and if there is no
/// memory. Throws std::bad_alloc.
std::optional<session_key> session_key_of(SSL* ssl, std::string_view host, std::uint16_t port);

}  // namespace tls_async::detail
#pragma GCC visibility pop
