// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/memory_account.hpp>

namespace tls_async::detail {

void memory_account::set_budget(std::size_t bytes) noexcept {
  budget_ = bytes;
  wake_one();
}

void memory_account::change(holding const& before, holding const& now) noexcept {
  own_ += now.own - before.own;  // modulo, where it has become less
  rings_ += std::size_t{now.ring} - before.ring;
  auto const busy = [](holding const& h) { return std::size_t{h.is_busy ? h.ring : 0}; };
  busy_rings_ += busy(now) - busy(before);
  wake_one();
}

bool memory_account::allows(std::size_t bytes) const noexcept {
  std::size_t const budget = budget_;
  return budget == 0 || (bytes <= budget && usage() <= budget - bytes);
}

bool memory_account::may_take_ring_or_wait(waiter& one, std::size_t bytes) {
  if (may_take_ring(bytes)) return true;
  {
    std::scoped_lock const lock(mutex_);
    one.needed_ = bytes;
    if (!one.is_linked()) waiters_.push_back(one);
    somebody_waits_ = true;
  }
  // What was given back between the question and the wait has woken nobody.
  if (!may_take_ring(bytes)) return false;
  leave(one);
  return true;
}

void memory_account::leave(waiter& one) noexcept {
  std::scoped_lock const lock(mutex_);
  if (one.is_linked()) waiters_.erase(waiters_.iterator_to(one));
  somebody_waits_ = !waiters_.empty();
}

void memory_account::wake_one() noexcept {
  if (!somebody_waits_) return;
  std::scoped_lock const lock(mutex_);
  if (waiters_.empty() || !may_take_ring(waiters_.front().needed_)) return;
  try {
    waiters_.front().resume();
  } catch (...) {
    return;  // no memory for it now: it is still the first when something changes next
  }
  waiters_.pop_front();
  somebody_waits_ = !waiters_.empty();
}

}  // namespace tls_async::detail
