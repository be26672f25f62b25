// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The contexts of the lives, made once and before anything fails.
#pragma once

#include <tls_async/context.hpp>

#include <openssl/ssl.h>

#include <memory>

namespace tls_async::test::torture {

enum class context_kind { usual, tls12, client_certificate, budget };

struct context_pair {
  context client{context::role::client};
  context server{context::role::server};
  struct session_free {
    void operator()(SSL_SESSION* freed) const noexcept { SSL_SESSION_free(freed); }
  };
  std::unique_ptr<SSL_SESSION, session_free> session;  ///< To be resumed, by the client.
};

context_pair& contexts_of(context_kind kind);

}  // namespace tls_async::test::torture
