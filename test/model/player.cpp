// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The acts of a script.
#include "player.hpp"

#include <algorithm>

#include <tls_async_test/deeds.hpp>
#include "carrier.hpp"

namespace tls_async::test::model {

namespace asio = boost::asio;

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
  peer_->on_deed = [this](deed const& done) {
    was_hostile_ = true;
    leaves_half_ = leaves_half_ || done.name.starts_with("half ") ||
                   done.name == "two bytes of a message" || done.name == "a message of 16 MiB";
    count_meeting(done.name);
  };
  bool const is_carried = on == kind::ours && is_chosen(of, "next_layer", "tls");
  if (is_carried) carrier_ = make_carrier(*peer_);
  wire_ = std::make_shared<wire>(is_carried ? *carrier_ : *peer_);
  stage const at{script_, *ends_, *io_, wire_, *this};
  subject_ = on == kind::ours   ? make_ours(at)
             : on == kind::asio ? make_asio(at)
             : on == kind::bare ? make_bare(at)
                                : make_blocking(at);
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
  bool const was_at_rest = std::exchange(is_at_rest_, false);
  if (what.is_verb()) return start(what, number);
  switch (what.what) {
    case act::peer_says:
    case act::peer_closes:
    case act::peer_renews:
    case act::peer_does:
    case act::peer_renegotiates:
      return perform_on_peer(what, number);
    case act::cancel:
    case act::cancel_other:
      return cancel_one(what);
    case act::cancel_layer:
      return cancel_layer(was_at_rest);
    case act::clock:
      return advance_clock(what.n);
    case act::budget:
      if (kind_ != kind::ours || ends_->ours() == nullptr) return;
      did(what.what);
      return ends_->ours()->set_memory_budget(what.n);
    case act::move: {
      inside_call const inside(*this);
      if (subject_->ssl() != nullptr) did(what.what);
      return subject_->move();
    }
    case act::destroy: {
      // Between two reads or writes of its own an operation of Asio's still uses the stream, which
      // has to be there until its handler is called (asio::async_read). Where nothing moves it is
      // one of ours that waits, and that ends.
      bool const is_composing =
          std::any_of(outstanding_.begin(), outstanding_.end(),
                      [](auto const& v) { return v->asked.buffers == form::composed; });
      if (is_composing && !was_at_rest) return;
      inside_call const inside(*this);
      if (!was_destroyed_) did(what.what);
      was_destroyed_ = was_cut_short_ = true;
      waiting_.clear();
      return subject_->destroy();
    }
    case act::throws:
      will_throw_ = kind_ == kind::ours;
      return;
    case act::destroy_loop:
      did(what.what);
      return destroy_loop();
    case act::run:
      did(what.what);
      return step(what.n);
    case act::settle:
      did(what.what);
      return settle();
    default:
      return perform_on_network(what);
  }
}

void player::perform_on_peer(event const& what, std::size_t number) {
  // Behind a deed the peer may fail by what it is answered, and says no more: each subject answers
  // before it goes on, as those do whose functions are called at once.
  if (was_hostile_ && !is_disturbed(script_)) settle();
  if (what.what == act::peer_says) {
    peer_->say(message(2 * number, what.n));
  } else if (what.what == act::peer_closes) {
    peer_->close();
  } else if (what.what == act::peer_renews) {
    if (!is_tls1_3(script_)) return;
    peer_->update_keys(what.buffers == form::both);
  } else if (what.what == act::peer_renegotiates) {
    if (is_tls1_3(script_)) return;
    // Who is refused it ends the session (OpenSSL does).
    was_hostile_ = was_hostile_ || !is_chosen(script_, "renegotiation", "allowed");
    peer_->renegotiate();
  } else {
    auto const& deeds = all_deeds();
    auto const& one = deeds.at(what.n % deeds.size());
    note("  " + one.name);
    if (!is_record_level(script_)) return;
    // Wherever the subjects are on their way, they are compared at the same place.
    if (!is_disturbed(script_)) settle();
    peer_->perform(one);
  }
  did(what.what);
  if (what.what != act::peer_does) count_meeting(name_of(what.what));
  wire_->settle();
}

void player::count_meeting(std::string const& peer_act) {
  if (counts_ == nullptr) return;
  if (outstanding_.empty()) counts_->count(peer_act, "nothing");
  for (auto const& v : outstanding_)
    counts_->count(peer_act, name_of(v->asked.what));
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
  did(what.what);
  wire_->settle();
}

}  // namespace tls_async::test::model
