// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Plays a script on one subject, brings it to an end, and judges by itself what holds for any
// subject: every byte, every completion once and in its place, every code. What subjects have to
// agree on is in the outcome.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coverage.hpp"
#include "peer.hpp"
#include "subject.hpp"
#include "support/model.hpp"

namespace tls_async::test::model {

/// What a code means.
enum class verdict {
  none,  ///< It never came to it.
  success,
  end,
  truncated,
  refused_certificate,
  alert,     ///< The peer's.
  protocol,  ///< The peer has broken it.
  aborted,
  timed_out,
  transport,
  limit,  ///< errc::peer_limit_exceeded
  waits,  ///< would_block
  refused
};
verdict verdict_of(error_code const& ec);
char const* name_of(verdict which);

struct outcome {
  std::string complaint;  ///< The first thing that may not be; empty if there is none.
  std::string trace;
  verdict negotiated = verdict::none;
  verdict end = verdict::none;  ///< How the session failed, or its last read ended.
  std::string heard;            ///< All that was read.
  bool discarded = false;       ///< A shutdown may have.
  bool is_resumed = false;
  bool waited_in_handshake = false;  ///< A blocking verb would have had to.
  bool lacks_certificate = false;    ///< A shared key stands for it, which is not enough for ours.
};

class player final : listener {
public:
  /// `expected`: what OpenSSL makes of these settings and an honest peer, and nothing else.
  player(script const& of, kind on, outcome const& expected, coverage* counts);
  player(player const&) = delete;
  player& operator=(player const&) = delete;
  ~player() override;

  outcome run();

  /// What docs/advisories.md says of known faults is no excuse.
  static inline bool judges_known = false;

private:
  /// While one lives the program is inside of a function of the subject's, and nothing may end.
  struct inside_call {
    explicit inside_call(player& by) : of(by) { ++of.calls_; }
    inside_call(inside_call const&) = delete;
    ~inside_call() { --of.calls_; }
    player& of;
  };

  void begun(verb& of) override;
  void ended(verb_ptr const& of, error_code ec, std::size_t n, bool elsewhere) override;

  [[nodiscard]] bool is_bare() const { return kind_ == kind::bare || kind_ == kind::blocking; }
  void perform(event const& what, std::size_t number);
  void perform_on_peer(event const& what, std::size_t number);
  void perform_on_network(event const& what);
  void start(event const& what, std::size_t number);
  void begin(verb_ptr const& next);
  [[nodiscard]] bool is_left_out(event const& what);
  [[nodiscard]] bool takes_limit(event const& what) const;
  void start_waiting();
  [[nodiscard]] bool may_start(verb const& next) const;
  void cancel_one(event const& what);
  void cancel_layer(bool was_at_rest);
  void advance_clock(std::uint64_t milliseconds);
  void step(std::uint64_t handlers);
  void settle();
  void judge_what_goes_on(bool time_has_passed);
  void come_to_an_end();
  void end_transport();
  void destroy_loop();
  void look_back();

  [[nodiscard]] std::string judge(verb const& of, error_code ec, std::size_t n) const;
  [[nodiscard]] std::string judge_success(verb const& of, std::size_t n) const;
  [[nodiscard]] std::string judge_refusal(verb const& of, error_code ec) const;
  /// The longest that it may take; nothing where that has no end.
  [[nodiscard]] std::optional<virtual_clock::duration> limit_of(verb const& of) const;
  [[nodiscard]] bool is_late(verb const& of, virtual_clock::time_point progress) const;
  void hear(std::string_view plaintext, bool is_composed);
  [[nodiscard]] bool is_in_progress(act what) const;
  [[nodiscard]] std::vector<direction*> directions(form which);
  void did(act what) {
    if (counts_ != nullptr) counts_->did(what);
  }
  void count_meeting(std::string const& peer_act);
  void note(std::string const& what) { outcome_.trace.append(what).append("\n"); }
  void complain(std::string const& what);

  script const& script_;
  kind kind_;
  verdict expected_;
  bool is_refused_;  // by one of both ends
  coverage* counts_;
  std::optional<ends> ends_;
  std::unique_ptr<peer> peer_;
  std::unique_ptr<far_side> carrier_;  // of a stream on a stream
  std::shared_ptr<wire> wire_;
  std::vector<verb_ptr> verbs_;  // all, since a signal has to outlive what it is connected to
  std::optional<boost::asio::io_context> io_;
  std::unique_ptr<subject> subject_;
  std::vector<verb_ptr> outstanding_;
  std::deque<verb_ptr> waiting_;  // of a subject that can't take them yet
  std::deque<std::pair<event, std::size_t>> inside_;
  byte_queue sent_;
  outcome outcome_;
  std::size_t heard_to_ = 0;
  std::size_t messages_ = 0;
  bool was_hostile_ = false;
  bool leaves_half_ = false;    // a message of the peer's that may never end
  bool was_disturbed_ = false;  // the transport has ended, or has failed
  bool was_destroyed_ = false;
  bool was_cut_short_ = false;  // it was destroyed by the script
  bool is_closing_ = false;
  bool layer_cancelled_ = false;
  bool is_at_rest_ = false;  // nothing can move before the next act
  int calls_ = 0;
  int handlers_ = 0;  // that are running, one inside of the other
  bool negotiation_begun_ = false;
  bool handshake_asked_ = false;
  bool close_asked_ = false;
  bool has_failed_ = false;
  bool will_throw_ = false;
  std::deque<verb_ptr> reads_;  // that have begun, and were not heard yet
  bool read_succeeded_ = false;
  bool has_session_ = false;
};

}  // namespace tls_async::test::model
