// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The acts of a script.
#include "player.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include <algorithm>

#include <tls_async_test/deeds.hpp>

namespace tls_async::test::model {

namespace asio = boost::asio;
using asio::cancellation_type;

player::player(script const& of, kind on, outcome const& expected, coverage* counts)
    : script_(of),
      kind_(on),
      expected_(expected.negotiated),
      is_refused_(expected.negotiated != verdict::success || expected.end != verdict::end),
      counts_(counts) {
  virtual_clock::current = virtual_clock::time_point(std::chrono::hours(1));
  io_.emplace();
  ends_.emplace(of);
  peer_ = make_peer(of, *ends_);
  wire_ = std::make_shared<wire>(*peer_);
  stage const at{script_, *ends_, *io_, wire_, *this};
  subject_ = on == kind::ours ? make_ours(at) : on == kind::asio ? make_asio(at) : make_bare(at);
}

player::~player() { destroy_loop(); }

outcome player::run() {
  std::size_t number = 0;
  for (event const& one : script_.events) {
    perform(one, ++number);
    if (!io_ || !outcome_.complaint.empty()) break;
  }
  if (io_ && outcome_.complaint.empty()) come_to_an_end();
  look_back();
  return outcome_;
}

void player::perform(event const& what, std::size_t number) {
  if (what.inside) {
    inside_.emplace_back(what, number);
    inside_.back().first.inside = false;
    return;
  }
  note(std::to_string(number) + ": " + text_of(what));
  if (what.is_verb()) return start(what, number);
  switch (what.what) {
    case act::peer_says:
    case act::peer_closes:
    case act::peer_renews:
    case act::peer_does:
      return perform_on_peer(what, number);
    case act::cancel:
      return cancel_one(what);
    case act::cancel_layer:
      if (kind_ != kind::ours) return;
      layer_cancelled_ = true;
      for (auto const& v : outstanding_)
        v->layer_was_cancelled = true;
      return subject_->cancel_layer();
    case act::clock:
      return advance_clock(what.n);
    case act::move:
      return subject_->move();
    case act::destroy:
      was_destroyed_ = was_cut_short_ = true;
      waiting_.clear();
      return subject_->destroy();
    case act::throws:
      will_throw_ = kind_ == kind::ours;
      return;
    case act::destroy_loop:
      return destroy_loop();
    case act::run:
      return step(what.n);
    case act::settle:
      return settle();
    default:
      return perform_on_network(what);
  }
}

void player::perform_on_peer(event const& what, std::size_t number) {
  std::string name = name_of(what.what);
  if (what.what == act::peer_says) {
    peer_->say(message(2 * number, what.n));
  } else if (what.what == act::peer_closes) {
    peer_->close();
  } else if (what.what == act::peer_renews) {
    if (is_tls1_3(script_)) peer_->update_keys(what.buffers == form::both);
  } else {
    auto const& deeds = all_deeds();
    auto const& one = deeds.at(what.n % deeds.size());
    note("  " + one.name);
    if (!is_record_level(script_)) return;
    // Wherever the subjects are on their way, they are compared at the same place.
    if (!is_disturbed(script_)) settle();
    name = one.name;
    was_hostile_ = true;
    peer_->perform(one);
  }
  if (counts_ != nullptr) {
    if (outstanding_.empty()) counts_->count(name, "nothing");
    for (auto const& v : outstanding_)
      counts_->count(name, name_of(v->asked.what));
  }
  wire_->settle();
}

std::vector<direction*> player::directions(form which) {
  if (which == form::in) return {&wire_->in};
  if (which == form::out) return {&wire_->out};
  return {&wire_->in, &wire_->out};
}

void player::perform_on_network(event const& what) {
  for (direction* const way : directions(what.buffers)) {
    switch (what.what) {
      case act::net_holds:
        way->is_held = true;
        break;
      case act::net_delivers:
        way->is_held = true;
        way->granted += what.n;
        break;
      case act::net_releases:
        way->is_held = false;
        break;
      case act::net_room:
        way->room = std::max<std::size_t>(what.n, 1);
        break;
      case act::net_moves:
        way->largest = std::max<std::size_t>(what.n, 1);
        break;
      default:
        break;
    }
  }
  if (what.what == act::net_ends) wire_->in.has_ended = was_disturbed_ = true;
  if (what.what == act::net_breaks) {
    was_disturbed_ = true;
    wire_->fail(asio::error::connection_reset);
  }
  wire_->settle();
}

void player::start(event const& what, std::size_t number) {
  if (was_destroyed_ || !subject_->has(what) || is_left_out(what)) return;
  auto const v = verbs_.emplace_back(std::make_shared<verb>());
  v->asked = what;
  v->number = number;
  // Beside anything else it is documented to be refused, and when that is over nobody can see.
  if (v->asked.told == way::blocking && !(outstanding_.empty() && waiting_.empty()))
    v->asked.told = way::callback;
  if (what.what == act::write) v->bytes = message(2 * number + 1, what.n);
  if (what.what == act::read) v->place.resize(std::max<std::size_t>(what.n, 1));
  if (what.buffers == form::composed && is_in_progress(act::write)) v->asked.buffers = form::plain;
  if (subject_->takes_all()) return begin(v);
  waiting_.push_back(v);
  start_waiting();
}

// What a stream of ours would refuse; and what would come between the writes of asio::async_write.
bool player::is_left_out(event const& what) {
  bool const is_composing =
      std::any_of(outstanding_.begin(), outstanding_.end(),
                  [](auto const& v) { return v->asked.buffers == form::composed; });
  if (is_composing && what.what == act::write) return true;
  if (subject_->takes_all()) return false;
  bool const has_no_role = what.what != act::handshake && !handshake_asked_ &&
                           !is_chosen(script_, "negotiates", "first_verb");
  bool const is_closed = close_asked_ && (what.what == act::write || what.what == act::key_update);
  handshake_asked_ = handshake_asked_ || what.what == act::handshake;
  if (!has_no_role)
    close_asked_ = close_asked_ || what.what == act::shutdown || what.what == act::close_write;
  return has_no_role || is_closed;
}

void player::begin(verb_ptr const& next) {
  negotiation_begun_ = true;
  outstanding_.push_back(next);
  subject_->start(next);
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
// layer at once: there reads and writes take turns.
bool player::may_start(verb const& next) const {
  auto const is_output = [](verb const& v) { return v.asked.what != act::read; };
  auto const exclusive = [&](verb const& v) {
    return v.asked.what == act::handshake || kind_ == kind::asio;
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
  if (outstanding_.empty() || kind_ != kind::ours) return;
  auto const v = outstanding_.at(what.n % outstanding_.size());
  // A coroutine that was cancelled before it began ends with an exception of co_spawn's.
  if (!v->has_begun) return;
  auto const type = what.buffers == form::partial ? cancellation_type::partial
                    : what.buffers == form::total ? cancellation_type::total
                                                  : cancellation_type::terminal;
  v->cancelled = v->cancelled | type;
  note("  verb " + std::to_string(v->number));
  v->signal.emit(type);
}

void player::advance_clock(std::uint64_t milliseconds) {
  virtual_clock::advance(std::chrono::milliseconds(milliseconds));
  // A timer that is due before all others makes the event loop look at its timers now.
  asio::basic_waitable_timer<virtual_clock> first(*io_, virtual_clock::time_point());
  first.async_wait([](error_code) {});
  settle();
}

void player::step(std::uint64_t handlers) {
  for (; handlers != 0 && io_; --handlers) {
    if (io_->stopped()) io_->restart();
    bool moved = wire_->settle();
    if (subject_->step()) moved = true;
    if (wire_->settle()) moved = true;  // what a step has left, without an end of a verb
    try {
      if (io_->poll_one() == 0 && !moved) break;
    } catch (thrown const&) {
      note("  it was thrown");
    }
  }
}

void player::settle() {
  step(UINT64_MAX);
  layer_cancelled_ = false;
  for (auto const& v : outstanding_) {
    if ((v->cancelled & (cancellation_type::terminal | cancellation_type::partial)) !=
        cancellation_type::none)
      complain("verb " + std::to_string(v->number) + " goes on, cancelled");
  }
}

void player::come_to_an_end() {
  note("the end");
  wire_->open();
  settle();
  while (!inside_.empty()) {
    auto const [what, number] = inside_.front();
    inside_.pop_front();
    perform(what, number);
    if (!io_) return;
  }
  settle();
  std::size_t number = script_.events.size();
  if (outcome_.negotiated != verdict::success && !has_failed_) start({act::handshake}, ++number);
  settle();
  if (!peer_->has_closed()) perform_on_peer({act::peer_closes}, ++number);
  settle();
  // A session that has failed is read once more, if that may be.
  for (bool more = kind_ == kind::ours || !has_failed_; more; more = read_succeeded_) {
    read_succeeded_ = false;
    if (!is_in_progress(act::read)) start({act::read, 50'000}, ++number);
    settle();
  }
  bool const is_at_end = outcome_.end == verdict::end && outcome_.negotiated == verdict::success;
  if (is_at_end) start({act::shutdown}, ++number);
  settle();
  // Who still waits learns that nothing comes any more.
  wire_->in.has_ended = true;
  was_disturbed_ = true;
  settle();
  // What could not start, since a session that has failed takes nothing.
  if (has_failed_) waiting_.clear();
  if (!outstanding_.empty() || !waiting_.empty()) {
    complain("verb " +
             std::to_string((outstanding_.empty()
                                 ? waiting_
                                 : std::deque<verb_ptr>(outstanding_.begin(), outstanding_.end()))
                                .front()
                                ->number) +
             " does not end");
  }
  was_destroyed_ = true;
  subject_->destroy();
  settle();
  if (wire_->reader.handler || wire_->writer.handler)
    complain("the stream goes on using its next layer");
}

void player::destroy_loop() {
  if (!io_) return;
  was_destroyed_ = true;
  subject_.reset();  // the handlers own the stream now
  wire_->abandon();
  io_.reset();
  outstanding_.clear();
  waiting_.clear();
}

}  // namespace tls_async::test::model
