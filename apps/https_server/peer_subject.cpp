// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "peer_subject.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace https_server {

std::string peer_subject(SSL const* session) {
  X509* const certificate = SSL_get0_peer_certificate(session);
  if (certificate == nullptr) return {};
  std::unique_ptr<BIO, decltype(&BIO_free_all)> const text{BIO_new(BIO_s_mem()), &BIO_free_all};
  if (!text ||
      X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) {
    ERR_clear_error();
    return "unreadable";
  }
  char* data = nullptr;
  auto const length = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

}  // namespace https_server
