// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/question.hpp>

#include <openssl/x509.h>

#include <new>

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

}  // namespace tls_async
