// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What surrounds a call of a session into OpenSSL. error_queue.hpp has what suffices elsewhere:
// this one is for each record, so it touches the queue only where something is in it or may be, and
// it is for errno and SIGPIPE too. Private to the library.
#pragma once

#include <openssl/err.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace tls_async {

class engine;

/// Whose handshake the call under way on this thread is of; null for any other call. OpenSSL tells
/// a key nothing of the session that it signs for.
[[gnu::visibility("hidden")]] inline thread_local constinit engine* negotiating = nullptr;

/// That, for a while.
class [[gnu::visibility("hidden")]] negotiation {
public:
  explicit negotiation(engine * of) noexcept : before_(std::exchange(negotiating, of)) {}
  negotiation(negotiation const&) = delete;
  negotiation& operator=(negotiation const&) = delete;
  ~negotiation() { negotiating = before_; }

private:
  engine* before_;
};

/// The error queue is empty and errno 0, so that what SSL_get_error and errno say afterwards is of
/// this call; and the queue is left empty, whatever a callback has put there. `callback_ran` tells
/// whether one of the application's may have run: to look at the queue takes 200 instructions.
///
/// On a descriptor a lost peer does not end the program: OpenSSL's socket BIO writes without
/// MSG_NOSIGNAL, and sendfile(2) has no such flag, so SIGPIPE is blocked, and dropped afterwards,
/// unless the program has blocked it itself.
class [[gnu::visibility("hidden")]] openssl_call {
public:
  openssl_call(bool on_descriptor, bool& callback_ran) noexcept
      : callback_ran_(callback_ran), is_blocked_here_(on_descriptor) {
    // ERR_clear_error goes through all places of the queue also if there is nothing in it, which a
    // small record notices.
    if (ERR_peek_error() != 0) ERR_clear_error();
    errno = 0;
    if (!on_descriptor) return;
    sigset_t const pipe = only_sigpipe();
    pthread_sigmask(SIG_BLOCK, &pipe, &before_);
    is_blocked_here_ = sigismember(&before_, SIGPIPE) == 0;
  }
  ~openssl_call() {
    if (std::exchange(callback_ran_, false)) ERR_clear_error();
    if (!is_blocked_here_) return;
    int const kept = errno;
    sigset_t pending;
    sigpending(&pending);
    if (sigismember(&pending, SIGPIPE) == 1) {
      sigset_t const pipe = only_sigpipe();
      timespec const at_once{};
      while (sigtimedwait(&pipe, nullptr, &at_once) == -1 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = kept;
  }
  openssl_call(openssl_call const&) = delete;
  openssl_call& operator=(openssl_call const&) = delete;

private:
  static sigset_t only_sigpipe() noexcept {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    return pipe;
  }

  bool& callback_ran_;
  negotiation const no_handshake_{nullptr};
  bool is_blocked_here_;
  sigset_t before_{};
};

}  // namespace tls_async
