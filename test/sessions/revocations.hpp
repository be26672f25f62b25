// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Lists of revoked certificates, as a program gives them to OpenSSL itself.
#pragma once

#include <tls_async_test/tls_pair.hpp>

#include <boost/test/unit_test.hpp>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace tls_async::test {

/// `pem` as of `make_revocations`.
inline void add_revocations(X509_STORE* store, std::string const& pem) {
  bio_ptr const from(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> const list(
      PEM_read_bio_X509_CRL(from.get(), nullptr, nullptr, nullptr), &X509_CRL_free);
  BOOST_REQUIRE(X509_STORE_add_crl(store, list.get()) == 1);
}

/// From here on the peers of `of` must not be revoked.
inline void check_revocations(SSL_CTX* of, std::string const& pem) {
  auto* const store = SSL_CTX_get_cert_store(of);
  add_revocations(store, pem);
  BOOST_REQUIRE(X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1);
}

}  // namespace tls_async::test
