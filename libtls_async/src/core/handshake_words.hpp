// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Where a handshake stands and what it offers, in the words of RFC 8446 rather than OpenSSL's own.
#pragma once

#include <openssl/types.h>

#include <string>

#pragma GCC visibility push(hidden)
namespace tls_async {

/// The message that the handshake needs next. Always a literal.
char const* next_message_of(SSL const* ssl) noexcept;

/// The versions that `ssl` may negotiate, as "TLS 1.2 or TLS 1.3".
std::string versions_of(SSL* ssl);

/// What a person has to know beside OpenSSL's reason for the end of a handshake; may be empty.
std::string hint_at(SSL* ssl, unsigned long code);

}  // namespace tls_async
#pragma GCC visibility pop
