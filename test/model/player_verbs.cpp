// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// When a verb of a script begins on a subject, and how it is cancelled.
#include <algorithm>
#include <iterator>

#include "player.hpp"

namespace tls_async::test::model {

using boost::asio::cancellation_type;

void player::start(event const& what, std::size_t number) {
  if (was_destroyed_ || !subject_->has(what) || is_left_out(what)) return;
  auto const v = verbs_.emplace_back(std::make_shared<verb>());
  v->asked = what;
  v->number = number;
  if (!takes_limit(what)) v->asked.within = no_limit;
  // Beside anything else it is documented to be refused, and when that is over nobody can see.
  // The same goes for the stream below another one, which receives meanwhile.
  bool const may_block =
      outstanding_.empty() && waiting_.empty() && !is_chosen(script_, "next_layer", "tls");
  if (v->asked.told == way::blocking && !may_block) v->asked.told = way::callback;
  if (what.what == act::write) v->bytes = message(2 * number + 1, what.n);
  if (what.what == act::read) v->place.resize(std::max<std::size_t>(what.n, 1));
  if (what.buffers == form::composed && is_in_progress(what.what)) v->asked.buffers = form::plain;
  if (subject_->takes_all()) return begin(v);
  waiting_.push_back(v);
  start_waiting();
}

// What a stream of ours would refuse; and what would come between the writes of asio::async_write.
bool player::is_left_out(event const& what) {
  bool const is_composing =
      std::any_of(outstanding_.begin(), outstanding_.end(), [&what](auto const& v) {
        return v->asked.buffers == form::composed && v->asked.what == what.what;
      });
  if (is_composing) return true;
  if (subject_->takes_all()) return false;
  bool const is_data = what.what == act::read || what.what == act::write;
  bool const negotiates =
      what.what == act::handshake || (is_data && is_chosen(script_, "negotiates", "first_verb"));
  bool const has_no_role = !negotiates && !handshake_asked_;
  bool const is_closed = close_asked_ && (what.what == act::write || what.what == act::key_update);
  handshake_asked_ = handshake_asked_ || negotiates;
  if (!has_no_role)
    close_asked_ = close_asked_ || what.what == act::shutdown || what.what == act::close_write;
  return has_no_role || is_closed;
}

void player::begin(verb_ptr const& next) {
  negotiation_begun_ = true;
  outstanding_.push_back(next);
  bool const ends_at_once =
      is_bare() || next->asked.told == way::blocking || next->asked.buffers == form::attempt;
  if (ends_at_once) return subject_->start(next);
  inside_call const inside(*this);
  try {
    subject_->start(next);
  } catch (thrown const&) {
    note("  it was thrown");
    std::erase(outstanding_, next);
  }
}

// Asio's forms have no deadline.
bool player::takes_limit(event const& what) const {
  if (what.told == way::blocking) return false;
  if (what.what == act::handshake) return !negotiates_by_member(script_);
  return what.buffers != form::some && what.buffers != form::composed &&
         what.buffers != form::attempt && what.buffers != form::member;
}

void player::start_waiting() {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    if (!may_start(**next)) {
      ++next;
      continue;
    }
    auto v = *next;
    if (v->asked.what != act::handshake && !negotiation_begun_) {
      // These subjects negotiate first.
      v = verbs_.emplace_back(std::make_shared<verb>());
      v->asked.what = act::handshake;
    } else {
      waiting_.erase(next);
    }
    begin(v);
    next = waiting_.begin();
  }
}

// One read and one of all others, in order, and none beside a handshake. Where a write has to wait
// for the rest of a message, as that of a ticket, Asio's stream may start two reads of the next
// layer at once: there reads and writes take turns, as they do where functions block.
bool player::may_start(verb const& next) const {
  auto const is_output = [](verb const& v) { return v.asked.what != act::read; };
  auto const exclusive = [&](verb const& v) {
    return v.asked.what == act::handshake || kind_ == kind::asio || kind_ == kind::blocking;
  };
  if (exclusive(next) && !outstanding_.empty()) return false;
  for (auto const& v : outstanding_) {
    if (exclusive(*v) || is_output(*v) == is_output(next)) return false;
  }
  // None overtakes another.
  for (auto const& v : waiting_) {
    if (v.get() == &next) return true;
    if (is_output(*v) == is_output(next)) return false;
  }
  return true;
}

void player::cancel_one(event const& what) {
  if (kind_ != kind::ours) return;
  std::vector<verb_ptr> may;
  std::copy_if(outstanding_.begin(), outstanding_.end(), std::back_inserter(may),
               [&what](verb_ptr const& v) {
                 return what.what == act::cancel ||
                        (v->asked.what != act::key_update && v->asked.what != act::close_write);
               });
  if (may.empty()) return;
  auto const v = may[what.n % may.size()];
  // A coroutine that was cancelled before it began ends with an exception of co_spawn's. A future
  // has no slot.
  if (!v->has_begun || v->asked.told == way::future) return;
  auto const type = what.buffers == form::partial ? cancellation_type::partial
                    : what.buffers == form::total ? cancellation_type::total
                                                  : cancellation_type::terminal;
  v->cancelled = v->cancelled | type;
  v->cancelled_last = type;
  did(what.what);
  note("  verb " + std::to_string(v->number));
  inside_call const inside(*this);
  v->signal.emit(type);
}

void player::cancel_layer(bool was_at_rest) {
  if (kind_ != kind::ours) return;
  did(act::cancel_layer);
  layer_cancelled_ = true;
  for (auto const& v : outstanding_) {
    v->layer_was_cancelled = true;
    v->has_to_abort = v->has_to_abort || (was_at_rest && v->has_begun);
  }
  inside_call const inside(*this);
  subject_->cancel_layer();
}

}  // namespace tls_async::test::model
