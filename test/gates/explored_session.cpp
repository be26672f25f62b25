// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "explored_session.hpp"

#include <sstream>

namespace tls_async::test {

std::set<std::pair<verb_state, verb_state>> explored_session::steps;

explored_session::explored_session(unsigned part, beginning from)
    : most_on_the_way_(part == both ? 0 : 39),
      s_(psk_context(role::client), psk_context(role::server), options()) {
  if (from != beginning::before_handshake) s_.negotiate();
  s_.locates_later = true;
  if (from != beginning::full_ring) return;
  start_write(6);
  start_write(max_record_plaintext);
  for (int i = 0; i != 37; ++i)
    start_control(verb_kind::key_update);
  prepared_ = verbs_.end() - verbs_.begin();
}

void explored_session::note() {
  verbs_.note_steps(steps);
  for (auto const& each : verbs_) {
    has_begun_ =
        has_begun_ || (!detail::has_plaintext(each.v) && each.v.state() == verb_state::under_way);
  }
}

// Only what decides. Bytes in the ring count as none, too few for a part of them, those of short
// records, more, or so many that nothing more has room: nothing is sealed behind a record or the
// rest of a flush but control verbs, and behind short ones there is room for a record. Verbs that
// are done, and what comes behind a failure or an end, decide nothing. The lengths of what comes in
// are few, and are told as they are.
std::string explored_session::signature() {
  std::ostringstream out;
  auto const& asked = s_.asked;
  auto& engine = s_.session.engine();
  std::size_t const output = engine.ring().output_bytes();
  verbs_.describe(out, s_.flushed_bytes + part_of(output));
  out << is_gone_ << asked.flush << asked.fill << asked.let_go << (asked.locate != nullptr)
      << asked.look_again << is_fill_kept_ << (asked.flush ? class_of(output) : 0);
  if (is_gone_) return out.str();
  for (auto const& each : verbs_) {
    if (each.is_in_progress()) out << ' ' << seconds_to(bound_of(each.v));
  }
  out << ' ' << seconds_to(asked.timer) << has_begun_ << is_paused_ << output_failed_
      << static_cast<bool>(engine.failure()) << (output_failed_ ? 0 : class_of(output));
  if (engine.failure()) return out.str();
  out << input_failed_ << is_nonsense_ << engine.handshake_done() << engine.record_pending()
      << engine.close_notify_sent() << engine.close_notify_received() << ' '
      << SSL_get_state(engine.native_handle()) << SSL_get_key_update_type(engine.native_handle());
  if (input_failed_) return out.str();
  out << ' ' << engine.ring().input_bytes() << ' ' << engine.ring().rest_of_record() << ' '
      << s_.peer.produced() << ' ' << on_the_way() << ' ' << SSL_is_init_finished(s_.peer.ssl())
      << SSL_get_key_update_type(s_.peer.ssl()) << has_peer_closed();
  return out.str();
}

void explored_session::check() {
  verbs_.check(s_.plaintext, sent_);
  auto& engine = s_.session.engine();
  auto const& asked = s_.asked;
  bool is_fill_wanted = is_fill_kept_ || is_gone_;
  for (auto const& each : verbs_) {
    if (!each.is_live()) continue;
    BOOST_TEST_CONTEXT(each.v.state()) {
      BOOST_TEST((!is_gone_ || each.v.is_locating), "it outlives its stream");
      BOOST_TEST(is_awaited(each.v), "it waits for nothing");
      if (!each.is_in_progress() || each.v.ended_with) continue;
      // What is to be located first takes another turn, which sets it.
      BOOST_TEST((asked.timer <= bound_of(each.v) || asked.locate != nullptr),
                 "its timer is not set");
    }
    is_fill_wanted = is_fill_wanted || wants_fill(each.v);
  }
  BOOST_TEST((verbs_.is_any_live() || asked.timer == detail::never), "a timer for nobody");
  BOOST_TEST((asked.timer > s_.moment), "the timer was set to what has passed");
  BOOST_TEST(is_closed_rightly(), "the peer was told of another end");
  BOOST_TEST((is_fill_wanted || !asked.fill || asked.let_go), "a fill that nobody wants");
  BOOST_TEST((asked.fill || !asked.let_go), "it lets go of nothing");
  BOOST_TEST((is_nonsense_ || !engine.failure()), "the session has failed for no reason");
  BOOST_TEST((engine.ring().output_bytes() == 0 || asked.flush || asked.locate != nullptr ||
              is_paused_ || is_gone_ || output_failed_),
             "ciphertext stays");
}

void explored_session::finish() {
  s_.run();
  // What rests since the next layer was cancelled waits for the next verb.
  if (may_start(verb_kind::read)) start_read();
  s_.run();
  if (peer_may_act()) s_.peer.shutdown();
  s_.run();
  for (int i = 0; i != 2 && may_start(verb_kind::read); ++i) {
    start_read();
    s_.run();
  }
  for (int i = 0; i != 3; ++i) {
    s_.pass(2h);
    s_.run();
  }
  if (s_.asked.fill) s_.fail_fill(asio::error::eof);
  s_.run();
  BOOST_TEST(!verbs_.is_any_live(), "its completion is lost");
  verbs_.check(s_.plaintext, sent_);
  BOOST_TEST(is_closed_rightly(), "the peer was told of another end");
  if (is_gone_) return;
  bool const has_failed = s_.session.engine().failure() || output_failed_;
  if (!has_failed)
    BOOST_TEST((s_.plaintext == verbs_.reported()), "what was reported has not come");
  if (!has_failed && !input_failed_ && !is_nonsense_ && !has_discarded_)
    BOOST_TEST((sent_ == verbs_.received()), "what the peer has sent is lost");
}

void explored_session::start_control(verb_kind kind) {
  has_discarded_ = has_discarded_ || kind == verb_kind::shutdown;
  auto const limit = kind == verb_kind::handshake    ? time_limit(30s)
                     : kind == verb_kind::key_update ? time_limit::none()
                                                     : time_limit(2s);
  start(verbs_.add<played_control>({}, kind), limit);
}

void explored_session::cancel(started_verb const* which, bool only_if_without_effect) {
  auto const state = which->v.state();
  s_.cancel(which->v, only_if_without_effect);
  bool const may_stay = which->v.is_locating || state == verb_state::letting_go;
  if (!only_if_without_effect || state == verb_state::queued || state == verb_state::reading)
    BOOST_TEST((may_stay || which->told.done || which->v.state() == verb_state::letting_go),
               "it was not cancelled");
  else
    BOOST_TEST(which->v.state() == state);
}

bool explored_session::peer_may_act() {
  return SSL_is_init_finished(s_.peer.ssl()) == 1 && !s_.peer_has_failed && !is_gone_ &&
         !has_peer_closed() && s_.peer.produced() <= most_on_the_way_ && !input_failed_ &&
         !is_nonsense_ && !s_.session.engine().failure();
}

bool explored_session::is_awaited(detail::verb const& v) {
  auto const& asked = s_.asked;
  if (asked.look_again || asked.locate != nullptr) return true;
  switch (v.state()) {
    case verb_state::queued:
    case verb_state::under_way:
      return asked.flush || (asked.fill && wants_fill(v));
    case verb_state::leaving:
      return asked.flush;
    case verb_state::letting_go:
      return asked.fill;
    case verb_state::negotiating:
    case verb_state::reading:
    case verb_state::closing:
      return asked.fill || asked.flush;
    case verb_state::fresh:
    case verb_state::done:
      break;
  }
  return false;
}

bool explored_session::is_closed_rightly() {
  bool const has_read_the_end = (SSL_get_shutdown(s_.peer.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0;
  bool has_one = false, is_all_there = false, is_told = false;
  for (auto const& each : verbs_) {
    if (each.v.kind == verb_kind::close_write || each.v.kind == verb_kind::shutdown) return true;
    if (!each.is_last_write()) continue;
    has_one = true;
    is_all_there = is_all_there || s_.plaintext.ends_with(each.text);
    is_told = is_told || (each.told.done && !each.told.ec);
  }
  return !has_one || (has_read_the_end ? is_all_there : !is_told);
}

bool explored_session::wants_fill(detail::verb const& v) {
  auto& engine = s_.session.engine();
  bool const is_output_in_handshake = engine.in_handshake() || engine.record_pending();
  return v.state() == verb_state::negotiating || v.state() == verb_state::reading ||
         v.state() == verb_state::closing || is_output_in_handshake;
}

void explored_session::leave_fill() {
  s_.asked.let_go = false;
  is_fill_kept_ = true;
  s_.session.leave_fill();
  s_.turn();
}

void explored_session::fill_nonsense() {
  is_fill_kept_ = false;
  is_nonsense_ = true;
  s_.fill_with(std::string("\x17\x03\x03\0\x20", 5) + std::string(32, 'n'));
}

void explored_session::peer_writes() {
  std::string const text = numbered_plaintext(8, sent_.size());
  sent_ += text;
  messages_ += 't';
  BOOST_TEST(static_cast<bool>(s_.peer.write(text)));
}

void explored_session::peer_asks_for_keys() {
  messages_ += 'k';
  SSL_key_update(s_.peer.ssl(), SSL_KEY_UPDATE_REQUESTED);
  s_.peer.handshake();
}

}  // namespace tls_async::test
