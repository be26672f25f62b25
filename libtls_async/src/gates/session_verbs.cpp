// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The life of a verb in a session: how it starts, is cancelled or expires, and which code its end
// has.
#include <tls_async/gates/session.hpp>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "session_visit.hpp"

namespace tls_async::detail {

void session::begin(verb& v) {
  output_.go_on();
  parts_.engine.forget_deadline();
  has_timed_out_ = false;
  verb_bytes_ += v.node_bytes;
  if (v.stalls || v.expiry != never) v.started = parts_.now();
}

void session::start(read_verb& read) {
  begin(read);
  if (!parts_.engine.has_role()) return parts_.done.finish(read, errc::no_role);
  if (input_.has_read()) return parts_.done.finish(read, errc::second_read);
  if (!read.only_waits && read.place().empty()) return parts_.done.finish(read, {});
  input_.add(read);
  add_deadline(read);
}

void session::start(write_verb& write) {
  begin(write);
  bool const is_sent_by_kernel =
      parts_.engine.path().kernel_seals() && write.file() != nullptr && write.file()->length != 0;
  // SSL_write_ex takes zero bytes only between records (SSL_write_ex(3)); it need not be asked.
  if (output_.is_located(write) && !is_sent_by_kernel && write.piece().empty()) {
    write.is_all_sealed = write.is_last && !write.result;
    if (!write.is_all_sealed) return parts_.done.finish(write, write.result);
  }
  if (!parts_.engine.has_role()) return parts_.done.finish(write, errc::no_role);
  output_.add(write);
  add_deadline(write);
}

error_code session::ask_for(control_verb const& handshake) noexcept {
  try {
    return parts_.engine.ask(handshake.hooks != nullptr ? handshake.hooks->asks() : questions());
  } catch (...) {
    return make_error_code(boost::system::errc::not_enough_memory);
  }
}

void session::start(control_verb& control) {
  begin(control);
  if (control.kind == verb_kind::handshake) {
    if (handshake_ != nullptr) return parts_.done.finish(control, errc::operation_in_progress);
    if (error_code const refused = ask_for(control)) return parts_.done.finish(control, refused);
    control.enter(verb_state::negotiating);
    handshake_ = &control;
    return add_deadline(control);
  }
  bool const is_key_update = control.kind == verb_kind::key_update;
  bool const is_second =
      control.kind == verb_kind::shutdown && (input_.has_shutdown() || output_.has_shutdown());
  error_code const refused = is_second                              ? errc::operation_in_progress
                             : parts_.engine.failure()              ? failure_code()
                             : !parts_.engine.handshake_done()      ? errc::handshake_not_done
                             : !is_key_update                       ? error_code()
                             : !parts_.engine.supports_key_update() ? errc::not_supported
                             : parts_.engine.path().kernel_seals()  ? errc::ktls_fixed_keys
                                                                    : error_code();
  if (refused) return parts_.done.finish(control, refused);
  output_.add(control);
  add_deadline(control);
}

void session::begin_anew_if_cleared() noexcept {
  if (!is_idle() || !parts_.engine.is_cleared()) return;
  end_life();
  life_ = life::before;
  if (news_) news_->begin_anew();
  (void)parts_.engine.begin_anew_if_cleared();
  output_.begin_anew();
  input_.begin_anew();
}

void session::reject(verb& v, error_code why) noexcept {
  verb_bytes_ += v.node_bytes;
  parts_.done.finish(v, why);
}

verb* session::take_done() noexcept {
  verb* const first = parts_.done.take();
  if (first != nullptr) verb_bytes_ -= first->node_bytes;
  return first;
}

verb_list session::take_done_elsewhere() noexcept {
  auto taken = parts_.done.take_foreign();
  for (verb const& each : taken)
    verb_bytes_ -= each.node_bytes;
  return taken;
}

void session::put_back(verb_list& taken) noexcept {
  while (!taken.empty()) {
    verb& first = taken.front();
    taken.pop_front();
    verb_bytes_ += first.node_bytes;
    parts_.done.put_back(first);
  }
}

error_code session::refusal() const {
  if (!parts_.engine.has_role()) return errc::no_role;
  if (parts_.engine.failure()) return failure_code();
  if (output_.error()) return output_.error();
  return output_.is_closing() ? error_code(errc::closed_for_writing) : error_code();
}

bool session::keep_bytes(std::size_t n) noexcept {
  if (n > parts_.options.most_bytes_kept || kept_bytes_ > parts_.options.most_bytes_kept - n)
    return false;
  if (policy_ != nullptr && !policy_->account.allows(n)) return false;
  kept_bytes_ += n;
  return true;
}

void session::located(write_verb& write) noexcept {
  write.is_locating = false;
  if (!write.result) write.result = write.located_with;
  output_.located(write);
  if (write.ended_with) end_now(write, std::exchange(write.ended_with, {}));
}

bool session::is_in_progress(verb const& v) noexcept {
  bool is_found = false;
  each_verb([&](verb const& each) { is_found = is_found || &each == &v; });
  return is_found;
}

void session::cancel(verb& v, bool only_if_without_effect, error_code why) {
  auto const state = v.state();
  if (state == verb_state::fresh || state == verb_state::letting_go || state == verb_state::done)
    return;
  // What has failed has nothing more to do: its alert leaves without it.
  bool const has_effect = (state == verb_state::leaving && !has_failed(v)) ||
                          state == verb_state::under_way || state == verb_state::closing ||
                          state == verb_state::negotiating;
  if (only_if_without_effect && has_effect) return;
  if (!in_turn_ && !v.is_locating) return end_now(v, why);
  if (!v.ended_with) v.ended_with = why;
  has_cancelled_ = has_cancelled_ || in_turn_;
}

void session::cancel_all(verb_kind kind, error_code why) {
  each_verb([&](verb& each) {
    if (each.kind == kind) cancel(each, false, why);
  });
}

void session::end_cancelled() {
  if (!std::exchange(has_cancelled_, false)) return;
  each_verb([this](verb& each) {
    if (!each.ended_with || each.is_locating) return;
    end_now(each, std::exchange(each.ended_with, {}));
  });
}

void session::end_now(verb& v, error_code why) {
  has_timed_out_ = why == system_code(ETIMEDOUT);
  switch (v.state()) {
    case verb_state::queued:
    case verb_state::under_way:
    case verb_state::leaving: {
      // An error that only waited for its alert to leave is what its caller wants to know.
      error_code const told = has_failed(v) ? v.result : why;
      output_.remove(v);
      parts_.done.finish(v, told);
      return output_.complete_flushed();  // those that stood behind it
    }
    case verb_state::negotiating:
      handshake_ = nullptr;
      break;
    case verb_state::reading:
    case verb_state::closing:
      input_.remove(v);
      break;
    case verb_state::fresh:
    case verb_state::letting_go:
    case verb_state::done:
      return;
  }
  // Its fill is ended, and then nothing of the next layer is outstanding that nobody wants. A
  // blocking call can't wait for that: its thread may be the one that runs the event loop.
  if (v.blocks || !input_.may_let_go() || input_is_wanted()) return parts_.done.finish(v, why);
  v.result = why;
  input_.let_go(v);
}

time_point session::expiry_of(verb const& v) const noexcept {
  if (!v.stalls) return v.expiry;
  return std::min(v.expiry, parts_.options.write_stall_deadline.after(
                                std::max(output_.last_progress(), v.started)));
}

void session::add_deadline(verb const& v) noexcept { parts_.deadlines.add(expiry_of(v)); }

[[gnu::cold]] void session::expired() {
  if (closed_) return;
  parts_.deadlines.clear();
  time_point const moment = parts_.now();
  error_code const timed_out = system_code(ETIMEDOUT);
  each_verb([&](verb& each) {
    if (each.state() == verb_state::letting_go || expiry_of(each) > moment) return;
    if (!each.result) tell([&] { explain_expiry(each); });
    cancel(each, false, timed_out);
  });
  each_verb([this](verb& each) {
    bool const has_ended = each.state() == verb_state::letting_go || each.ended_with;
    if (!has_ended) add_deadline(each);
  });
}

// Tells which deadline it was, and what the verb was waiting for.
[[gnu::cold]] void session::explain_expiry(verb const& v) {
  static constexpr std::array verbs{"read",      "write",      "key update",
                                    "handshake", "half-close", "shutdown"};
  auto const limit = v.stalls ? parts_.options.write_stall_deadline.span() : v.expiry - v.started;
  auto const ms = std::chrono::round<std::chrono::milliseconds>(limit).count();
  char const* waited_for = "the peer to take what was sent";
  bool const waits_for_output = v.state() == verb_state::leaving || input_.waits_for_output() ||
                                output_.is_flushing() || parts_.engine.ring().output_bytes() != 0;
  if (is_asking_) {
    waited_for = "a hook of this program";
  } else if (!waits_for_output) {
    if (!parts_.engine.handshake_done() && parts_.engine.handshake_step() != nullptr) {
      waited_for = parts_.engine.handshake_step();
    } else if (v.kind == verb_kind::read) {
      waited_for = "the peer to send";
    } else if (v.kind == verb_kind::shutdown) {
      waited_for = "the peer's close_notify";
    } else if (parts_.engine.in_handshake()) {
      waited_for = "the rest of a message of the peer's, or a read of what came before it";
    } else if (v.kind == verb_kind::write) {
      waited_for = "memory within the budget of the context";
    }
  }
  parts_.engine.explain_deadline(
      "the " + std::string(verbs.at(static_cast<std::size_t>(v.kind))) +
      (v.stalls ? " made no progress for " : " did not finish within ") +
      (ms % 1'000 == 0 ? std::to_string(ms / 1'000) + " s" : std::to_string(ms) + " ms") +
      ": waiting for " + waited_for);
}

error_code session::failure_code() const {
  auto const& why = parts_.engine.failure();
  // In the handshake it came in the clear, perhaps from somebody in between: that is no end of the
  // session, which a read would tell as eof (RFC 8446 section 6.1).
  if (why.own == errc::closed_by_peer)
    return parts_.engine.handshake_done() ? parts_.world.eof : parts_.world.truncated;
  if (why.openssl == 0) return why.own;
  // What a BIO on a descriptor makes of the end of the connection.
  if (ERR_GET_LIB(why.openssl) == ERR_LIB_SSL &&
      ERR_GET_REASON(why.openssl) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return parts_.world.truncated;
  }
  return {static_cast<int>(why.openssl), *parts_.world.openssl};
}

[[gnu::cold]] error_code session::input_error(error_code transport) noexcept {
  if (transport == parts_.world.eof) {
    tell([&] { parts_.engine.explain("the peer closed the connection without close_notify"); });
    return parts_.world.truncated;
  }
  tell([&] { parts_.engine.explain("receiving failed: " + transport.message()); });
  return transport;
}

[[gnu::cold]] error_code session::output_error(error_code transport) noexcept {
  tell([&] { parts_.engine.explain("sending failed: " + transport.message()); });
  // Only the peer's close_notify is eof here; another stream as the next layer may say so of a
  // send.
  return transport == parts_.world.eof ? system_code(EPIPE) : transport;
}

[[gnu::cold]] void session::close() noexcept {
  if (!in_turn_) end_life();
  if (std::exchange(closed_, true) || in_turn_) return;
  error_code const why = operation_aborted();
  each_verb([&](verb& each) {
    if (each.is_locating) {
      each.ended_with = why;
    } else if (each.is_linked()) {
      parts_.done.finish(each, each.state() == verb_state::letting_go ? each.result : why);
    } else {
      parts_.done.finish(each, why);
    }
  });
  handshake_ = nullptr;
  parts_.engine.give_up_signature();
  (void)input_.take_read();
  (void)input_.take_shutdown();
}

[[gnu::cold]] verb_list session::take_all() noexcept {
  closed_ = true;
  verb_list all;
  each_verb([&all](verb& each) {
    if (each.is_linked()) each.unlink();
    all.push_back(each);
  });
  handshake_ = nullptr;
  (void)input_.take_read();
  (void)input_.take_shutdown();
  parts_.done.take_all(all);
  return all;
}

}  // namespace tls_async::detail
