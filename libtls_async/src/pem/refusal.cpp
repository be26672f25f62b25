// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "refusal.hpp"

#include <openssl/err.h>

#include <new>

namespace tls_async::detail {

std::string openssl_reason() {
  std::string text;
  while (auto const code = ERR_get_error()) {
    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
      throw std::bad_alloc{};
    }
    if (char const* const words = ERR_reason_error_string(code)) {
      text += (text.empty() ? "" : ", ") + std::string{words};
    }
  }
  return text;
}

void refuse(errc code, std::string const& text) {
  openssl_reason();
  throw boost::system::system_error{make_error_code(code), text};
}

void require_memory(bool ok) {
  if (!ok) {
    throw std::bad_alloc{};
  }
}

}  // namespace tls_async::detail
