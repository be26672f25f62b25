// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "thread_jobs.hpp"

#include <openssl/async.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

#include "openssl_call.hpp"

namespace tls_async::detail {

namespace {

// Of this thread, and also to be asked when it ends.
thread_local constinit thread_jobs const* mine = nullptr;
thread_local constinit bool has_ended = false;
thread_local constinit bool ends_job = false;

}  // namespace

// The thread's, until it ends.
struct thread_jobs::of_thread {
  std::shared_ptr<thread_jobs> const jobs = std::make_shared<thread_jobs>();

  of_thread() { mine = jobs.get(); }
  of_thread(of_thread const&) = delete;
  of_thread& operator=(of_thread const&) = delete;
  ~of_thread() {
    {
      std::lock_guard const inside(jobs->mutex_);
      jobs->has_thread_ = false;
    }
    jobs->end_left();
    mine = nullptr;
    has_ended = true;
  }
};

std::shared_ptr<thread_jobs> thread_jobs::here() {
  if (has_ended) {
    auto without_thread = std::make_shared<thread_jobs>();
    without_thread->has_thread_ = false;
    return without_thread;
  }
  thread_local of_thread const all;
  return all.jobs;
}

bool thread_jobs::may_go_on() const noexcept {
  return mine == this && ASYNC_get_current_job() == nullptr;
}

void thread_jobs::leave(session_ptr session) noexcept {
  std::lock_guard const inside(mutex_);
  try {
    if (has_thread_) left_.push_back(std::move(session));
  } catch (...) {  // no memory
  }
  // To free it would leave a job that has parts of it.
  (void)session.release();
}

void thread_jobs::end_left() noexcept {
  if (!may_go_on()) return;
  std::vector<session_ptr> left;
  {
    std::lock_guard const inside(mutex_);
    left.swap(left_);
  }
  if (left.empty()) return;
  for (auto const& each : left)
    end(each.get());
  ERR_clear_error();
}

void thread_jobs::end(SSL* session) noexcept {
  negotiation const nobodys(nullptr);  // so that it has no signature, and fails
  bool const before = std::exchange(ends_job, true);
  (void)SSL_do_handshake(session);
  ends_job = before;
}

bool thread_jobs::is_ending_one() noexcept { return ends_job; }

}  // namespace tls_async::detail
