// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "pins.hpp"

#include <tls_async/core/policy.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstddef>

#include "error_queue.hpp"

namespace tls_async::detail {

bool is_pinned(X509* certificate, std::string_view pins) noexcept {
  error_mark const mark;
  unsigned char* der = nullptr;
  int const length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (length <= 0) return false;
  sha256_digest made{};
  bool const is_made = EVP_Digest(der, static_cast<std::size_t>(length), made.data(), nullptr,
                                  EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  std::string_view const own(reinterpret_cast<char const*>(made.data()), made.size());
  for (; is_made && pins.size() >= own.size(); pins.remove_prefix(own.size()))
    if (pins.starts_with(own)) return true;
  return false;
}

}  // namespace tls_async::detail
