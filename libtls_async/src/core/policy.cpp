// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/policy.hpp>

#include <tls_async/mode.hpp>

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "openssl_ptr.hpp"

namespace tls_async::detail {
namespace {

// Negative if OpenSSL has no memory for it.
int policy_index() noexcept {
  static int const index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

context_policy* policy_of(SSL_CTX const* handle) noexcept {
  int const index = policy_index();
  return index < 0 ? nullptr : static_cast<context_policy*>(SSL_CTX_get_ex_data(handle, index));
}

bool set_policy(SSL_CTX* handle, context_policy& policy) noexcept {
  return SSL_CTX_set_ex_data(handle, policy_index(), &policy) == 1;
}

unsigned long inherited_modes(SSL_CTX* handle) noexcept {
  auto const of_openssl = static_cast<unsigned long>(SSL_CTX_get_mode(handle)) & known_modes;
  if (auto const* policy = policy_of(handle); policy != nullptr) {
    return of_openssl |
           (policy->release_on_idle ? static_cast<unsigned long>(mode::release_buffers_on_idle)
                                    : 0);
  }
  return of_openssl | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
         SSL_MODE_RELEASE_BUFFERS;
}

bool has_trust(SSL_CTX const* handle) noexcept {
  auto const* const policy = policy_of(handle);
  return (policy != nullptr && policy->trust.has_any()) ||
         has_certificate(SSL_CTX_get_cert_store(handle));
}

// Of a copy, which is made under the lock: a handshake elsewhere may be adding what it found in a
// directory. X509_STORE_get0_objects(3), which needs no copy, is deprecated in OpenSSL 4.
bool has_certificate(X509_STORE* store) noexcept {
  certificates_ptr const certificates{X509_STORE_get1_all_certs(store)};
  return sk_X509_num(certificates.get()) > 0;
}

}  // namespace tls_async::detail
