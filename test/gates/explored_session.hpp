// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A session of one record's ring and its peer, as a state that can be explored: what can happen to
// it, what has to be so afterwards, and what tells one state from another.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "explorer.hpp"
#include "played_session.hpp"
#include "psk_contexts.hpp"
#include "started_verbs.hpp"

namespace tls_async::test {

using namespace std::chrono_literals;

// The explorations: of one gate with all that can happen there, and of both with what may concern
// the other.
constexpr unsigned outwards = 1, inwards = 2, both = 4, all = outwards | inwards | both;

/// Where an exploration begins.
enum class beginning {
  before_handshake,
  negotiated,
  full_ring  ///< What is queued behind a flush leaves 3 bytes of room.
};

class explored_session {
public:
  static std::array<event<explored_session>, 33> const events;  // in exploration_test.cpp

  explored_session(unsigned part, beginning from);
  ~explored_session() {
    if (s_.asked.locate != nullptr) s_.locate();
  }

  std::string signature();
  /// Between what verbs have gone by now, in all sessions.
  void note();
  static std::set<std::pair<verb_state, verb_state>> steps;

  void check();

  /// The rest of the world does its part, and then time passes.
  void finish();

private:
  static constexpr std::size_t few = 10;
  static constexpr std::size_t of_short_records = 512;

  static std::size_t part_of(std::size_t n) { return n - std::min(n, few); }
  static int class_of(std::size_t n) {
    return n == 0                      ? 0
           : n <= few                  ? 1
           : n <= of_short_records     ? 2
           : n + few < one_record_ring ? 3
                                       : 4;
  }
  static stream_options options() {
    stream_options small;
    small.ring_records = 1;
    return small;
  }

  // What can happen.

  [[nodiscard]] bool may_start(verb_kind kind) const {
    return !is_gone_ && verbs_.in_progress(kind) == 0;
  }
  [[nodiscard]] bool may_send() const {
    return !is_gone_ && std::count_if(verbs_.begin() + prepared_, verbs_.end(), is_output) < 2;
  }
  void start(auto& v, time_limit limit) {
    is_paused_ = false;
    if (limit.is_limit()) {
      v.expiry = limit.after(s_.moment);
    } else {
      v.stalls = true;
    }
    s_.start(v);
  }
  void start_read() { start(verbs_.add_read(50), 30s); }
  void start_write(std::size_t length, bool moves = false) {
    start(verbs_.add_write(length, moves), time_limit::none());
  }
  void start_last_write(std::size_t length) {
    auto& write = verbs_.add_write(length);
    write.is_last = true;
    start(write, time_limit::none());
  }
  void start_control(verb_kind kind);

  static bool is_output(started_verb const& each) {
    return each.is_in_progress() && each.v.kind != verb_kind::read &&
           each.v.kind != verb_kind::handshake;
  }
  started_verb const* first(auto is_meant) const {
    for (auto const& each : verbs_) {
      if (each.is_in_progress() && is_meant(each)) return &each;
    }
    return nullptr;
  }
  [[nodiscard]] started_verb const* last_output() const {
    started_verb const* found = nullptr;
    for (auto const& each : verbs_) {
      if (is_output(each)) found = &each;
    }
    return found;
  }
  template <verb_kind Kind>
  static bool is(started_verb const& each) {
    return each.v.kind == Kind;
  }
  void cancel(started_verb const* which, bool only_if_without_effect = false);
  void flush() {
    if (output() == s_.session.engine().ring().output_bytes()) has_begun_ = false;
    s_.flush();
  }
  void fail_flush(error_code ec) {
    (ec == asio::error::operation_aborted ? is_paused_ : output_failed_) = true;
    s_.fail_flush(ec);
  }
  void fail_fill(error_code ec) {
    is_fill_kept_ = false;
    if (ec != asio::error::operation_aborted) input_failed_ = true;
    s_.fail_fill(ec);
  }
  [[nodiscard]] bool may_fill() const {
    return s_.asked.fill && s_.peer.produced() != 0 && !is_gone_;
  }
  void fill(std::size_t most) {
    is_fill_kept_ = false;
    s_.fill(most);
  }
  void fill_nonsense();
  // As a socket does it, which is cancelled as a whole.
  void look_again() {
    is_paused_ = false;
    s_.look_again();
  }
  void expire() {
    s_.moment = s_.asked.timer;
    s_.pass(0s);
  }
  [[nodiscard]] std::size_t output() { return s_.session.engine().ring().readable().size(); }
  void leave_fill();
  // The peer's messages that OpenSSL has not opened.
  [[nodiscard]] std::string on_the_way() {
    auto const& stats = s_.session.engine().stats();
    return messages_.substr(stats.plaintext_opened / 8 + stats.key_updates_received);
  }
  [[nodiscard]] bool has_peer_closed() {
    return (SSL_get_shutdown(s_.peer.ssl()) & SSL_SENT_SHUTDOWN) != 0;
  }
  [[nodiscard]] bool peer_may_act();
  void peer_writes();
  void peer_asks_for_keys();
  void end(bool by_its_loop) {
    is_gone_ = true;
    if (by_its_loop) return s_.abandon();
    s_.close();
  }

  // What has to be so.

  /// close_notify behind all of a write that carries it, unless somebody else has sent one.
  [[nodiscard]] bool is_closed_rightly();

  [[nodiscard]] std::int64_t seconds_to(detail::time_point moment) const {
    if (moment == detail::never) return -1;
    return std::chrono::duration_cast<std::chrono::seconds>(moment - s_.moment).count();
  }
  [[nodiscard]] detail::time_point bound_of(detail::verb const& v) const {
    if (!v.stalls) return v.expiry;
    return std::max(s_.last_progress, v.started) + 30s;
  }
  [[nodiscard]] bool is_awaited(detail::verb const& v);
  [[nodiscard]] bool wants_fill(detail::verb const& v);

  std::size_t const most_on_the_way_;  // of the peer's messages, in bytes, before the next
  started_verbs verbs_;
  played_session s_;
  std::ptrdiff_t prepared_ = 0;  // verbs that were there at the beginning
  std::string sent_;
  std::string messages_;    // the peer's
  bool has_begun_ = false;  // a control verb that found no room, whoever waits for it
  bool is_paused_ = false;
  bool is_fill_kept_ = false;
  bool is_gone_ = false;
  bool has_discarded_ = false;
  bool output_failed_ = false;
  bool input_failed_ = false;
  bool is_nonsense_ = false;  // what has come
};

}  // namespace tls_async::test
