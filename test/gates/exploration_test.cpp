// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Every sequence of events that leads to another state, up to four of them, or more if asked for:
// breadth first, each new state once, reached by playing its events from the start. After each
// event, and after the rest of the world has then done its part: no byte, completion or timer is
// lost.
#include <boost/asio/error.hpp>

#include <array>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "played_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

enum class event {
  handshake,
  read,
  write,
  long_write,
  key_update,
  close_write,
  shutdown,
  cancel_read,
  cancel_output,
  cancel_output_without_effect,
  expire,
  flush,
  flush_a_part,
  cancel_flush,
  fail_flush,
  fill,
  fill_a_part,
  fill_nonsense,
  cancel_fill,
  end_transport,
  let_go,
  look_again,
  peer_writes,
  peer_asks_for_keys,
  peer_closes,
  last
};
constexpr std::array names{
    "handshake",   "read",        "write",         "long write",         "key update",
    "close_write", "shutdown",    "cancel read",   "cancel output",      "cancel output, total",
    "expire",      "flush",       "flush a part",  "cancel flush",       "fail flush",
    "fill",        "fill a part", "fill nonsense", "cancel fill",        "end transport",
    "let go",      "look again",  "peer writes",   "peer asks for keys", "peer closes"};

using history = std::vector<event>;

std::string words_of(history const& events) {
  std::string words;
  for (event const each : events)
    words += std::string(words.empty() ? "" : "; ") + names.at(static_cast<std::size_t>(each));
  return words;
}

stream_options small_ring() {
  stream_options options;
  options.ring_records = 1;
  return options;
}

class world {
public:
  explicit world(bool is_negotiated) : s_(small_ring()) {
    if (is_negotiated) s_.negotiate();
  }
  ~world() { s_.session.close(); }

  /// False if nothing of the kind can happen now.
  bool play(event which) {
    switch (which) {
      case event::handshake:
        return start<played_control>(handshakes_, 1, verb_kind::handshake);
      case event::read:
        return !is_any(reads_) && start<played_read>(reads_, 2, std::size_t{50});
      case event::write:
        return start_write("short;");
      case event::long_write:
        return start_write(std::string(40'000, 'l'));
      case event::key_update:
        return start<played_control>(controls_, 2, verb_kind::key_update, true);
      case event::close_write:
        return start<played_control>(controls_, 2, verb_kind::close_write);
      case event::shutdown:
        return start<played_control>(controls_, 2, verb_kind::shutdown);
      case event::cancel_read:
        return cancel(reads_, false) || cancel(handshakes_, false);
      case event::cancel_output:
        return cancel(writes_, false) || cancel(controls_, false);
      case event::cancel_output_without_effect:
        return cancel(controls_, true) || cancel(writes_, true);
      case event::expire:
        return s_.asked.timer != detail::never && (s_.pass(1h), true);
      case event::flush:
        return s_.asked.flush && (s_.flush(), true);
      case event::flush_a_part:
        return s_.asked.flush && (s_.flush(5'000), true);
      case event::cancel_flush:
        return s_.asked.flush && (s_.fail_flush(asio::error::operation_aborted), true);
      case event::fail_flush:
        output_failed_ = s_.asked.flush;
        return s_.asked.flush && (s_.fail_flush(asio::error::connection_reset), true);
      case event::fill:
        return s_.asked.fill && s_.peer.produced() != 0 && (s_.fill(), true);
      case event::fill_a_part:
        return s_.asked.fill && s_.peer.produced() != 0 && (s_.fill(10), true);
      case event::fill_nonsense:
        input_failed_ = input_failed_ || s_.asked.fill;
        return s_.asked.fill &&
               (s_.fill_with(std::string("\x17\x03\x03\0\x20", 5) + std::string(32, 'n')), true);
      case event::cancel_fill:
        return s_.asked.fill && (s_.fail_fill(asio::error::operation_aborted), true);
      case event::end_transport:
        input_failed_ = input_failed_ || s_.asked.fill;
        return s_.asked.fill && (s_.fail_fill(asio::error::eof), true);
      case event::let_go:
        return s_.asked.let_go && (s_.end_fill_let_go(), true);
      case event::look_again:
        return s_.asked.look_again && (s_.look_again(), true);
      case event::peer_writes:
        return peer_may_act() && sent_.size() < 12 && peer_writes("from it;");
      case event::peer_asks_for_keys:
        return peer_may_act() && ++key_updates_ == 1 &&
               SSL_key_update(s_.peer.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1 &&
               static_cast<bool>(s_.peer.handshake());
      case event::peer_closes:
        return peer_may_act() && (s_.peer.shutdown(), true);
      case event::last:
        break;
    }
    return false;
  }

  /// What tells one state from another.
  std::string signature() {
    std::ostringstream out;
    each_verb([&](auto const& v) { out << v.state() << (v.told.ec ? "!" : "") << ' '; });
    auto& engine = s_.session.engine();
    auto const output = engine.ring().output_bytes();
    out << s_.asked.flush << s_.asked.fill << s_.asked.let_go << s_.asked.look_again
        << (s_.asked.timer != detail::never) << engine.handshake_done() << engine.record_pending()
        << engine.close_notify_sent() << engine.close_notify_received()
        << static_cast<bool>(engine.failure()) << s_.session.refusal().value() << ' '
        << (output == 0      ? 0
            : output < 1'000 ? 1
                             : 2)
        << engine.ring().input_bytes() << ' ' << s_.peer.produced() << ' ' << s_.plaintext.size()
        << output_failed_ << input_failed_;
    return out.str();
  }

  /// Nothing may be lost now.
  void check() {
    bool is_any_in_progress = false;
    each_verb([&](auto const& v) {
      is_any_in_progress = is_any_in_progress || !v.told.done;
      if (v.told.done) BOOST_TEST(v.state() == verb_state::done);
    });
    bool const is_anything_asked =
        s_.asked.flush || s_.asked.fill || s_.asked.look_again || s_.asked.timer != detail::never;
    BOOST_TEST((is_anything_asked || !is_any_in_progress), "a verb waits for nothing");
    BOOST_TEST((is_any_in_progress || s_.asked.timer == detail::never), "a timer for nobody");
  }

  /// The rest of the world does its part, and then time passes.
  void finish() {
    s_.run();
    // What rests since the next layer was cancelled waits for the next verb.
    if (!is_any(reads_)) start<played_read>(reads_, 9, std::size_t{50});
    s_.run();
    if (!s_.peer_has_failed && SSL_is_init_finished(s_.peer.ssl()) == 1) s_.peer.shutdown();
    for (int i = 0; i != 3; ++i) {
      s_.run();
      s_.pass(2h);
    }
    s_.run();
    if (s_.asked.fill) s_.fail_fill(asio::error::eof);
    s_.run();
    each_verb([](auto const& v) { BOOST_TEST(v.told.done, "its completion is lost"); });
    std::string reported, most;
    for (auto const& each : writes_) {
      most += each->text;
      reported += each->text.substr(0, each->verb.told.bytes);
    }
    std::string received;
    for (auto const& each : reads_)
      received += each->plaintext();
    BOOST_TEST((most.substr(0, s_.plaintext.size()) == s_.plaintext || has_gaps()),
               "the peer has opened what nobody wrote");
    if (!output_failed_ && !s_.session.engine().failure())
      BOOST_TEST((s_.plaintext == reported), "the peer has not opened what was reported");
    BOOST_TEST((sent_.substr(0, received.size()) == received), "bytes that the peer did not send");
  }

  /// Of each verb, where it stands.
  std::vector<verb_state> states() {
    std::vector<verb_state> all;
    each_verb([&](auto const& v) { all.push_back(v.state()); });
    return all;
  }

private:
  struct told_write {
    std::string text;
    played_write verb{text};
  };

  template <class Verb, class... Args>
  bool start(std::vector<std::unique_ptr<Verb>>& all, std::size_t most, Args... args) {
    if (all.size() == most) return false;
    all.push_back(std::make_unique<Verb>(args...));
    s_.start(*all.back());
    return true;
  }
  bool start_write(std::string text) {
    if (writes_.size() == 2) return false;
    writes_.push_back(std::unique_ptr<told_write>(new told_write{std::move(text)}));
    writes_.back()->verb.stalls = true;
    s_.start(writes_.back()->verb);
    return true;
  }
  template <class Verb>
  static bool is_any(std::vector<std::unique_ptr<Verb>> const& all) {
    return !all.empty() && !all.back()->told.done;
  }
  bool cancel(auto& all, bool only_if_without_effect) {
    for (auto const& each : all) {
      auto& v = verb_of(*each);
      if (v.told.done || v.state() == verb_state::letting_go) continue;
      s_.cancel(v, only_if_without_effect);
      return true;
    }
    return false;
  }
  static auto& verb_of(told_write& write) { return write.verb; }
  static auto& verb_of(auto& v) { return v; }
  void each_verb(auto visit) {
    for (auto const& each : handshakes_)
      visit(*each);
    for (auto const& each : reads_)
      visit(*each);
    for (auto const& each : writes_)
      visit(each->verb);
    for (auto const& each : controls_)
      visit(*each);
  }
  // A write that was ended in its middle, with another behind it.
  [[nodiscard]] bool has_gaps() const {
    return writes_.size() == 2 && writes_.front()->verb.told.ec.failed();
  }
  bool peer_may_act() {
    return SSL_is_init_finished(s_.peer.ssl()) == 1 && !s_.peer_has_failed &&
           (SSL_get_shutdown(s_.peer.ssl()) & SSL_SENT_SHUTDOWN) == 0;
  }
  bool peer_writes(std::string const& text) {
    sent_ += text;
    return static_cast<bool>(s_.peer.write(text));
  }

  played_session s_;
  std::vector<std::unique_ptr<played_control>> handshakes_, controls_;
  std::vector<std::unique_ptr<played_read>> reads_;
  std::vector<std::unique_ptr<told_write>> writes_;
  std::string sent_;
  int key_updates_ = 0;
  bool output_failed_ = false;
  bool input_failed_ = false;
};

struct explored {
  std::set<std::string> signatures;
  std::set<std::pair<verb_state, verb_state>> steps;
  std::size_t edges = 0;
};

// Where a verb was and is, by way of what the table allows.
void note_steps(explored& seen, std::vector<verb_state> const& before,
                std::vector<verb_state> const& after) {
  for (std::size_t i = 0; i != after.size(); ++i) {
    auto const from = i < before.size() ? before[i] : verb_state::fresh;
    if (from != after[i]) seen.steps.insert({from, after[i]});
  }
}

void explore(explored& seen, bool is_negotiated, std::size_t depth) {
  std::vector<history> front{{}};
  for (std::size_t length = 1; length <= depth && !front.empty(); ++length) {
    std::vector<history> next;
    for (history const& known : front) {
      for (int i = 0; i != static_cast<int>(event::last); ++i) {
        history events = known;
        events.push_back(static_cast<event>(i));
        BOOST_TEST_CONTEXT(words_of(events)) {
          world w(is_negotiated);
          for (event const each : known)
            (void)w.play(each);
          auto const before = w.states();
          if (!w.play(events.back())) continue;
          ++seen.edges;
          note_steps(seen, before, w.states());
          if (!seen.signatures.insert(w.signature()).second) continue;
          w.check();
          w.finish();
          next.push_back(events);
        }
      }
    }
    front = std::move(next);
    std::cout << (is_negotiated ? "negotiated" : "fresh") << ": length " << length << ", "
              << seen.signatures.size() << " states, " << seen.edges << " edges\n";
  }
}

// `gates_test -- 8` explores deeper.
std::size_t depth() {
#ifdef __SANITIZE_ADDRESS__
  constexpr std::size_t usual = 3;  // it takes four times as long
#else
  constexpr std::size_t usual = 4;
#endif
  auto const& suite = boost::unit_test::framework::master_test_suite();
  return suite.argc > 1 ? std::stoul(suite.argv[1]) : usual;
}

BOOST_AUTO_TEST_SUITE(exploration)

BOOST_AUTO_TEST_CASE(no_sequence_of_events_loses_anything) {
  explored seen;
  explore(seen, false, depth());
  explore(seen, true, depth());
  if (depth() < 4) return;  // not all are reached
  // The one that needs a ring which is full to the byte, see gates_test.
  seen.steps.insert({verb_state::under_way, verb_state::closing});
  for (auto const& [from, to] : detail::transitions) {
    BOOST_TEST_CONTEXT(from << " to " << to) BOOST_TEST(seen.steps.contains({from, to}));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
