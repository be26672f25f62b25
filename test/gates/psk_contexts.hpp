// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Contexts for many short sessions: a common key in place of certificates, so that a handshake is
// cheap and has the same length each time.
#pragma once

#include <openssl/ssl.h>

#include <tls_async_test/tls_pair.hpp>

namespace tls_async::test {

/// Lives as long as the program.
SSL_CTX* psk_context(role side);

}  // namespace tls_async::test
