// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the sessions of one context hold, and how much they may. Knows no sessions, only numbers and
// whom to wake.
#pragma once

#include <tls_async/requirements.hpp>

#include <boost/intrusive/list.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace tls_async::detail {

/// What the streams of a context hold, and those of them that wait for memory: the inside of
/// context::set_memory_budget. Thread-safe. The questions of a stream within it cost no lock.
class memory_account {
public:
  /// Bytes of one stream: what it can't do without, and the ring, which it gives back.
  struct holding {
    std::size_t own = 0;     ///< Its state, and what `tls_try_write` left.
    std::uint32_t ring = 0;  ///< 0 while it has none.
    /// A verb of it is in progress, so that the ring is given back sooner or later by itself.
    bool is_busy = false;
    /// Member by member.
    bool operator==(holding const&) const = default;
  };

  /// Waits for memory. Called under the account's lock, so it may not call back, but has another
  /// thread of control ask again.
  class waiter : public boost::intrusive::list_base_hook<> {
  public:
    /// There is some now.
    virtual void resume() = 0;

  protected:
    ~waiter() = default;

  private:
    friend memory_account;
    std::size_t needed_ = 0;
  };

  /// See context::set_memory_budget.
  void set_budget(std::size_t bytes) noexcept;
  /// Bytes that all streams hold.
  [[nodiscard]] std::size_t usage() const noexcept { return own_ + rings_; }

  /// A stream holds `now` instead of `before`.
  void change(holding const& before, holding const& now) noexcept;
  /// So many bytes more would be within the budget.
  [[nodiscard]] bool allows(std::size_t bytes) const noexcept;
  /// A stream may take a ring of so many bytes; also beyond the budget if nobody else is busy with
  /// one, for somebody has to go on: who holds unread input may wait for the one that asks.
  [[nodiscard]] bool may_take_ring(std::size_t bytes) const noexcept {
    return busy_rings_ == 0 || allows(bytes);
  }
  /// True if `one` may take a ring of so many bytes; else it is resumed when it may.
  [[nodiscard]] bool may_take_ring_or_wait(waiter& one, std::size_t bytes);
  /// `one` waits no more.
  void leave(waiter& one) noexcept;
  /// Resumes the first waiter if the budget allows it. For one that was resumed, too: it may not
  /// have needed the memory any more.
  void wake_one() noexcept;

private:
  std::atomic<std::size_t> budget_ = 0;  // 0: none
  std::atomic<std::size_t> own_ = 0;
  std::atomic<std::size_t> rings_ = 0;
  std::atomic<std::size_t> busy_rings_ = 0;
  std::atomic<bool> somebody_waits_ = false;
  std::mutex mutex_;
  boost::intrusive::list<waiter> waiters_;
};

}  // namespace tls_async::detail
