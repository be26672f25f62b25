// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Everything that comes in: reads, what a shutdown discards, and what the end of a fill means for
// them.
#pragma once

#include <tls_async/io/detail/stream_core.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <utility>

namespace tls_async::detail {

inline void stream_core::step_input() {
  if (closed_ || (read_ == nullptr && shutdown_ == nullptr)) return;
  if (!engine_.handshake_done() || engine_.failure()) return;
  // With a record begun, reading could meet a renegotiation, which would need to send before it.
  if (engine_.record_pending() && engine_.options().allow_renegotiation) return;
  bool const was_in_handshake = engine_.in_handshake();
  bool const had_read = read_ != nullptr;
  // A shutdown leaves the plaintext that still comes to a read, if there is one.
  auto const outcome = had_read ? read_into(*read_) : discard();
  switch (outcome) {
    case input_outcome::fill:
      if (input_end_) {
        end_inputs(input_end_);
      } else {
        wants_fill_ = true;
      }
      break;
    case input_outcome::flush:  // a peer that floods us with KeyUpdates and reads no replies
      if (output_end_) end_inputs(output_end_);
      wants_room_ = engine_.sends_directly();
      break;
    case input_outcome::done:
      finish(*std::exchange(read_, nullptr), {});
      // A shutdown goes on by itself.
      if (shutdown_ != nullptr) drive_again_ = true;
      break;
    case input_outcome::ended:
      if (engine_.failure()) {
        fail_session();
      } else {
        end_inputs(boost::asio::error::eof);
      }
      break;
  }
  // Writes may have waited for the end of the message, or for the read to receive the rest of it.
  if (was_in_handshake && (!engine_.in_handshake() || (had_read && read_ == nullptr)))
    drive_again_ = true;
}

inline stream_core::input_outcome stream_core::read_into(read_operation& read) {
  for (;;) {
    auto const place = read.place();
    if (place.empty()) return input_outcome::done;
    step const opened = engine_.open(place);
    if (opened.next == want::nothing) {
      read.advance(opened.bytes);
      continue;
    }
    // What was opened is delivered before anything else is said: the next read will meet it again.
    if (read.bytes != 0) return input_outcome::done;
    if (opened.next == want::fill) return input_outcome::fill;
    if (opened.next == want::flush) return input_outcome::flush;
    return input_outcome::ended;
  }
}

inline stream_core::input_outcome stream_core::discard() {
  static thread_local std::array<std::byte, max_record_plaintext> discarded;
  for (;;) {
    step const opened = engine_.open(discarded);
    if (opened.next == want::nothing) continue;
    if (opened.next == want::fill) return input_outcome::fill;
    if (opened.next == want::flush) return input_outcome::flush;
    return input_outcome::ended;
  }
}

inline void stream_core::filled(gate_step from, error_code ec, std::size_t n) {
  engine_.ring().end_fill(n);
  more_is_likely_ = n >= bulk_bytes;
  received(from, ec, n);
}

inline void stream_core::landed(gate_step from, error_code ec, std::span<std::byte const> landing,
                                std::size_t n) {
  more_is_likely_ = n == landing.size();
  if (n != 0 && !engine_.ring().take(landing.first(n))) {
    engine_.refuse(make_error_code(boost::system::errc::not_enough_memory),
                   "no memory for what was received");
  }
  received(from, ec, n);
}

inline void stream_core::received(gate_step from, error_code ec, std::size_t n) {
  if (!end_fill(ec)) return drive(&from);
  if (closed_) return;
  if (n != 0) {
    engine_.stats().ciphertext_filled += n;
    limit_key_updates();
  }
  if (ec == boost::asio::error::operation_aborted) {
    // Writes may wait for the rest of a message.
    if (engine_.handshake_done() && engine_.in_handshake()) end_outputs(ec);
    end_inputs(ec);
  } else if (ec || n == 0) {
    input_end_ = end_of_input(ec ? ec : error_code(boost::asio::error::eof));
  }
  drive(&from);
}

inline void stream_core::received_nothing(gate_step from) {
  filling_ = fill_is_let_go_ = false;
  drive(&from);
}

// False if it was let go, so that its end means nothing to who has come since.
inline bool stream_core::end_fill(error_code ec) {
  filling_ = false;
  return !std::exchange(fill_is_let_go_, false) || ec != boost::asio::error::operation_aborted;
}

// A bucket of tokens: so many KeyUpdates may come at once, and so many a second in the long run.
// The engine knows no time, and counts down what is allowed here.
inline void stream_core::limit_key_updates() {
  std::uint32_t const rate = options_.most_key_updates_per_second;
  if (rate == 0) return;
  std::uint64_t const seen = engine_.stats().key_updates_received;
  std::uint32_t const burst = std::max(options_.most_key_updates_in_a_row, rate);
  key_updates_spent_ += seen - std::exchange(key_updates_counted_, seen);
  if (key_updates_spent_ != 0) {
    time_point const moment = now();
    // Whole seconds first: milliseconds since the start of the clock, times a high rate, are more
    // than 64 bits hold.
    auto const elapsed = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(moment - key_updates_earned_)
            .count());
    auto const earned = elapsed / 1000 * rate + elapsed % 1000 * rate / 1000;
    if (earned != 0) {
      key_updates_spent_ -= std::min(earned, key_updates_spent_);
      key_updates_earned_ = moment;
    }
  }
  engine_.allow_key_updates(
      static_cast<std::uint32_t>(burst - std::min<std::uint64_t>(burst, key_updates_spent_)));
}

// No more input, for now or for ever. Verbs that only wait for output go on, unless they wait for
// the handshake.
inline void stream_core::end_inputs(error_code result) {
  if (!engine_.handshake_done()) end_outputs(result);
  if (handshake_ != nullptr) finish(*std::exchange(handshake_, nullptr), result);
  if (read_ != nullptr) finish(*std::exchange(read_, nullptr), result);
  if (auto* const shutdown = std::exchange(shutdown_, nullptr)) {
    if (result == boost::asio::error::eof) {
      finish_after_flush(*shutdown, {});
    } else {
      finish(*shutdown, result);
    }
  }
}

}  // namespace tls_async::detail
