// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Explores a machine: every sequence of events up to a length, breadth first. A state is a `World`
// that has been brought there: by playing the shortest sequence of events, from the start. It is
// left by each event that can happen in it, once. Two sequences that end in the same signature end
// in one state, and only the first is gone on with. Whether that is right is tried with some of the
// others: from there the same events have to lead to the same states.
#pragma once

#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tls_async::test {

/// What may happen in a `World`.
template <class World>
struct event {
  std::string_view name;
  unsigned parts;  ///< The explorations that it takes part in, as bits.
  bool (*can)(World&);
  void (*play)(World&);
};

/// A `World` has `events`, an array of `event<World>`, and
///   void note();              an event has been played
///   std::string signature();  what tells one state from another
///   void check();             nothing is lost now, after the last event
///   void finish();            nor when the rest of the world has done its part
template <class World>
class explorer {
public:
  using make_world = std::function<std::unique_ptr<World>()>;

  /// With the events that take part in `part`, a bit.
  explorer(std::string title, unsigned part, make_world make)
      : title_(std::move(title)), part_(part), make_(std::move(make)) {}

  void explore(std::size_t depth) {
    auto const start = make_();
    (void)number_of(*start, {});
    for (std::size_t length = 1, first = 0; length <= depth && first != states_.size(); ++length) {
      std::size_t const end = states_.size();
      for (std::size_t number = first; number != end; ++number) {
        leave(number);
        if (!all_is_well()) return;
      }
      first = end;
      for (auto const& [events, number] : std::exchange(merged_, {})) {
        if (number >= end) {
          merged_.emplace_back(events, number);
        } else {
          compare(events, number);
        }
        if (!all_is_well()) return;
      }
      std::cout << title_ << ": " << length << " events, " << states_.size() << " states, "
                << edges_ << " edges, " << compared_ << " compared\n"
                << std::flush;
    }
  }

private:
  using history = std::vector<std::uint8_t>;
  struct edge {
    std::uint8_t played;
    std::size_t to;
  };
  struct state {
    history shortest;
    std::vector<edge> next;  // `to` is not known before the state is left
  };

  static constexpr std::size_t unknown = SIZE_MAX;
  static constexpr std::size_t one_in = 64;  // of the sequences that are merged is compared

  static std::string words_of(history const& events) {
    std::string words;
    for (auto const each : events)
      words.append(words.empty() ? "" : "; ").append(World::events[each].name);
    return words;
  }

  static bool all_is_well() {
    namespace unit_test = boost::unit_test;
    auto const& framework = unit_test::framework::current_test_case();
    return unit_test::results_collector.results(framework.p_id).p_assertions_failed == 0;
  }

  std::vector<edge> events_of(World& w) const {
    std::vector<edge> allowed;
    for (std::size_t i = 0; i != std::size(World::events); ++i) {
      auto const& each = World::events[i];
      if ((each.parts & part_) != 0 && each.can(w))
        allowed.push_back({static_cast<std::uint8_t>(i), unknown});
    }
    return allowed;
  }

  // Of the state that `w` is in, which is a new one if it has not been seen.
  std::size_t number_of(World& w, history const& events) {
    auto const [place, is_new] = numbers_.try_emplace(w.signature(), states_.size());
    if (is_new) states_.push_back({events, events_of(w)});
    return place->second;
  }

  static void play(World& w, std::uint8_t which) {
    World::events[which].play(w);
    w.note();
  }

  std::unique_ptr<World> reach(history const& events) const {
    auto w = make_();
    for (auto const each : events)
      play(*w, each);
    return w;
  }

  void leave(std::size_t number) {
    history events = states_[number].shortest;
    for (std::size_t i = 0; i != states_[number].next.size(); ++i) {
      auto const played = states_[number].next[i].played;
      auto const w = reach(events);
      events.push_back(played);
      BOOST_TEST_CONTEXT(words_of(events)) {
        play(*w, played);
        ++edges_;
        std::size_t const known = states_.size();
        std::size_t const to = number_of(*w, events);
        states_[number].next[i].to = to;
        if (to != known && edges_ % one_in == 0) merged_.emplace_back(events, to);
        w->check();
        w->finish();
      }
      events.pop_back();
      if (!all_is_well()) return;
    }
  }

  // What `events` end in, and the state of this number.
  void compare(history events, std::size_t number) {
    state const& same = states_[number];
    BOOST_TEST_CONTEXT("one state: " << words_of(events) << " | " << words_of(same.shortest)) {
      auto const allowed = events_of(*reach(events));
      BOOST_REQUIRE_EQUAL(allowed.size(), same.next.size());
      for (std::size_t i = 0; i != allowed.size(); ++i) {
        ++compared_;
        BOOST_TEST_REQUIRE(int{allowed[i].played} == int{same.next[i].played});
        auto const w = reach(events);
        play(*w, allowed[i].played);
        auto const there = w->signature();
        auto const place = numbers_.find(there);
        std::size_t const to = place == numbers_.end() ? unknown : place->second;
        if (to != same.next[i].to) {
          BOOST_TEST_CONTEXT(World::events[allowed[i].played].name << " leads to " << there << " | "
                                                                   << signature_of(same.next[i].to))
          BOOST_TEST(to == same.next[i].to);
        }
      }
    }
  }

  std::string signature_of(std::size_t number) const {
    for (auto const& [signature, each] : numbers_) {
      if (each == number) return signature;
    }
    return {};
  }

  std::string title_;
  unsigned part_;
  make_world make_;
  std::vector<state> states_;
  std::unordered_map<std::string, std::size_t> numbers_;  // by signature
  std::vector<std::pair<history, std::size_t>> merged_;   // that are still to be compared
  std::size_t edges_ = 0;
  std::size_t compared_ = 0;
};

}  // namespace tls_async::test
