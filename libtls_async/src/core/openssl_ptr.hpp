// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Owners of OpenSSL's objects: the one place that says by which function each is freed. Private to
// the library.
#pragma once

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

template <class T, auto Free>
using openssl_ptr = std::unique_ptr<T, freed_by<Free>>;

// Where OpenSSL has a macro, or wants one argument more.
inline void free_text(char* text) noexcept { OPENSSL_free(text); }
inline void free_stack(STACK_OF(X509) * stack) noexcept { sk_X509_free(stack); }
inline void free_certificates(STACK_OF(X509) * stack) noexcept {
  sk_X509_pop_free(stack, X509_free);
}
inline void free_names(STACK_OF(X509_NAME) * stack) noexcept {
  sk_X509_NAME_pop_free(stack, X509_NAME_free);
}

using bio_ptr = openssl_ptr<BIO, BIO_free_all>;
using certificate_ptr = openssl_ptr<X509, X509_free>;
using certificates_ptr = openssl_ptr<STACK_OF(X509), free_certificates>;
using handle_ptr = openssl_ptr<SSL_CTX, SSL_CTX_free>;
using key_ptr = openssl_ptr<EVP_PKEY, EVP_PKEY_free>;
using names_ptr = openssl_ptr<STACK_OF(X509_NAME), free_names>;
using session_ptr = openssl_ptr<SSL, SSL_free>;
/// Owns only the stack: the certificates stay another's.
using stack_ptr = openssl_ptr<STACK_OF(X509), free_stack>;
using store_ptr = openssl_ptr<X509_STORE, X509_STORE_free>;
using text_ptr = openssl_ptr<char, free_text>;

}  // namespace tls_async::detail
#pragma GCC visibility pop
