// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Guards of the thread's OpenSSL error queue, for what is no call of a session: those have a guard
// of their own (openssl_call.hpp). Private to the library.
#pragma once

#include <openssl/err.h>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// Empties the queue at both ends of a setter: what another library left there must not be taken
/// for our error, and ours must not be taken for an error of SSL_read.
class error_queue_scope {
public:
  error_queue_scope() noexcept { ERR_clear_error(); }
  ~error_queue_scope() { ERR_clear_error(); }
  error_queue_scope(error_queue_scope const&) = delete;
  error_queue_scope& operator=(error_queue_scope const&) = delete;
};

/// Of a question, whose answer may leave errors in the queue that are none: they are taken out, and
/// what was there before stays, which may be the reason of a failure.
class error_mark {
public:
  error_mark() noexcept { ERR_set_mark(); }
  ~error_mark() { ERR_pop_to_mark(); }
  error_mark(error_mark const&) = delete;
  error_mark& operator=(error_mark const&) = delete;
};

}  // namespace tls_async::detail
#pragma GCC visibility pop
