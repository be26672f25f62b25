// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What tests have to know of the OpenSSL that they run with. The only place that asks for it.
#pragma once

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace tls_async::test {

/// 3.2 has a new record layer, which can receive TLS 1.3 through the kernel, and which knows that
/// it can't change the kernel's keys.
inline bool since_openssl_32() { return OpenSSL_version_num() >= 0x3020'0000U; }

inline bool since_openssl_4() { return OpenSSL_version_num() >= 0x4000'0000U; }

/// As SSL_set1_host(3), which is deprecated from OpenSSL 4 on.
inline bool set_host(SSL* session, char const* host) {
  return X509_VERIFY_PARAM_set1_host(SSL_get0_param(session), host, 0) == 1;
}

}  // namespace tls_async::test
