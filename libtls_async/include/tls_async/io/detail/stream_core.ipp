// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The loop, the gates' openings, the timer, and the end of the stream.
#pragma once

#include <tls_async/io/detail/stream_core.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

namespace tls_async::detail {

template <class Visit>
void stream_core::each_operation(Visit visit) {
  for (operation* const op : {static_cast<operation*>(read_), static_cast<operation*>(handshake_),
                              static_cast<operation*>(shutdown_)}) {
    if (op != nullptr) visit(*op);
  }
  for (operation_list* const list : {&output_queue_, &in_flight_}) {
    for (auto it = list->begin(); it != list->end();) {
      operation& op = *it++;  // visit may unlink it
      visit(op);
    }
  }
}

inline void stream_core::drive(gate_step* from) {
  // A handler that is run from here may start the next verb, which only asks for another turn: no
  // recursion, its handler is not run from its initiating function, and what several handlers
  // write leaves together. Another thread that comes meanwhile goes through by itself.
  auto const me = std::this_thread::get_id();
  drive_again_ = true;
  if (driver_ == me) return;
  bool const is_driver = driver_ == std::thread::id();
  if (is_driver) driver_ = me;
  sent_this_turn_ = 0;
  while (std::exchange(drive_again_, false) && !closed_) {
    wants_fill_ = wants_room_ = false;
    // Closed by its owner: the number may be another file's by now.
    if (engine_.descriptor() != -1 && engine_.descriptor() != descriptor()) {
      engine_.refuse(boost::asio::error::bad_descriptor, "the socket was closed");
    }
    step_handshake();
    step_output();
    step_input();
    open_gates();  // what was sealed is on its way while handlers run
    try {
      run_handlers(from);
    } catch (...) {
      // It goes to the caller of run(), who may call that again: the other verbs must not have lost
      // their turn.
      if (from != nullptr && !from->lock.owns_lock()) from->lock.lock();
      if (is_driver) driver_ = {};
      drive(nullptr);
      throw;
    }
  }
  if (is_driver) driver_ = {};
  if (closed_) return;
  rest();
  if (has_operations()) return;
  if (std::exchange(armed_until_, never) != never) disarm_timer();
  // A fill would keep run() from returning. To end it may end a flush too.
  if (filling_ && !flushing_ && !fill_is_let_go_) fill_is_let_go_ = let_go_of_fill();
}

// Handlers are run last, when all is in order: each of them may do anything, also destroy the
// stream.
inline void stream_core::run_handlers(gate_step* from) {
  // One stream may not hold its thread for ever: after so many handlers the rest takes a turn of
  // the loop.
  constexpr int fairness = 256;
  for (int run = 0; !done_.empty(); ++run) {
    operation& op = done_.front();
    done_.pop_front();
    op.complete(run < fairness ? from : nullptr);
    if (from != nullptr && !from->lock.owns_lock()) from->lock.lock();
  }
}

inline void stream_core::open_gates() {
  if (!flushing_ && !output_end_ && !flush_rests_ && wants_room_) {
    flushing_ = true;
    start_waiting_flush(any_operation());
  }
  if (!flushing_ && !output_end_ && !flush_rests_ && engine_.ring().output_bytes() != 0) flush();
  // A record of a cancelled write may need input too, and waits for the next verb.
  if (wants_fill_ && !filling_ && !input_end_ && has_operations()) fill();
}

inline void stream_core::flush() {
  flushing_ = true;
  auto& stats = engine_.stats();
  ++stats.flushes;
  stats.largest_batch = std::max(stats.largest_batch, stats.records_sealed - records_flushed_);
  records_flushed_ = stats.records_sealed;
  start_flush(engine_.ring().readable(), any_operation());
}

inline void stream_core::fill() {
  filling_ = true;
  ++engine_.stats().fills;
  // A fill that may have to wait holds no ring meanwhile. What answers our part of a handshake
  // should come soon, and to receive costs less than to wait until there is something.
  auto& ring = engine_.ring();
  if (engine_.receives_directly()) return start_waiting_fill(any_operation());
  bool const is_answer = !engine_.handshake_done() && sealed() != 0;
  bool const comes_soon = is_answer || ring.expects_more_than(landing_bytes);
  if (may_keep_ring() && (comes_soon || (more_is_likely_ && more_is_there()))) {
    start_fill(ring.begin_fill(), any_operation());
  } else {
    start_waiting_fill(any_operation());
  }
}

inline bool stream_core::has_operations() const noexcept { return any_operation() != nullptr; }

inline operation const* stream_core::any_operation() const noexcept {
  if (!in_flight_.empty()) return &in_flight_.front();
  if (!output_queue_.empty()) return &output_queue_.front();
  if (handshake_ != nullptr) return handshake_;
  return read_ != nullptr ? static_cast<operation const*>(read_) : shutdown_;
}

inline bool stream_core::is_idle() const noexcept {
  return !has_operations() && done_.empty() && !flushing_ && !filling_;
}

inline time_point stream_core::expiry_of(operation const& op) const {
  if (!op.stalls) return op.expiry;
  return std::min(op.expiry,
                  options_.write_stall_deadline.after(std::max(last_progress_, op.started)));
}

inline void stream_core::add_deadline(operation& op) {
  // The timer is never set back: when it is early, it finds the next deadline and is armed again.
  // So a stream in full swing sets it once in a while, not once a verb.
  if (time_point const expiry = expiry_of(op); expiry < armed_until_) {
    armed_until_ = expiry;
    arm_timer(expiry, &op);
  }
}

inline void stream_core::timer_expired(gate_step from) {
  if (closed_) return;
  armed_until_ = never;
  time_point const moment = now();
  operation_list expired;
  each_operation([&](operation& op) {
    if (expiry_of(op) > moment) return;
    if (!op.result) explain_expiry(op);
    if (&op == read_) {
      read_ = nullptr;
    } else if (&op == handshake_) {
      handshake_ = nullptr;
    } else if (&op == shutdown_) {
      shutdown_ = nullptr;
    } else {
      op.unlink();
    }
    expired.push_back(op);
  });
  while (!expired.empty()) {
    operation& op = expired.front();
    expired.pop_front();
    finish(op, op.result ? op.result : error_code(boost::asio::error::timed_out));
  }
  each_operation([this](operation& op) { add_deadline(op); });
  drive(&from);
}

// A stream that has nothing to flush and nothing to open waits with what it needs for that.
inline void stream_core::rest() noexcept {
  engine_.rest(has(modes_, mode::release_buffers_on_idle));
  tell_account();
}

inline void stream_core::tell_account() noexcept {
  if (account_ == nullptr) return;
  auto const now = memory_usage();
  if (now != told_) account_->change(std::exchange(told_, now), now);
}

inline void stream_core::resumed(gate_step from) {
  if (!closed_) drive(&from);
  account_->wake_one();
}

// What the account was told is of the last rest: a ring that has been taken since, and that holds
// something, is held all the same. An empty one is only held if it is counted.
inline bool stream_core::holds_ring() const noexcept {
  auto const& ring = engine_.ring();
  return ring.is_in_use() || (ring.is_attached() && told_.ring != 0);
}

// Where memory is short a ring is not kept while its stream waits.
inline bool stream_core::may_keep_ring() const noexcept {
  return account_ == nullptr || holds_ring() || account_->has_room_for(engine_.ring().size());
}

inline std::span<std::byte> stream_core::fill_room() noexcept {
  bool const all = may_keep_ring();
  auto const room = engine_.ring().begin_fill();
  return all ? room : room.first(std::min(room.size(), engine_.ring().rest_of_record()));
}

inline void stream_core::set_modes(unsigned long modes) noexcept {
  modes_ = modes;
  engine_.release_buffers_always(has(modes, mode::release_buffers));
}

inline bool stream_core::keep_bytes(std::size_t n) noexcept {
  if (n > options_.most_bytes_kept || kept_bytes_ > options_.most_bytes_kept - n) return false;
  if (account_ != nullptr && !account_->has_room_for(n)) return false;
  kept_bytes_ += n;
  return true;
}

inline void stream_core::close() {
  if (std::exchange(closed_, true)) return;
  each_operation([this](operation& op) {
    if (op.is_linked()) op.unlink();
    finish(op, boost::asio::error::operation_aborted);
  });
  read_ = nullptr;
  handshake_ = shutdown_ = nullptr;
  run_handlers(nullptr);
}

inline void stream_core::abandon() noexcept {
  closed_ = true;
  operation_list all;
  each_operation([&all](operation& op) {
    if (op.is_linked()) op.unlink();
    all.push_back(op);
  });
  read_ = nullptr;
  handshake_ = shutdown_ = nullptr;
  all.splice(all.end(), done_);
  while (!all.empty()) {
    operation& op = all.front();
    all.pop_front();
    op.abandon();
  }
}

}  // namespace tls_async::detail
