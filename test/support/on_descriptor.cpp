// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "on_descriptor.hpp"

#include <openssl/ssl.h>

namespace tls_async {
namespace {

int mark_index() {
  static int const index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

bool detail::stays_on_descriptor(SSL const* session) noexcept {
  return SSL_get_ex_data(session, mark_index()) != nullptr;
}

void test::stay_on_descriptor(engine& session) {
  SSL_set_ex_data(session.native_handle(), mark_index(), &session);
}

}  // namespace tls_async
