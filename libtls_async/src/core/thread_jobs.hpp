// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Jobs of OpenSSL's (ASYNC_start_job(3)) that wait for a signature. A job is a stack that only its
// own thread can go on with, so what ends on another thread is left to that one. Private to the
// library.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "openssl_ptr.hpp"

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

class [[gnu::visibility("hidden")]] thread_jobs {
public:
  /// Those of this thread. Throws std::bad_alloc.
  static std::shared_ptr<thread_jobs> here();
  /// They are of this thread, which is in no other job either.
  [[nodiscard]] bool may_go_on() const noexcept;
  /// Takes a session over, which its own thread ends when it looks, or ends itself. If that has
  /// ended the job stays in memory. From any thread.
  void leave(session_ptr session) noexcept;
  /// Ends what was left here.
  void end_left() noexcept;
  /// Ends the job of a session that nobody goes on with, on its thread.
  static void end(SSL * session) noexcept;
  /// This thread is in that: whoever knew the session may be gone. OpenSSL has read which callback
  /// to tell of its steps before the job waited.
  [[nodiscard]] static bool is_ending_one() noexcept;

private:
  struct of_thread;

  std::mutex mutex_;
  std::vector<session_ptr> left_;
  bool has_thread_ = true;
};

}  // namespace tls_async::detail
#pragma GCC visibility pop
