// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Certificates whose private keys OpenSSL has not, and who has them.
#pragma once

#include <tls_async/core/question.hpp>
#include <tls_async/identities.hpp>

#include <tls_async_test/certificates.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace tls_async::test {

inline identities keyless(identity_kind kind) {
  identities all;
  all.add_chain(make_identity(kind).certificate_chain);
  return all;
}

using test_key = std::shared_ptr<EVP_PKEY>;

inline test_key private_key_of(identity_kind kind) {
  auto const& pem = make_identity(kind).private_key;
  BIO* const from = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  test_key made(PEM_read_bio_PrivateKey(from, nullptr, nullptr, nullptr), EVP_PKEY_free);
  BIO_free(from);
  return made;
}

/// As the owner of the key makes one, by OpenSSL's own providers.
inline std::vector<std::byte> signature_by(EVP_PKEY* key, signature_request const& asked) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  EVP_PKEY_CTX* with = nullptr;
  bool good = EVP_DigestSignInit_ex(context.get(), &with,
                                    asked.digest.empty() ? nullptr : asked.digest.c_str(), nullptr,
                                    nullptr, key, nullptr) == 1;
  bool const is_pss = asked.scheme >> 8 == 8 && asked.scheme < 0x0807;
  if (good && is_pss) {
    good = EVP_PKEY_CTX_set_rsa_padding(with, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(with, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  std::vector<std::byte> made(1'024);
  auto size = made.size();
  good = good && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(made.data()), &size,
                                reinterpret_cast<unsigned char const*>(asked.message.data()),
                                asked.message.size()) == 1;
  if (!good) throw std::runtime_error("cannot sign");
  made.resize(size);
  return made;
}

inline bool is_for(EVP_PKEY* key, signature_request const& asked) {
  unsigned char* encoded = nullptr;
  int const size = i2d_PUBKEY(key, &encoded);
  auto const bytes = std::as_bytes(std::span(encoded, static_cast<std::size_t>(size)));
  bool const same = std::ranges::equal(bytes, asked.public_key);
  OPENSSL_free(encoded);
  return same;
}

/// By that of our keys which is asked for.
inline verdict signed_by_its_key(signature_request const& asked) {
  for (auto const kind :
       {identity_kind::server, identity_kind::server_rsa, identity_kind::server_ed25519,
        identity_kind::client, identity_kind::server_intermediate, identity_kind::expired,
        identity_kind::wrong_host, identity_kind::self_signed}) {
    auto const key = private_key_of(kind);
    if (is_for(key.get(), asked)) return verdict::sign(signature_by(key.get(), asked));
  }
  return verdict::refuse("no such key");
}

}  // namespace tls_async::test
