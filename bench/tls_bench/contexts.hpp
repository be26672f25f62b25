// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The SSL_CTXs, the same for all stacks: AES-128-GCM, X25519, ECDSA P-256, tickets on.
// Knows nothing of Asio, so that both kinds of Asio can use it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

namespace tls_async::bench {

enum class role { client, server };

/// Of one protocol (12 or 13). Lives until the process ends. A record_counter sees the records of
/// those sessions only that come from a context which is `counted`.
SSL_CTX* context_of(role side, int protocol, bool counted = false);

/// Throws with OpenSSL's words if `ok` is false.
void must(bool ok, char const* what);

/// Counts the records of one session from now on. Not for timed runs. Must outlive the session.
class record_counter {
public:
  record_counter() = default;
  record_counter(record_counter const&) = delete;
  record_counter& operator=(record_counter const&) = delete;

  void count(SSL* session);
  std::uint64_t sealed = 0, opened = 0;
};

}  // namespace tls_async::bench
