// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How a setter says no. Private to the library.
#pragma once

#include <tls_async/error.hpp>

#include <string>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// What the OpenSSL error queue says, oldest first, in words. Empties it.
std::string openssl_reason();

/// Throws the library's error; std::bad_alloc if the OpenSSL error queue says that memory ran out.
[[noreturn]] void refuse(errc code, std::string const& text);

/// For OpenSSL calls that can fail for lack of memory only.
void require_memory(bool ok);

}  // namespace tls_async::detail
#pragma GCC visibility pop
