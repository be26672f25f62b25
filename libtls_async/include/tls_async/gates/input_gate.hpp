// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The input gate: everything that comes in. It opens records for the read in progress, or for a
// shutdown that discards them, and says what is to be filled. Does no I/O.
//
//     (fill, by the caller) --> filled() --> ring --open()--> the read's buffers --> completions
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/gates/key_update_limit.hpp>
#include <tls_async/gates/session_parts.hpp>
#include <tls_async/gates/verb.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace tls_async::detail {

class input_gate {
public:
  explicit input_gate(session_parts& parts) noexcept : parts_(parts) {}
  input_gate(input_gate const&) = delete;
  input_gate& operator=(input_gate const&) = delete;

  // Verbs.

  void add(read_verb& read) {
    read.enter(verb_state::reading);
    read_ = &read;
    read_has_just_ended_ = false;
  }
  /// Waits for the peer's close_notify; plaintext goes to the read, if there is one.
  void add(control_verb& shutdown) noexcept {
    shutdown_ = &shutdown;
    read_has_just_ended_ = false;
  }
  [[nodiscard]] bool has_read() const noexcept { return read_ != nullptr; }
  [[nodiscard]] bool has_shutdown() const noexcept { return shutdown_ != nullptr; }
  [[nodiscard]] read_verb* take_read() noexcept { return std::exchange(read_, nullptr); }
  [[nodiscard]] control_verb* take_shutdown() noexcept { return std::exchange(shutdown_, nullptr); }
  /// Reading, closing, or letting go.
  [[nodiscard]] bool has_verbs() const noexcept {
    return read_ != nullptr || shutdown_ != nullptr || !letting_go_.empty();
  }
  /// `v` is the read or the shutdown: takes it out.
  void remove(verb& v) noexcept;
  /// `v` has been taken out, with its result: it completes when the fill under way has ended.
  void let_go(verb& v) noexcept;
  /// `visit(verb&)`, which may take it out.
  template <class Visit>
  void each_verb(Visit visit);

  /// Opens what has come, for whoever wants it. want::nothing: a read is complete, or there is
  /// nobody. want::closed: the peer's close_notify.
  [[nodiscard]] want open();
  /// A shutdown discards nothing between the end of a read and this, or the next read: who has been
  /// told of that end may want more.
  void go_on() noexcept { read_has_just_ended_ = false; }
  /// A read waits until the peer takes our answers to its requests.
  [[nodiscard]] bool waits_for_output() const noexcept { return waits_for_output_; }

  // Filling.

  void want_fill(bool on) noexcept { wants_fill_ = on; }
  [[nodiscard]] bool wants_fill() const noexcept { return wants_fill_ && !is_filling_ && !error_; }
  void begin_fill() noexcept {
    is_filling_ = true;
    ++parts_.engine.stats().fills;
  }
  [[nodiscard]] bool is_filling() const noexcept { return is_filling_; }
  /// The fill that is under way is about to be ended, since nobody wants it.
  void let_go_of_fill() noexcept { is_let_go_ = true; }
  [[nodiscard]] bool is_letting_go() const noexcept { return is_let_go_; }
  /// It is one that could be.
  [[nodiscard]] bool may_let_go() const noexcept { return is_filling_ && !is_let_go_ && !is_left_; }
  /// It can't be: it stays, and nobody waits for its end.
  void leave_fill() noexcept;
  /// It has ended, and `n` bytes are in the ring. `bulk`: it is probably one of many. False if its
  /// `ec` means nothing to who has come since it was let go.
  [[nodiscard]] bool end_fill(error_code ec, std::size_t n, bool bulk);
  [[nodiscard]] bool more_is_likely() const noexcept { return more_is_likely_; }

  /// Nothing comes any more, for this reason.
  void fail(error_code why) noexcept { error_ = why; }
  [[nodiscard]] error_code const& error() const noexcept { return error_; }
  /// There is another session. No verb is in progress.
  void begin_anew() noexcept {
    error_ = {};
    wants_fill_ = waits_for_output_ = more_is_likely_ = false;
  }
  /// Input has come: how many KeyUpdates may be in it.
  void limit_key_updates() noexcept;

private:
  [[nodiscard]] want read_into(read_verb& read);
  [[nodiscard]] want discard();
  void finish_letting_go() noexcept;

  session_parts& parts_;
  read_verb* read_ = nullptr;
  control_verb* shutdown_ = nullptr;
  verb_list letting_go_;
  key_update_limit key_updates_;
  error_code error_;
  bool is_filling_ = false;
  bool is_let_go_ = false;
  bool is_left_ = false;
  bool wants_fill_ = false;
  bool waits_for_output_ = false;
  bool read_has_just_ended_ = false;
  bool more_is_likely_ = false;  // the last fill brought much
};

template <class Visit>
void input_gate::each_verb(Visit visit) {
  for (verb* const each : {static_cast<verb*>(read_), static_cast<verb*>(shutdown_)}) {
    if (each != nullptr) visit(*each);
  }
  for (auto it = letting_go_.begin(); it != letting_go_.end();) {
    verb& each = *it++;
    visit(each);
  }
}

}  // namespace tls_async::detail
