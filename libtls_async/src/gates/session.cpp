// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The loop of a session: what each turn steps, in which order, and what is to be done after it; and
// the events that it is told, from the handshake's to going idle. Longer than other files, since
// the order of all that is what has to be seen at once.
#include <tls_async/core/policy.hpp>
#include <tls_async/gates/session.hpp>

#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>

#include <openssl/ssl.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "session_visit.hpp"

namespace tls_async::detail {

void session::begin_life() {
  auto const refuse = [](char const* why) {
    throw boost::system::system_error(make_error_code(errc::bad_option), why);
  };
  if (parts_.options.small_record_bytes > max_record_plaintext)
    refuse("small_record_bytes must be 16384 at most");
  if (parts_.options.ktls != ktls::off && parts_.options.allow_renegotiation)
    refuse("ktls and allow_renegotiation cannot be combined");
  SSL_CTX* const context = SSL_get_SSL_CTX(parts_.engine.native_handle());
  set_modes(inherited_modes(context));
  policy_ = policy_of(context);
  if (policy_ != nullptr && policy_->on_event)
    news_ = std::make_unique<news>(policy_->on_event, policy_->counters);
  tell_account();
}

session::~session() {
  end_life();
  if (policy_ == nullptr) return;
  policy_->account.change(told_, {});
  policy_->ended.add(parts_.engine.stats());
}

void session::set_modes(unsigned long modes) noexcept {
  modes_ = static_cast<std::uint32_t>(modes);
  parts_.engine.release_buffers_always(has(modes, mode::release_buffers));
}

actions session::turn(memory_account::waiter& waiter) {
  again_ = true;
  // A callback of OpenSSL's may come here from inside of the turn, which then takes another.
  if (in_turn_ || closed_) return {};
  in_turn_ = true;
  try {
    while (std::exchange(again_, false) && !closed_) {
      input_.want_fill(false);
      output_.want_writable(false);
      step_handshake();
      step_output(waiter);
      step_input();
      end_cancelled();
    }
  } catch (...) {
    fail_for_memory();
  }
  in_turn_ = false;
  if (closed_) {
    closed_ = false;
    close();
    return {};
  }
  note_ends();
  return todo();
}

actions session::todo() {
  actions wanted;
  wanted.locate = output_.unlocated();
  if (wanted.locate != nullptr) {
    wanted.locate->is_locating = true;
    return wanted;
  }
  output_.end_turns();
  wanted.wait_writable = output_.wants_writable();
  // What a server has made for a client that may yet be refused is none of that one's business.
  bool const has_question = parts_.engine.question() != nullptr;
  wanted.flush = !wanted.wait_writable && output_.wants_flush() && !has_question;
  if (wanted.wait_writable) output_.begin_waiting();
  if (wanted.flush) output_.begin_flush();
  // A record of a cancelled write may need input too, and waits for the next verb.
  if (input_.wants_fill() && input_is_wanted()) {
    wanted.fill = way_to_fill();
    input_.begin_fill();
  }
  wanted.let_go = input_.may_let_go() && !input_is_wanted();
  if (wanted.let_go) input_.let_go_of_fill();
  wanted.look_again = std::exchange(looks_again_, false) && has_verbs();
  if (parts_.deadlines.has_changed() && has_verbs()) wanted.timer = parts_.deadlines.take_change();
  bool const asks = has_question && handshake_ != nullptr;
  wanted.ask = asks && !is_asking_;
  wanted.drop_question = !asks && is_asking_;
  is_asking_ = asks;
  return wanted;
}

// A fill that may have to wait holds no ring meanwhile. What answers our part of a handshake should
// come soon, and to receive costs less than to wait until there is something.
fill_way session::way_to_fill() const noexcept {
  bool const is_answer = !parts_.engine.handshake_done() && output_.sealed_end() != 0;
  if (parts_.engine.path().receives_directly() || !may_hold_ring()) return fill_way::wait;
  if (is_answer || parts_.engine.ring().expects_more_than(landing_bytes)) return fill_way::at_once;
  return input_.more_is_likely() ? fill_way::if_something_is : fill_way::wait;
}

bool session::input_is_wanted() noexcept {
  if (input_.has_read() || input_.has_shutdown() || handshake_ != nullptr) return true;
  bool const output_may_need_it = parts_.engine.in_handshake() || parts_.engine.record_pending();
  return output_may_need_it && output_.has_verbs();
}

void session::step_handshake() {
  if (parts_.engine.failure()) return has_verbs() ? fail_session() : void();
  bool const demanded = handshake_ != nullptr || input_.has_read() || input_.has_shutdown() ||
                        output_.front() != nullptr;
  if (!demanded) return;
  if (!parts_.engine.handshake_done()) {
    if (output_.error()) return end_inputs(output_.error());
    if (!parts_.engine.asks().empty()) {
      // What it would ask belongs to a handshake.
      if (handshake_ == nullptr) return end_inputs(errc::handshake_not_done);
      // So that what the next step makes is in the ring as a whole, and may be thrown away.
      if (output_.is_flushing()) return;
    }
    // A verb on a stream that has a role but no session yet negotiates by itself (SSL_write(3),
    // NOTES).
    if (!went_on(negotiate())) return;
  }
  if (auto* const handshake = std::exchange(handshake_, nullptr))
    output_.finish_after_flush(*handshake, {});
}

void session::step_output(memory_account::waiter& waiter) {
  if (output_.error()) return end_outputs(output_.error());
  // While a flush is in flight the writes gather, so that the next one takes them together. And
  // what a partial flush left goes first: behind it the ring would wrap, and batches would shrink
  // to its rest.
  if (!output_.wants_to_seal() || !output_.may_seal() || !parts_.engine.handshake_done()) return;
  // In a renegotiation plaintext may still come from the peer, which only reading lets pass.
  auto const leaves_it_to_the_read = [this] {
    return parts_.engine.in_handshake() && !parts_.engine.sends_tickets() && input_.has_read();
  };
  if (leaves_it_to_the_read() && !parts_.engine.record_pending()) return;
  // What was begun may have been that message too.
  if (!went_on(output_.finish_begun()) || leaves_it_to_the_read()) return;
  if (output_.front() == nullptr || !may_begin_to_seal(waiter)) return;
  control_verb* closing = nullptr;
  want const next = output_.seal(has(modes_, mode::enable_partial_write), closing);
  if (closing != nullptr) input_.add(*closing);
  went_on(next);
}

// Acts on what the engine needs before it can go on with what is to be sent; false if it needs
// something.
bool session::went_on(want next) {
  switch (next) {
    case want::nothing:
      return true;
    case want::flush:
      if (parts_.engine.path().sends_directly()) output_.want_writable(true);
      return false;
    case want::fill:
      if (!input_.error()) {
        input_.want_fill(true);
      } else if (parts_.engine.handshake_done()) {
        end_outputs(input_.error());
      } else {
        end_inputs(input_.error());
      }
      return false;
    case want::open:  // it goes on behind the next read
      keep_timer();
      return false;
    case want::decision:
      return false;
    case want::closed:  // only `open` answers that
    case want::failed:
      fail_session();
      return false;
  }
  return false;
}

// The back-pressure of the context's memory budget: what is to be written stays with the callers.
bool session::may_begin_to_seal(memory_account::waiter& waiter) {
  std::size_t const size = parts_.engine.ring().size();
  if (policy_ == nullptr || carries_another_ || holds_ring()) return true;
  if (policy_->account.may_take_ring(size)) return true;
  verb const& first = *output_.front();
  if (!has_plaintext(first) || first.blocks) return true;  // or ends the session
  if (policy_->account.may_take_ring_or_wait(waiter, size)) return true;
  // Whoever makes room may have no memory to tell it, and then nothing else changes here.
  parts_.deadlines.add(time_limit(std::chrono::seconds(1)).after(parts_.now()));
  return false;
}

// Something of this stream has to be with the io_context, so that its end is noticed.
void session::keep_timer() noexcept {
  if (!parts_.deadlines.has_any())
    parts_.deadlines.add(time_limit(std::chrono::hours(1)).after(parts_.now()));
}

void session::step_input() {
  if (!input_.has_read() && !input_.has_shutdown()) return;
  if (!parts_.engine.handshake_done() || parts_.engine.failure()) return;
  // With a record begun, reading could meet a renegotiation, which would need to send before it.
  if (parts_.engine.record_pending() && parts_.engine.options().allow_renegotiation) return;
  bool const was_in_handshake = parts_.engine.in_handshake();
  bool const had_read = input_.has_read();
  switch (input_.open()) {
    case want::nothing:
    case want::open:      // it never asks for itself
    case want::decision:  // only `handshake` asks
      break;
    case want::fill:
      if (input_.error()) {
        end_inputs(input_.error());
      } else {
        input_.want_fill(true);
      }
      break;
    case want::flush:  // a peer that floods us with KeyUpdates and reads no replies
      if (output_.error()) end_inputs(output_.error());
      if (parts_.engine.path().sends_directly()) output_.want_writable(true);
      break;
    case want::closed:
      end_inputs(parts_.world.eof);
      break;
    case want::failed:
      fail_session();
      break;
  }
  bool const read_ended = had_read && !input_.has_read();
  // A shutdown goes on by itself, unless the handler of the read starts another.
  if (read_ended && input_.has_shutdown()) looks_again_ = true;
  // Writes may have waited for the end of a message, or for the read to receive the rest of it.
  if (was_in_handshake && (read_ended || !parts_.engine.in_handshake())) again_ = true;
}

// The session has failed: nothing can be sealed or opened any more, but the alert still leaves.
[[gnu::cold]] void session::fail_session() {
  if (!parts_.engine.failure()) {  // every verb would end in success
    tell([&] {
      parts_.engine.abort(errc::unexpected_result, "the session ended without a reason");
    });
    parts_.engine.abort(errc::unexpected_result);
  }
  error_code const result = failure_code();
  output_.fail_verbs(result);
  if (auto* const handshake = std::exchange(handshake_, nullptr))
    output_.finish_after_flush(*handshake, result);
  if (auto* const read = input_.take_read())
    output_.finish_after_flush(*read, read->bytes != 0 ? error_code() : result);
  if (auto* const shutdown = input_.take_shutdown()) output_.finish_after_flush(*shutdown, result);
}

void session::fail_for_memory() noexcept {
  parts_.engine.abort(make_error_code(boost::system::errc::not_enough_memory));
  try {
    fail_session();
  } catch (...) {
    again_ = false;  // the next event tells of the failure
  }
}

// Nothing more leaves, for now or for ever.
void session::end_outputs(error_code result) {
  output_.end_verbs(result);
  if (auto* const shutdown = input_.take_shutdown()) parts_.done.finish(*shutdown, result);
}

// No more input, for now or for ever. Verbs that only wait for output go on, unless they wait for
// the handshake.
[[gnu::cold]] void session::end_inputs(error_code result) {
  if (!parts_.engine.handshake_done()) end_outputs(result);
  if (auto* const handshake = std::exchange(handshake_, nullptr))
    parts_.done.finish(*handshake, result);
  if (auto* const read = input_.take_read()) parts_.done.finish(*read, result);
  if (auto* const shutdown = input_.take_shutdown()) {
    if (result == parts_.world.eof) {
      output_.finish_after_flush(*shutdown, {});
    } else {
      parts_.done.finish(*shutdown, result);
    }
  }
}

void session::flushed(error_code ec, std::size_t n) {
  output_.flushed(n);
  if (!closed_) end_flush(ec || n != 0 ? ec : system_code(EPIPE));
}

void session::writable(error_code ec) {
  output_.waited();
  if (!closed_) end_flush(ec);
}

void session::stop_flush(std::size_t n) {
  output_.flushed(n);
  output_.pause();
}

void session::end_flush(error_code ec) {
  if (!ec) return;
  if (ec != operation_aborted()) {
    output_.fail(output_error(ec));
    end_outputs(output_.error());
    if (!parts_.engine.handshake_done()) end_inputs(output_.error());
    return;
  }
  // Somebody cancelled the next layer. The ring is kept, and the next verb goes on with its flush,
  // or one that is still there when all that was cancelled has ended.
  output_.pause();
  looks_again_ = true;
  end_outputs(ec);
  if (!parts_.engine.handshake_done()) {
    end_inputs(ec);
  } else if (input_.waits_for_output()) {
    if (auto* const read = input_.take_read()) parts_.done.finish(*read, ec);
  }
}

void session::decide(verdict decided) {
  is_asking_ = false;
  parts_.engine.decide(std::move(decided));
}

std::span<std::byte> session::fill_room() noexcept {
  bool const all = may_hold_ring();
  auto const room = parts_.engine.ring().begin_fill();
  return all ? room : room.first(std::min(room.size(), parts_.engine.ring().rest_of_record()));
}

void session::filled(error_code ec, std::size_t n) {
  constexpr std::size_t bulk = 2 * max_record_plaintext;  // probably one of many
  parts_.engine.ring().end_fill(n);
  received(ec, n, n >= bulk);
}

void session::landed(error_code ec, std::span<std::byte const> landing, std::size_t n) {
  if (n != 0 && !parts_.engine.ring().take(landing.first(n))) {
    auto const why = make_error_code(boost::system::errc::not_enough_memory);
    tell([&] { parts_.engine.abort(why, "no memory for what was received"); });
    parts_.engine.abort(why);
  }
  received(ec, n, n == landing.size());
}

void session::received(error_code ec, std::size_t n, bool bulk) {
  if (!input_.end_fill(ec, n, bulk) || closed_) return;
  ended_receiving(ec || n != 0 ? ec : parts_.world.eof);
}

// OpenSSL takes it from there.
void session::has_input(error_code ec) {
  if (input_.end_fill(ec, 0, false) && !closed_) ended_receiving(ec);
}

void session::nothing_came() noexcept {
  parts_.engine.ring().end_fill(0);
  (void)input_.end_fill({}, 0, input_.more_is_likely());
}

void session::ended_receiving(error_code ec) {
  if (ec == operation_aborted()) {
    // Writes may wait for the rest of a message.
    if (parts_.engine.handshake_done() && parts_.engine.in_handshake()) end_outputs(ec);
    end_inputs(ec);
  } else if (ec) {
    input_.fail(input_error(ec));
  }
}

bool session::has_verbs() const noexcept {
  return handshake_ != nullptr || output_.has_verbs() || input_.has_verbs();
}

bool session::is_idle() const noexcept {
  return !has_verbs() && parts_.done.empty() && !output_.is_flushing() && !input_.is_filling();
}

bool session::is_about_to_negotiate() const noexcept {
  return parts_.engine.phase() == phase::fresh && parts_.engine.has_role() && has_verbs();
}

// What the account was told is of the last rest: a ring that has been taken since, and that holds
// something, is held all the same. An empty one is only held if it is counted.
bool session::holds_ring() const noexcept {
  auto const& ring = parts_.engine.ring();
  return ring.is_in_use() || (ring.is_attached() && told_.ring != 0);
}

// Where memory is short a ring is not kept while its stream waits.
bool session::may_hold_ring() const noexcept {
  return policy_ == nullptr || holds_ring() || policy_->account.allows(parts_.engine.ring().size());
}

// A stream that has nothing to flush and nothing to open waits with what it needs for that. Not
// where a callback of OpenSSL's has come here: it is still working on the ring.
void session::go_idle() noexcept {
  if (in_turn_) return;
  // A ring that is being flushed is in use: OpenSSL need not be asked.
  bool const flushes_ring = output_.is_flushing() && !parts_.engine.path().sends_directly();
  if (!flushes_ring) parts_.engine.go_idle(has(modes_, mode::release_buffers_on_idle));
  tell_account();
}

void session::tell_account() noexcept {
  if (policy_ == nullptr) return;
  auto const now = memory_usage();
  if (now != told_) policy_->account.change(std::exchange(told_, now), now);
}

memory_account::holding session::memory_usage() const noexcept {
  return {
      .own = parts_.world.stream_bytes + parts_.engine.memory_usage() + verb_bytes_ + kept_bytes_,
      .ring = static_cast<std::uint32_t>(parts_.engine.ring().memory_usage()),
      .is_busy = has_verbs()};
}

}  // namespace tls_async::detail
