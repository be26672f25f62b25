// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The loop, and how verbs start, finish, are cancelled and time out.
#pragma once

#include <tls_async/error.hpp>
#include <tls_async/io/detail/stream_core.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace tls_async::detail {

inline void stream_core::start(read_operation& read) {
  flush_rests_ = false;
  if (!engine_.has_role()) {
    finish(read, errc::no_role);
  } else if (read_ != nullptr) {
    finish(read, errc::second_read);
  } else if (read.place().empty()) {
    finish(read, {});
  } else {
    read_ = &read;
    add_deadline(read);
  }
  drive(nullptr);
}

inline void stream_core::start(write_operation& write) {
  flush_rests_ = false;
  if (write.piece().empty()) {
    // SSL_write_ex takes zero bytes only between records (SSL_write_ex(3)); it need not be asked.
    finish(write, write.result);
  } else if (!engine_.has_role()) {
    finish(write, errc::no_role);
  } else {
    if (write.stalls) write.waits_since = now();
    output_queue_.push_back(write);
    write.is_queued = true;
    auto& largest = engine_.stats().largest_queue;
    largest = std::max(largest, ++queued_writes_);
    add_deadline(write);
  }
  drive(nullptr);
}

inline void stream_core::start(control_operation& control) {
  flush_rests_ = false;
  bool const is_handshake = control.what == operation::verb::handshake;
  bool const is_shutdown = control.what == operation::verb::shutdown;
  if ((is_handshake && handshake_ != nullptr) || (is_shutdown && is_shutting_down())) {
    finish(control, errc::operation_in_progress);
  } else if (is_handshake) {
    handshake_ = &control;
    add_deadline(control);
  } else if (engine_.failure()) {
    finish(control, failure_code());
  } else if (!engine_.handshake_done()) {
    finish(control, errc::handshake_not_done);
  } else if (control.what == operation::verb::key_update && !engine_.supports_key_update()) {
    finish(control, errc::not_supported);
  } else {
    if (control.stalls) control.waits_since = now();
    output_queue_.push_back(control);
    if (control.what != operation::verb::key_update) {
      control.is_queued = true;
      ++queued_closes_;
    }
    add_deadline(control);
  }
  drive(nullptr);
}

inline bool stream_core::is_shutting_down() const noexcept {
  if (shutdown_ != nullptr) return true;
  for (operation_list const* const list : {&output_queue_, &in_flight_}) {
    for (operation const& op : *list) {
      if (op.what == operation::verb::shutdown) return true;
    }
  }
  return false;
}

inline bool stream_core::keep_bytes(std::size_t n) noexcept {
  if (n > options_.most_bytes_kept || kept_bytes_ > options_.most_bytes_kept - n) return false;
  kept_bytes_ += n;
  return true;
}

inline void stream_core::set_modes(unsigned long modes) noexcept {
  modes_ = modes;
  engine_.release_buffers_always(has(modes, mode::release_buffers));
}

inline void stream_core::reject(operation& op, error_code why) {
  finish(op, why);
  drive(nullptr);
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
  while (std::exchange(drive_again_, false) && !closed_) {
    wants_fill_ = false;
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
  if (closed_ || has_operations()) return;
  if (std::exchange(armed_until_, never) != never) disarm_timer();
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
  if (!flushing_ && !output_end_ && !flush_rests_ && engine_.ring().output_bytes() != 0) flush();
  if (wants_fill_ && !filling_ && !input_end_) fill();
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
  if (read_ != nullptr && !flushing_ && has(modes_, mode::release_buffers_on_idle))
    engine_.free_buffers();
  start_fill(engine_.ring().writable(), any_operation());
}

inline void stream_core::finish(operation& op, error_code result) {
  leave_queue(op);
  op.result = result;
  op.is_done = true;
  done_.push_back(op);
}

inline void stream_core::leave_queue(operation& op) noexcept {
  if (!std::exchange(op.is_queued, false)) return;
  --(op.what == operation::verb::write ? queued_writes_ : queued_closes_);
}

inline error_code stream_core::refusal() const {
  if (!engine_.has_role()) return errc::no_role;
  if (engine_.failure()) return failure_code();
  if (output_end_) return output_end_;
  return queued_closes_ != 0 || engine_.close_notify_sent() ? errc::closed_for_writing
                                                            : error_code();
}

inline void stream_core::finish_after_flush(operation& op, error_code result) {
  leave_queue(op);
  op.end = sealed();
  if (op.end <= flushed_) return finish(op, result);
  if (output_end_) return finish(op, result ? result : output_end_);
  op.result = result;
  op.waits_for_flush = true;
  if (result) {
    // An alert is on its way: the peer should get it, but the error will not wait for ever.
    op.expiry = std::min(op.expiry, now() + options_.shutdown_deadline);
    op.stalls = false;
    add_deadline(op);
  }
  in_flight_.push_back(op);
}

inline void stream_core::cancel(operation& op, boost::asio::cancellation_type type,
                                error_code why) {
  using boost::asio::cancellation_type;
  auto const allows = [type](cancellation_type which) {
    return (type & which) != cancellation_type::none;
  };
  bool const has_effects =
      op.waits_for_flush ||
      (op.what == operation::verb::write ? op.bytes != 0 : &op == handshake_) || &op == shutdown_;
  bool const acts = allows(cancellation_type::terminal) || allows(cancellation_type::partial) ||
                    (allows(cancellation_type::total) && !has_effects);
  if (!acts || op.is_done) return;
  if (&op == read_) {
    read_ = nullptr;
  } else if (&op == handshake_) {
    handshake_ = nullptr;
  } else if (&op == shutdown_) {
    shutdown_ = nullptr;
  } else {
    op.unlink();
  }
  // An error that only waited for its alert to leave is what its caller wants to know.
  finish(op, op.result ? op.result : why);
  drive(nullptr);
}

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
                  std::max(last_progress_, op.waits_since) + options_.write_stall_deadline);
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

inline error_code stream_core::failure_code() const {
  auto const& why = engine_.failure();
  if (why.openssl == 0) return why.own;
  return {static_cast<int>(why.openssl), boost::asio::error::get_ssl_category()};
}

inline error_code stream_core::end_of_input(error_code transport) {
  if (transport == boost::asio::error::eof) {
    engine_.explain("the peer closed the connection without close_notify");
    return boost::asio::ssl::error::stream_truncated;
  }
  engine_.explain("receiving failed: " + transport.message());
  return transport;
}

inline error_code stream_core::end_of_output(error_code transport) {
  engine_.explain("sending failed: " + transport.message());
  return transport;
}

// The session has failed: nothing can be sealed or opened any more, but the alert still leaves.
inline void stream_core::fail_session() {
  error_code const result = failure_code();
  for (operation& op : in_flight_) {
    if (op.end != not_in_ring_yet) continue;
    op.end = sealed();
    op.result = result;
  }
  if (auto* const handshake = std::exchange(handshake_, nullptr))
    finish_after_flush(*handshake, result);
  if (auto* const read = std::exchange(read_, nullptr)) {
    finish_after_flush(*read, read->bytes != 0 ? error_code() : result);
  }
  if (auto* const shutdown = std::exchange(shutdown_, nullptr))
    finish_after_flush(*shutdown, result);
  while (!output_queue_.empty()) {
    operation& op = output_queue_.front();
    output_queue_.pop_front();
    finish_after_flush(op, result);
  }
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
