// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How a script goes on, and comes to its end.
#include <boost/asio/basic_waitable_timer.hpp>

#include <algorithm>

#include "player.hpp"

namespace tls_async::test::model {

namespace asio = boost::asio;
using asio::cancellation_type;

void player::advance_clock(std::uint64_t milliseconds) {
  did(act::clock);
  virtual_clock::advance(std::chrono::milliseconds(milliseconds));
  // A timer that is due before all others makes the event loop look at its timers now.
  asio::basic_waitable_timer<virtual_clock> first(*io_, virtual_clock::time_point());
  first.async_wait([](error_code) {});
  settle();
  judge_what_goes_on(true);
}

void player::step(std::uint64_t handlers) {
  is_at_rest_ = false;
  // More than any script has.
  constexpr std::uint64_t most = 5'000'000;
  for (std::uint64_t run = 0; run != handlers && io_; ++run) {
    if (run == most) return complain("it never comes to rest");
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
  is_at_rest_ = io_ && handlers_ == 0;
  judge_what_goes_on(false);
}

// Where nothing can move any more.
void player::judge_what_goes_on(bool time_has_passed) {
  if (kind_ != kind::ours || !is_at_rest_) return;
  for (auto const& v : outstanding_) {
    // A read has no effect before it ends.
    bool const is_read = v->asked.what == act::read && v->asked.buffers != form::composed;
    auto const effective =
        is_read ? cancellation_type::all : cancellation_type::terminal | cancellation_type::partial;
    // An operation that Asio composes looks between two of ours, at the last signal alone: one that
    // it lets not through makes it forget the one before (cancellation_state::impl).
    auto const cancelled = v->asked.buffers == form::composed ? v->cancelled_last : v->cancelled;
    std::string const which = "verb " + std::to_string(v->number) + " goes on, ";
    if ((cancelled & effective) != cancellation_type::none) complain(which + "cancelled");
    if (v->has_to_abort) complain(which + "and its next layer was cancelled");
    // A write without a limit of its own may have made progress meanwhile.
    bool const has_limit = v->asked.within != no_limit ||
                           (v->asked.what != act::write && v->asked.what != act::key_update);
    if (time_has_passed && has_limit && v->has_begun && is_late(*v, wire_->took_at))
      complain(which + "and its time is over");
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
  end_transport();
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
  {
    inside_call const inside(*this);
    subject_->destroy();
  }
  settle();
  if (wire_->reader.handler || wire_->writer.handler)
    complain("the stream goes on using its next layer");
}

// Who still waits learns that nothing comes any more. With an honest peer, which has closed, there
// is nothing to wait for.
void player::end_transport() {
  bool const is_done = kind_ != kind::ours || was_hostile_ || was_disturbed_ || was_destroyed_ ||
                       !peer_->has_closed();
  if (!is_done && !outstanding_.empty())
    complain("verb " + std::to_string(outstanding_.front()->number) + " waits for nothing");
  wire_->in.has_ended = true;
  was_disturbed_ = true;
  settle();
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
