// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/question.hpp>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <new>
#include <utility>
#include <vector>

#include "certificate_text.hpp"
#include "error_queue.hpp"

namespace tls_async {

std::string peer_certificates::der(std::size_t index) const {
  detail::error_mark const mark;
  int const size = i2d_X509(chain_[index].get(), nullptr);
  if (size <= 0) throw std::bad_alloc();
  std::string bytes(static_cast<std::size_t>(size), '\0');
  auto* at = reinterpret_cast<unsigned char*>(bytes.data());
  (void)i2d_X509(chain_[index].get(), &at);
  return bytes;
}

std::string peer_certificates::subject(std::size_t index) const {
  detail::error_mark const mark;
  return detail::name_text(X509_get_subject_name(chain_[index].get()));
}

shared_list<std::byte> signature_request::hashed() const {
  if (digest.empty()) return message;
  detail::error_mark const mark;
  std::vector<std::byte> made(EVP_MAX_MD_SIZE);
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, digest.c_str(), nullptr, message.data(), message.size(),
                   reinterpret_cast<unsigned char*>(made.data()), &size) != 1) {
    throw std::bad_alloc();
  }
  made.resize(size);
  return shared_list<std::byte>(std::move(made));
}

}  // namespace tls_async
