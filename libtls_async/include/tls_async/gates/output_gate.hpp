// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The output gate: everything that goes out. It decides which bytes make the next record, seals
// them, knows what has been flushed, and ends each verb with its last byte. Does no I/O: it says
// what is to be flushed, and is told what was.
//
//     add() --> queue --seal()--> ring --(flush, by the caller)--> flushed() --> completions
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/gates/record_sizer.hpp>
#include <tls_async/gates/session_parts.hpp>
#include <tls_async/gates/verb.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace tls_async::detail {

class output_gate {
public:
  explicit output_gate(session_parts& parts) noexcept : parts_(parts) {}
  output_gate(output_gate const&) = delete;
  output_gate& operator=(output_gate const&) = delete;

  // Verbs.

  /// Behind all that stand in the queue.
  void add(verb& v);
  /// `v` is queued, under way or leaving: takes it out. What OpenSSL has begun of it is finished
  /// all the same.
  void remove(verb& v) noexcept;
  /// `v` has `result`, and completes when what is sealed now has left, its alert for instance.
  void finish_after_flush(verb& v, error_code result);
  /// Nothing more leaves, for now (operation_aborted) or for ever. An error that waited for its
  /// alert to leave keeps its name.
  void end_verbs(error_code result) noexcept;
  /// The session has failed: all that is queued fails with `result`, behind its alert.
  void fail_verbs(error_code result);
  /// `visit(verb&)`, which may take it out.
  template <class Visit>
  void each_verb(Visit visit);

  /// The first verb that may seal next; null if there is none.
  [[nodiscard]] verb* front() noexcept { return queue_.empty() ? nullptr : &queue_.front(); }
  [[nodiscard]] bool has_verbs() const noexcept { return !queue_.empty() || !leaving_.empty(); }
  /// A close_notify is queued, or has been sent.
  [[nodiscard]] bool is_closing() const noexcept {
    return queued_closes_ != 0 || parts_.engine.close_notify_sent();
  }
  [[nodiscard]] bool has_shutdown() const noexcept;

  // Sealing. Each answers what the engine needs, or want::nothing.

  /// There is a verb to be sealed, or something to be finished that OpenSSL has begun.
  [[nodiscard]] bool wants_to_seal() const noexcept {
    return !queue_.empty() || begun_ != begun::nothing || parts_.engine.record_pending();
  }
  /// Nothing is under way that has to leave first.
  [[nodiscard]] bool may_seal() const noexcept { return !is_flushing_ && !has_rest_; }
  /// What OpenSSL has begun comes before all else, also if nobody waits for it any more.
  [[nodiscard]] want finish_begun();
  /// Seals what the queue has, as far as the ring goes. `partially`: a write_some is complete with
  /// its first batch. A shutdown whose close_notify is sealed is left in `closing`.
  [[nodiscard]] want seal(bool partially, control_verb*& closing);
  /// A write that can't go on before it is located; null if there is none.
  [[nodiscard]] write_verb* unlocated() noexcept;
  /// One that is added now could be sealed at once, if it is located.
  [[nodiscard]] bool may_locate() const noexcept { return queue_.empty() && may_locate_first(); }
  /// `write` is where it says, until end_turns().
  void located(write_verb& write) const noexcept {
    write.located_in = turn_;
    if (write.stays_located) write.moves = false;
  }
  [[nodiscard]] bool is_located(write_verb const& write) const noexcept {
    return !write.moves || write.is_all_sealed || write.located_in == turn_;
  }
  /// The loop has done what it could, also by turns that only went on behind a location.
  void end_turns() noexcept {
    turn_ += turn_ == UINT32_MAX ? 2 : 1;
    sent_this_turn_ = 0;
  }

  // Flushing.

  /// There is something to be flushed, and nothing prevents it.
  [[nodiscard]] bool wants_flush() const noexcept;
  /// The descriptor has to take more first.
  [[nodiscard]] bool wants_writable() const noexcept {
    return wants_writable_ && !is_flushing_ && !is_paused_ && !error_;
  }
  void want_writable(bool on) noexcept { wants_writable_ = on; }
  void begin_flush() noexcept;
  void begin_waiting() noexcept { is_flushing_ = true; }
  /// `n` bytes of ring.readable() have left.
  void flushed(std::size_t n);
  /// Ends the verbs whose last byte has left.
  void complete_flushed() noexcept;
  void waited() noexcept { is_flushing_ = false; }
  [[nodiscard]] bool is_flushing() const noexcept { return is_flushing_; }

  /// The next layer was cancelled: nothing is flushed before the next verb, or go_on().
  void pause() noexcept { is_paused_ = true; }
  void go_on() noexcept { is_paused_ = false; }
  [[nodiscard]] bool is_paused() const noexcept { return is_paused_; }
  /// Nothing leaves any more, for this reason.
  void fail(error_code why) noexcept { error_ = why; }
  [[nodiscard]] error_code const& error() const noexcept { return error_; }

  /// Up to where all that has been sealed stands, in bytes of ciphertext from the start.
  [[nodiscard]] std::uint64_t sealed_end() const noexcept {
    return flushed_ + parts_.engine.ring().output_bytes();
  }
  [[nodiscard]] time_point last_progress() const noexcept { return last_progress_; }
  /// There is another session. No verb is in progress.
  void begin_anew() noexcept {
    error_ = {};
    begun_ = begun::nothing;
    is_paused_ = has_rest_ = wants_writable_ = false;
  }

private:
  enum class begun : std::uint8_t { nothing, key_update, close_notify };

  [[nodiscard]] want seal_front(bool& has_sealed);
  [[nodiscard]] want seal_writes();
  [[nodiscard]] want send_file(write_verb& write, bool& has_sealed);
  [[nodiscard]] want seal_control(verb& v, control_verb*& closing);
  std::span<std::byte const> gather(std::span<std::byte> scratch);
  void take_sealed(std::size_t n, std::uint64_t begin);
  void sent_directly(std::size_t plaintext) noexcept;
  void leave(verb& v, error_code result, std::uint64_t end);
  void end_one(verb& v, error_code result) noexcept;
  static bool waits_for_its_callable(verb& v, error_code result) noexcept;
  void count(verb const& v, int change) noexcept;
  [[nodiscard]] bool may_locate_first() const noexcept;
  [[nodiscard]] bool is_begun_by_nobody() const noexcept;

  /// Plaintext that one turn of the loop sends directly, at most.
  static constexpr std::size_t most_sent_a_turn = std::size_t{1} << 20;
  static constexpr std::uint64_t not_in_ring_yet = UINT64_MAX;

  session_parts& parts_;

  // Writes, key updates, close_writes and shutdowns in the order of their start; then, with a
  // handshake, in the order of their last byte.
  verb_list queue_;
  verb_list leaving_;
  std::uint64_t flushed_ = 0;
  std::uint64_t records_flushed_ = 0;
  time_point last_progress_{};
  record_sizer sizer_;
  error_code error_;
  std::uint32_t sent_this_turn_ = 0;  // plaintext, directly
  std::uint32_t queued_writes_ = 0;
  std::uint32_t queued_closes_ = 0;
  std::uint32_t turn_ = 1;
  begun begun_ = begun::nothing;  // by a control verb that OpenSSL could not finish
  bool is_flushing_ = false;
  bool has_rest_ = false;  // of a partial flush: it leaves before anything is sealed behind it
  bool wants_writable_ = false;
  bool is_paused_ = false;
};

template <class Visit>
void output_gate::each_verb(Visit visit) {
  for (verb_list* const list : {&queue_, &leaving_}) {
    for (auto it = list->begin(); it != list->end();) {
      verb& each = *it++;
      visit(each);
    }
  }
}

}  // namespace tls_async::detail
