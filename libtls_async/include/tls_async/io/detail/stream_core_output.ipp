// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Everything that goes out: the handshake, the queue of writes and close_notifies, and what the end
// of a flush means for them.
#pragma once

#include <tls_async/io/detail/stream_core.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <iterator>
#include <utility>

namespace tls_async::detail {

inline void stream_core::step_handshake() {
  bool const demanded =
      handshake_ != nullptr || read_ != nullptr || shutdown_ != nullptr || !output_queue_.empty();
  if (!demanded || closed_) return;
  if (engine_.failure()) return fail_session();
  if (!engine_.handshake_done()) {
    if (output_end_) return end_inputs(output_end_);
    // A verb on a stream that has a role but no session yet negotiates by itself (SSL_write(3),
    // NOTES).
    switch (negotiate().next) {
      case want::nothing:
        break;
      case want::fill:
        if (input_end_) return end_inputs(input_end_);
        wants_fill_ = true;
        return;
      case want::flush:
        wants_room_ = engine_.sends_directly();
        return;
      case want::closed:  // only `open` answers that
      case want::failed:
        return fail_session();
    }
  }
  if (auto* const done = std::exchange(handshake_, nullptr)) finish_after_flush(*done, {});
}

inline void stream_core::step_output() {
  if (closed_) return;
  if (output_end_) return end_outputs(output_end_);
  // While a flush is in flight the writes gather, so that the next one takes them together. And
  // what a partial flush left goes first: behind it the ring would wrap, and batches would shrink
  // to its rest.
  if (flushing_ || ring_has_rest_) return;
  if (!engine_.handshake_done()) return;
  // In a renegotiation plaintext may still come from the peer, which only reading lets pass.
  if (engine_.in_handshake() && read_ != nullptr) return;
  if (!finish_record()) return;
  if (!output_queue_.empty() && !may_begin_to_seal()) return;
  while (!output_queue_.empty()) {
    if (sent_this_turn_ >= most_sent_a_turn) {
      wants_room_ = true;  // the descriptor might take all there is: others come to their turn
      break;
    }
    operation& op = output_queue_.front();
    if (op.what == operation::verb::key_update) {
      if (!seal_key_update(static_cast<control_operation&>(op))) break;
    } else if (op.what != operation::verb::write) {
      if (!seal_close_notify(static_cast<control_operation&>(op))) break;
    } else if (engine_.wants_new_keys() && !engine_.close_notify_sent()) {
      if (!went_on(engine_.key_update(false))) break;
    } else if (engine_.close_notify_sent()) {
      output_queue_.pop_front();
      finish(op, errc::closed_for_writing);
    } else if (!seal_record()) {
      break;
    }
  }
  // write_some has done its part with the first batch.
  if (output_queue_.empty() || output_queue_.front().what != operation::verb::write) return;
  auto& write = static_cast<write_operation&>(output_queue_.front());
  if (write.some && write.bytes != 0 && has(modes_, mode::enable_partial_write)) {
    output_queue_.pop_front();
    finish_sealed(write);
  }
}

// The back-pressure of the context's memory budget: what is to be written stays with the callers.
inline bool stream_core::may_begin_to_seal() {
  std::size_t const size = engine_.ring().size();
  if (account_ == nullptr || holds_ring() || account_->may_take_ring(size)) return true;
  operation const& first = output_queue_.front();
  if (first.what != operation::verb::write) return true;  // what ends or protects the session
  if (account_->may_take_ring_or_wait(*this, size)) return true;
  // Something of this stream has to be with the io_context, so that its end is noticed.
  if (armed_until_ == never) {
    armed_until_ = time_limit(std::chrono::hours(1)).after(now());
    arm_timer(armed_until_, &first);
  }
  return false;
}

// A record that OpenSSL has begun comes before all else, also if nobody waits for it any more.
inline bool stream_core::finish_record() {
  if (!engine_.record_pending()) return true;
  if (!went_on(engine_.finish_record())) return false;
  for (operation& op : in_flight_) {
    if (op.end == not_in_ring_yet) op.end = sealed();
  }
  if (engine_.sends_directly()) {
    last_progress_ = now();
    finish_flushed();
  }
  return true;
}

// Seals what makes one record at the front of the queue, or several where records are shorter than
// asked for; false if that can't go on now.
inline bool stream_core::seal_record() {
  if (!engine_.can_seal()) return false;
  auto& front = static_cast<write_operation&>(output_queue_.front());
  if (engine_.kernel_seals() && front.file() != nullptr && send_file(front)) return true;
  if (wants_room_ || engine_.failure()) return false;
  auto rest = gather(record_limit());
  if (rest.empty()) return take_sealed(0), true;
  step sealed_step;
  do {
    sealed_step = engine_.seal(rest);
    rest = rest.subspan(sealed_step.bytes);
    if (sealed_step.bytes == 0) break;
    if (engine_.sends_directly()) sent_directly(sealed_step.bytes);
    take_sealed(sealed_step.bytes);
  } while (sealed_step.next == want::nothing && !rest.empty() && engine_.can_seal() &&
           !engine_.wants_new_keys());
  return went_on(sealed_step);
}

// What the next record is made of; nothing of it is taken yet. Small pieces share a record, with
// their neighbours in one message and in the next: group commit. A piece that fills a record by
// itself is sealed where it stands. The place is one a thread: what OpenSSL can't finish at once,
// the engine keeps.
inline std::span<std::byte const> stream_core::gather(std::size_t limit) {
  static thread_local std::array<std::byte, max_record_plaintext> gathered;
  auto room = std::span<std::byte>(gathered).first(limit);
  for (operation& op : output_queue_) {
    if (op.what != operation::verb::write) break;
    auto& write = static_cast<write_operation&>(op);
    auto const piece = write.piece();
    if (piece.size() >= limit && room.size() == limit) {
      write.gathered = limit;
      write.gathered_all = false;
      return piece.first(limit);
    }
    if (piece.size() >= limit) break;
    std::size_t const before = room.size();
    std::size_t const n = std::min(piece.size(), before);
    if (n != 0) std::memcpy(room.data(), piece.data(), n);
    room = room.subspan(n);
    write.gathered_all = n == piece.size() && write.copy_behind(room, limit);
    write.gathered = before - room.size();
    if (!write.gathered_all) break;
  }
  return std::span<std::byte const>(gathered).first(limit - room.size());
}

// So many bytes of what was gathered stand in one record now. No callable of the user is asked
// before all that was gathered has been sealed: it could move what is still to be.
inline void stream_core::take_sealed(std::size_t n) {
  operation_list ended;  // the writes whose last byte this record holds
  do {
    auto& write = static_cast<write_operation&>(output_queue_.front());
    std::size_t const part = std::min(n, write.gathered);
    n -= part;
    write.gathered -= part;
    write.advance(part);
    if (write.gathered != 0 || (!write.gathered_all && !write.piece().empty())) break;
    output_queue_.pop_front();
    ended.push_back(write);
  } while (n != 0);
  auto& stats = engine_.stats();
  if (ended.begin() != ended.end() && std::next(ended.begin()) != ended.end()) {
    stats.messages_merged += ended.size();
  }
  while (!ended.empty()) {
    operation& write = ended.front();
    ended.pop_front();
    ++stats.messages;
    finish_sealed(write);
  }
}

// Chosen by the length that is sealed: OpenSSL's own limit would keep kernel TLS from engaging.
inline std::size_t stream_core::record_limit() {
  if (options_.small_record_bytes == 0) return max_record_plaintext;
  std::uint64_t const sealed_so_far = engine_.stats().plaintext_sealed;
  time_point const moment = now();
  if (options_.small_records_after.after(last_sealed_) <= moment)
    small_records_from_ = sealed_so_far;
  last_sealed_ = moment;
  return sealed_so_far - small_records_from_ < options_.small_records_until
             ? options_.small_record_bytes
             : max_record_plaintext;
}

// Acts on what the engine needs before it can go on sealing.
inline bool stream_core::went_on(step const& sealed_step) {
  switch (sealed_step.next) {
    case want::nothing:
      return true;
    case want::flush:
      wants_room_ = engine_.sends_directly();
      return false;
    case want::fill:
      if (input_end_) {
        end_outputs(input_end_);
      } else {
        wants_fill_ = true;
      }
      return false;
    case want::closed:  // only `open` answers that
    case want::failed:
      fail_session();
      return false;
  }
  return false;
}

inline bool stream_core::seal_close_notify(control_operation& control) {
  if (!went_on(engine_.close_notify())) return false;
  output_queue_.pop_front();
  if (control.what == operation::verb::shutdown && !engine_.close_notify_received()) {
    leave_queue(control);
    shutdown_ = &control;
  } else {
    finish_after_flush(control, {});
  }
  return true;
}

inline bool stream_core::seal_key_update(control_operation& control) {
  if (engine_.close_notify_sent()) {
    output_queue_.pop_front();
    finish(control, errc::closed_for_writing);
    return true;
  }
  if (!went_on(engine_.key_update(control.asks_peer))) return false;
  output_queue_.pop_front();
  finish_after_flush(control, {});
  return true;
}

// What OpenSSL has begun and can't finish is in no ring yet, and what leaves the ring meanwhile is
// not its end.
inline void stream_core::finish_sealed(operation& op) {
  wait_for_flush(op, op.result, engine_.record_pending() ? not_in_ring_yet : sealed());
}

inline void stream_core::flushed(gate_step from, error_code ec, std::size_t n) {
  flushing_ = false;
  if (closed_) return;
  if (n != 0) {
    engine_.ring().consume(n);
    flushed_ += n;
    engine_.stats().ciphertext_flushed += n;
    last_progress_ = now();
  }
  ring_has_rest_ = engine_.ring().output_bytes() != 0;
  finish_flushed();
  end_flush(ec || n != 0 ? ec : error_code(boost::asio::error::broken_pipe));
  drive(&from);
}

inline void stream_core::end_flush(error_code ec) {
  if (ec == boost::asio::error::operation_aborted) {
    // Somebody cancelled the next layer. The ring is kept, and the next verb goes on with its
    // flush.
    flush_rests_ = true;
    end_outputs(ec);
    if (!engine_.handshake_done()) end_inputs(ec);
  } else if (ec) {
    output_end_ = end_of_output(ec);
    end_outputs(output_end_);
    if (!engine_.handshake_done()) end_inputs(output_end_);
  }
}

inline void stream_core::finish_flushed() {
  while (!in_flight_.empty() && in_flight_.front().end <= flushed_) {
    operation& op = in_flight_.front();
    in_flight_.pop_front();
    finish(op, op.result);
  }
}

// Nothing more leaves, for now or for ever. An error that waited for its alert to leave keeps its
// name.
inline void stream_core::end_outputs(error_code result) {
  bool const is_final = result != boost::asio::error::operation_aborted;
  for (operation_list* const list : {&in_flight_, &output_queue_}) {
    for (auto it = list->begin(); it != list->end();) {
      operation& op = *it++;
      if (op.is_kept && !is_final) continue;
      op.unlink();
      finish(op, op.result ? op.result : result);
    }
  }
  if (shutdown_ != nullptr) finish(*std::exchange(shutdown_, nullptr), result);
}

}  // namespace tls_async::detail
