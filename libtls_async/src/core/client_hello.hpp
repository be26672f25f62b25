// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Reads the ClientHello of a session, as long as OpenSSL has it: from
// SSL_CTX_set_client_hello_cb(3) on, until it is acted upon. Private to the library.
#pragma once

#include <tls_async/core/question.hpp>

#include <openssl/types.h>

#include <string_view>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// The host that it asks for; empty if it asks for none, or if it is not to be read.
std::string_view asked_name(SSL* session);

/// All of it. Throws std::bad_alloc.
client_hello read_client_hello(SSL* session);

/// The second one, behind a HelloRetryRequest, asks for what the first has asked for. OpenSSL does
/// not compare them.
bool asks_for_the_same(client_hello const& first, client_hello const& second);

}  // namespace tls_async::detail
#pragma GCC visibility pop
