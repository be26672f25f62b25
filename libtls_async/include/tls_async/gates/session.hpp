// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A session and its verbs, without I/O: the engine, the two gates and the deadlines, and the one
// loop that steps them. It is told what happens (a verb starts, a flush or fill has ended, a
// deadline has passed), and `turn()` answers what is to be done, as a value. Who does it: a stream
// with Asio (io/detail/stream_state.hpp), blocking calls (io/detail/blocking.hpp), and tests.
//
// Invariant: after every engine call, the ciphertext it left in the ring is flushed, whoever
// produced it, before anything waits for input.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/memory_account.hpp>
#include <tls_async/core/policy.hpp>
#include <tls_async/gates/input_gate.hpp>
#include <tls_async/gates/news.hpp>
#include <tls_async/gates/output_gate.hpp>
#include <tls_async/gates/session_parts.hpp>
#include <tls_async/gates/verb.hpp>
#include <tls_async/mode.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace tls_async::detail {

/// How a fill begins.
enum class fill_way : std::uint8_t {
  none,
  at_once,          ///< Into fill_room().
  if_something_is,  ///< At once, if something is certainly there; else as `wait`.
  wait              ///< It holds no room of the ring while it waits.
};

/// What is to be done, until the next event.
struct actions {
  /// Nothing else is asked for then: without the lock, locate() it, say located(), and turn again.
  write_verb* locate = nullptr;
  bool flush = false;              ///< Send ring().readable(); ends in flushed().
  bool wait_writable = false;      ///< Of the descriptor; ends in writable().
  fill_way fill = fill_way::none;  ///< Ends in filled(), landed(), has_input() or nothing_came().
  bool let_go = false;             ///< Of the fill under way: end it, or say leave_fill().
  bool look_again = false;         ///< Say go_on() when handlers have been called.
  bool ask = false;                ///< The program, by hooks(); ends in decide().
  bool drop_question = false;      ///< Nobody waits for its answer any more.
  time_point timer = never;        ///< Set it; ends in expired().
};

class session {
public:
  /// `source` is an SSL_CTX* or an SSL*.
  template <class Source>
  session(Source* source, stream_options const& options, environment const& world)
      : parts_(source, options, world), output_(parts_), input_(parts_) {
    begin_life();
  }
  ~session();
  session(session const&) = delete;
  session& operator=(session const&) = delete;

  [[nodiscard]] tls_async::engine& engine() noexcept { return parts_.engine; }
  [[nodiscard]] stream_options const& options() const noexcept { return parts_.options; }
  [[nodiscard]] unsigned long modes() const noexcept { return modes_; }
  void set_modes(unsigned long modes) noexcept;
  [[nodiscard]] time_point now() const { return parts_.now(); }
  /// Of all that is ours, in bytes.
  [[nodiscard]] memory_account::holding memory_usage() const noexcept;
  /// Null if the context is not ours.
  [[nodiscard]] memory_account* account() noexcept {
    return policy_ != nullptr ? &policy_->account : nullptr;
  }

  // Verbs. Each completes later, by take_done().

  void start(read_verb& read);
  /// One that moves may have been located: see may_locate().
  void start(write_verb& write);
  void start(control_verb& control);
  /// Before the role of a handshake is set: the engine may be one that is used again.
  void begin_anew_if_cleared() noexcept;
  /// Completes `v` with `why` without having started it.
  void reject(verb& v, error_code why) noexcept;
  /// Ends `v` with `why`; with `only_if_without_effect`, not if the peer could notice. What has
  /// been sealed of a write stays in the ring and is delivered; a read has taken nothing.
  void cancel(verb& v, bool only_if_without_effect, error_code why);
  /// Ends all verbs of this kind with `why`.
  void cancel_all(verb_kind kind, error_code why);
  /// One that is started now could be sealed at once. Without the lock, locate() it, say located()
  /// and start it: that spares a turn.
  [[nodiscard]] bool may_locate() const noexcept { return !in_turn_ && output_.may_locate(); }
  void located(write_verb& write) noexcept;
  /// Room for `n` more bytes that the stream itself keeps until they are sealed; false if there is
  /// none.
  [[nodiscard]] bool keep_bytes(std::size_t n) noexcept;
  void drop_bytes(std::size_t n) noexcept { kept_bytes_ -= n; }
  /// Why a write that starts now can't be sent, as far as that is known.
  [[nodiscard]] error_code refusal() const;

  /// Verbs whose handlers are to be called.
  [[nodiscard]] bool has_done() const noexcept { return !parts_.done.empty(); }
  [[nodiscard]] verb* take_done() noexcept;
  /// Those of them that complete on another executor than the next layer's.
  [[nodiscard]] verb_list take_done_elsewhere() noexcept;
  /// Takes `v`, which is done, and whose handler runs on the next layer's executor.
  void take_done(verb& v) noexcept {
    parts_.done.remove(v);
    verb_bytes_ -= v.node_bytes;
  }
  /// Verbs that were taken, and whose handlers can't be called now.
  void put_back(verb_list& taken) noexcept;

  [[nodiscard]] bool has_verbs() const noexcept;
  /// `v` need not be there any more.
  [[nodiscard]] bool is_in_progress(verb const& v) noexcept;
  /// Nothing is under way, a flush or fill included.
  [[nodiscard]] bool is_idle() const noexcept;
  /// A handshake is in progress.
  [[nodiscard]] bool is_in_handshake() const noexcept { return handshake_ != nullptr; }
  /// The first handshake begins in the next turn.
  [[nodiscard]] bool is_about_to_negotiate() const noexcept;

  // The loop.

  /// Steps whatever can go on, and answers what is to be done. `waiter`: whom the memory account
  /// is to wake.
  [[nodiscard]] actions turn(memory_account::waiter& waiter);

  /// Of the handshake in progress: whom to ask.
  [[nodiscard]] std::shared_ptr<hook_set const> hooks() const noexcept {
    return handshake_ != nullptr ? handshake_->hooks : nullptr;
  }
  /// The answer of the program. `ask` was wanted, and `drop_question` was not.
  void decide(verdict decided);

  void flushed(error_code ec, std::size_t n);
  void writable(error_code ec);
  /// Into what fill_room() gave.
  void filled(error_code ec, std::size_t n);
  /// The first `n` bytes of `landing` have come.
  void landed(error_code ec, std::span<std::byte const> landing, std::size_t n);
  void has_input(error_code ec);
  /// Nothing was there, after all.
  void nothing_came() noexcept;
  void expired();
  void leave_fill() noexcept { input_.leave_fill(); }
  /// The end of the fill under way was asked for.
  [[nodiscard]] bool is_letting_go() const noexcept { return input_.is_letting_go(); }
  /// Ends the session, since there is no memory for a step.
  void fail_for_memory() noexcept;
  void go_on() noexcept {
    output_.go_on();
    input_.go_on();
  }
  /// The next layer does not block and takes no more than `n` bytes: the next verb goes on.
  void stop_flush(std::size_t n);

  /// Where a fill goes that need not wait; empty if there is no memory.
  [[nodiscard]] std::span<std::byte> fill_room() noexcept;
  /// The whole ring may be used for it.
  [[nodiscard]] bool may_hold_ring() const noexcept;
  /// Gives back what a stream that waits can do without.
  void go_idle() noexcept;
  /// No verb is in progress any more, but the timer is set: it is to be stopped. To be asked when
  /// handlers have been called: they may start the next.
  [[nodiscard]] bool wants_no_timer() noexcept {
    return !in_turn_ && parts_.deadlines.has_any() && !has_verbs() && parts_.deadlines.clear();
  }
  /// Another stream stands on this one: what waits here for memory would hold up what has it there.
  void carry_another() noexcept { carries_another_ = true; }
  void leave_account(memory_account::waiter& waiter) noexcept {
    if (policy_ != nullptr) policy_->account.leave(waiter);
  }

  // What the program wants to be told. It is called without the lock, so not by the session.

  /// There is something, and nobody tells it. Not within a turn, which may hold the lock.
  [[nodiscard]] bool has_news() const noexcept {
    return news_ != nullptr && !in_turn_ && news_->has_any();
  }
  /// True if there is something: the caller then takes and tells all of it, one after the other.
  [[nodiscard]] bool begin_telling() noexcept { return has_news() && news_->begin_telling(); }
  /// What is to be told next; null, and the caller has ended, if that was all.
  [[nodiscard]] std::unique_ptr<report> take_news() noexcept { return news_->take(); }

  // The end.

  /// The stream is gone: every verb ends with operation_aborted.
  void close() noexcept;
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  /// Nobody will call a handler any more: all verbs, to be abandoned.
  [[nodiscard]] verb_list take_all() noexcept;

  /// The error that the session's failure has for a program.
  [[nodiscard]] error_code failure_code() const;

  /// So much may come to a place outside of the ring.
  static constexpr std::size_t landing_bytes = 192;

private:
  enum class life : std::uint8_t { before, negotiating, open, over };

  void begin_life();
  want negotiate();
  void note_ends() noexcept;
  void end_life() noexcept;
  void end_handshake(end_reason reason, error_code result) noexcept;
  void end_session(end_reason reason, error_code result) noexcept;
  void add_news(session_event::kind what, end_reason reason, error_code result) noexcept;
  [[nodiscard]] error_code final_error() const noexcept;
  [[nodiscard]] end_reason reason_of_final_error() const noexcept;
  [[nodiscard]] end_reason reason_of_silent_end() const noexcept;
  [[nodiscard]] bool has_all_left() const noexcept;
  void step_handshake();
  void step_output(memory_account::waiter& waiter);
  void step_input();
  [[nodiscard]] bool may_begin_to_seal(memory_account::waiter& waiter);
  void keep_timer() noexcept;
  bool went_on(want next);
  void received(error_code ec, std::size_t n, bool bulk);
  void ended_receiving(error_code ec);
  void end_flush(error_code ec);
  void end_outputs(error_code result);
  void end_inputs(error_code result);
  void fail_session();
  void end_cancelled();
  void end_now(verb& v, error_code why);
  [[nodiscard]] actions todo();
  [[nodiscard]] fill_way way_to_fill() const noexcept;
  [[nodiscard]] bool input_is_wanted() noexcept;
  [[nodiscard]] error_code input_error(error_code transport) noexcept;
  [[nodiscard]] error_code output_error(error_code transport) noexcept;
  template <class Words>
  static void tell(Words words) noexcept;

  [[nodiscard]] error_code ask_for(control_verb const& handshake) noexcept;
  void begin(verb& v);
  void add_deadline(verb const& v) noexcept;
  [[nodiscard]] time_point expiry_of(verb const& v) const noexcept;
  void explain_expiry(verb const& v);
  [[nodiscard]] bool holds_ring() const noexcept;
  void tell_account() noexcept;
  template <class Visit>
  void each_verb(Visit visit);

  // Of the context that it began with, which lives as long as the engine's session; null if that is
  // not ours. A callback may give the session another one (SSL_set_SSL_CTX(3)).
  context_policy* policy_ = nullptr;
  memory_account::holding told_;
  session_parts parts_;
  output_gate output_;
  input_gate input_;
  std::unique_ptr<news> news_;  // null if nobody wants to be told
  control_verb* handshake_ = nullptr;
  std::size_t kept_bytes_ = 0;
  std::uint32_t verb_bytes_ = 0;
  std::uint32_t modes_ = 0;
  bool in_turn_ = false;
  bool again_ = false;
  bool has_cancelled_ = false;  // verbs that end when the turn is over
  bool looks_again_ = false;
  bool carries_another_ = false;
  bool closed_ = false;
  life life_ = life::before;
  bool has_timed_out_ : 1 = false;  // the verb that has ended last
  bool is_asking_ : 1 = false;      // the program
};

}  // namespace tls_async::detail
