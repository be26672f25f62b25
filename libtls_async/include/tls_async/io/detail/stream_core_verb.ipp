// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The life of a verb: how it starts, finishes, is cancelled, and what the failure of the session
// means for it.
#pragma once

#include <tls_async/error.hpp>
#include <tls_async/io/detail/stream_core.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace tls_async::detail {

inline void stream_core::begin(operation& op) {
  flush_rests_ = false;
  engine_.forget_deadline();
  if (op.stalls || op.expiry != never) op.started = now();
}

inline void stream_core::start(read_operation& read) {
  begin(read);
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
  begin(write);
  bool const is_sent_by_kernel =
      engine_.kernel_seals() && write.file() != nullptr && write.file()->length != 0;
  if (!is_sent_by_kernel && write.piece().empty()) {
    // SSL_write_ex takes zero bytes only between records (SSL_write_ex(3)); it need not be asked.
    finish(write, write.result);
  } else if (!engine_.has_role()) {
    finish(write, errc::no_role);
  } else {
    output_queue_.push_back(write);
    write.is_queued = true;
    auto& largest = engine_.stats().largest_queue;
    largest = std::max(largest, ++queued_writes_);
    add_deadline(write);
  }
  drive(nullptr);
}

inline void stream_core::start(control_operation& control) {
  begin(control);
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
  } else if (control.what == operation::verb::key_update && engine_.kernel_seals()) {
    finish(control, errc::ktls_fixed_keys);
  } else {
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

inline void stream_core::reject(operation& op, error_code why) {
  finish(op, why);
  drive(nullptr);
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
  wait_for_flush(op, result, sealed());
}

inline void stream_core::wait_for_flush(operation& op, error_code result, std::uint64_t end) {
  leave_queue(op);
  op.end = end;
  if (op.end <= flushed_) return finish(op, result);
  if (output_end_) return finish(op, result ? result : output_end_);
  op.result = result;
  op.waits_for_flush = true;
  if (result) {
    // An alert is on its way: the peer should get it, but the error will not wait for ever.
    op.expiry = std::min(op.expiry, options_.shutdown_deadline.after(now()));
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

inline error_code stream_core::failure_code() const {
  auto const& why = engine_.failure();
  // In the handshake it came in the clear, perhaps from somebody in between: that is no end of the
  // session, which a read would tell as eof (RFC 8446 section 6.1).
  if (why.own == errc::closed_by_peer) {
    return engine_.handshake_done() ? error_code(boost::asio::error::eof)
                                    : error_code(boost::asio::ssl::error::stream_truncated);
  }
  if (why.openssl == 0) return why.own;
  // What a BIO on a descriptor makes of the end of the connection.
  if (ERR_GET_LIB(why.openssl) == ERR_LIB_SSL &&
      ERR_GET_REASON(why.openssl) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return boost::asio::ssl::error::stream_truncated;
  }
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

// Tells which deadline it was, and what the verb was waiting for.
inline void stream_core::explain_expiry(operation const& op) {
  static constexpr char const* verbs[] = {"read",      "write",      "key update",
                                          "handshake", "half-close", "shutdown"};
  auto const limit = op.stalls ? options_.write_stall_deadline.span() : op.expiry - op.started;
  auto const ms = std::chrono::round<std::chrono::milliseconds>(limit).count();
  char const* waited_for = "the peer to take what was sent";
  if (!op.waits_for_flush && engine_.ring().output_bytes() == 0 && !wants_room_) {
    if (!engine_.handshake_done() && engine_.handshake_step() != nullptr) {
      waited_for = engine_.handshake_step();
    } else if (op.what == operation::verb::read) {
      waited_for = "the peer to send";
    } else if (op.what == operation::verb::shutdown) {
      waited_for = "the peer's close_notify";
    } else if (op.what == operation::verb::write) {
      waited_for = "memory within the budget of the context";
    }
  }
  engine_.explain_deadline(
      "the " + std::string(verbs[static_cast<int>(op.what)]) +
      (op.stalls ? " made no progress for " : " did not finish within ") +
      (ms % 1'000 == 0 ? std::to_string(ms / 1'000) + " s" : std::to_string(ms) + " ms") +
      ": waiting for " + waited_for);
}

inline error_code stream_core::end_of_output(error_code transport) {
  engine_.explain("sending failed: " + transport.message());
  // Only the peer's close_notify is eof here; another stream as the next layer may say so of a
  // send.
  return transport == boost::asio::error::eof ? boost::asio::error::broken_pipe : transport;
}

// The session has failed: nothing can be sealed or opened any more, but the alert still leaves.
inline void stream_core::fail_session() {
  // Without a failure every verb would end in success.
  engine_.refuse(errc::unexpected_result, "the session ended without a reason");
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
  finish_flushed();  // where nothing is in the ring, no flush ends any more
}

}  // namespace tls_async::detail
