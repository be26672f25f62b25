// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "maker.hpp"

#include <algorithm>
#include <array>
#include <random>

#include <tls_async_test/deeds.hpp>
#include "settings.hpp"

namespace tls_async::test::model {
namespace {

class maker {
public:
  maker(std::uint64_t seed, script const& fixed)
      : fixed_(fixed.settings), random_(seed * 0x9e3779b97f4a7c15 + 1) {
    made_.seed = seed;
    made_.settings = fixed_;
  }

  script make() {
    choose_settings();
    is_disturbed_ = one_in(2);
    is_hostile_ = one_in(3);
    blocks_ = one_in(3);
    bool const may_be_granted = is_chosen(made_, "renegotiation", "allowed");
    renegotiates_ = !is_tls1_3(made_) && (may_be_granted || one_in(8));
    bool const shakes_first = !one_in(4);
    form const how = one_in(6) ? form::sequence : form::plain;
    if (shakes_first) add({act::handshake, 0, how, some_way()});
    if (shakes_first && !one_in(4)) add({act::settle});
    for (std::size_t i = 2 + pick(one_in(4) ? 60 : 20); i != 0; --i)
      add_any();
    return std::move(made_);
  }

private:
  void choose_settings() {
    for (row const& one : all_rows()) {
      std::string const name = one.name;
      bool const is_basic = name == "side" || name == "version" || name == "context";
      bool const is_common = name == "suite" || name == "negotiates" || one.version != fits::any;
      // Most scripts should get through the handshake.
      bool const is_layer = name == "next_layer" || name == "resumes";
      if (fixed_.contains(name)) continue;
      if (!one_in(is_basic ? 2 : is_common ? 5 : is_layer ? 8 : 25)) continue;
      if (one.version == (is_tls1_3(made_) ? fits::tls1_2 : fits::tls1_3)) continue;
      auto const& value = one.values.at(pick(one.values.size()));
      if (&value != &one.values.front()) made_.settings[name] = value.name;
    }
    if (is_chosen(made_, "next_layer", "socket") && one_in(2))
      made_.settings["ktls"] = one_in(2) ? "tx" : "tx_rx";
  }

  void add_any() {
    std::size_t const what = pick(100);
    if (what < 40) {
      add_verb();
    } else if (what < 58) {
      add_peer_act();
    } else if (what < 72) {
      add_network_act();
    } else if (what < 82) {
      add({act::run, 1 + pick(6), form::plain, way::callback, no_limit, one_in(4)});
    } else if (what < 90) {
      add({act::settle});
    } else if (is_disturbed_) {
      add_disturbance();
    } else {
      add_harmless();
    }
  }

  void add_verb() {
    event made;
    std::size_t const what = pick(40);
    if (what < 18) {
      constexpr std::array kinds{form::plain,    form::sequence, form::owned,   form::shared,
                                 form::moving,   form::some,     form::attempt, form::file,
                                 form::composed, form::throwing};
      made = {act::write, size(), kinds.at(pick(kinds.size()))};
    } else if (what < 33) {
      constexpr std::array kinds{form::plain, form::sequence, form::some, form::composed};
      made = {act::read, 1 + (one_in(3) ? pick(100) : pick(70'000)), kinds.at(pick(kinds.size()))};
    } else if (what < 36) {
      made = {act::key_update, 0, one_in(2) ? form::both : form::plain};
    } else if (what < 38) {
      made = {act::handshake};
    } else if (one_in(2)) {
      made = {act::close_write};
    } else {
      made = {act::shutdown, 0, one_in(2) ? form::member : form::plain};
    }
    made.told = some_way();
    bool const can_block = made.what == act::handshake || made.what == act::read ||
                           made.what == act::write || made.what == act::shutdown;
    if (can_block && blocks_ && one_in(3)) made.told = way::blocking;
    if (is_disturbed_ && one_in(4)) {
      constexpr std::array<std::uint64_t, 6> limits{0, 50, 3'000, 20'000, no_limit - 1, 50};
      made.within = limits.at(pick(limits.size()));
    }
    made.inside = one_in(6);
    add(made);
  }

  void add_peer_act() {
    if (is_hostile_ && one_in(3)) {
      add({act::peer_does, pick(all_deeds().size())});
    } else if (one_in(12)) {
      add({act::peer_closes});
    } else if (renegotiates_ && one_in(6)) {
      add({act::peer_renegotiates});
    } else if (one_in(8)) {
      add({act::peer_renews, 0, one_in(2) ? form::both : form::plain});
    } else {
      add({act::peer_says, 1 + (one_in(2) ? pick(300) : pick(40'000))});
    }
  }

  void add_network_act() {
    constexpr std::array ways{form::in, form::out, form::both};
    constexpr std::array<std::uint64_t, 5> sizes{1, 100, 5'000, 16'406, 40'000};
    form const way = ways.at(pick(ways.size()));
    switch (pick(5)) {
      case 0:
        return add({act::net_holds, 0, way});
      case 1:
        return add({act::net_delivers, pick(20'000), way});
      case 2:
        return add({act::net_releases, 0, way});
      case 3:
        return add({act::net_room, sizes.at(1 + pick(4)), form::out});
      default:
        return add({act::net_moves, sizes.at(pick(5)), way});
    }
  }

  void add_harmless() {
    constexpr std::array<std::uint64_t, 5> budgets{0, 1, 30'000, 150'000, 700'000};
    if (is_chosen(made_, "context", "ours") && one_in(4))
      return add({act::budget, budgets.at(pick(budgets.size()))});
    add({one_in(3) ? act::throws : act::move});
  }

  void add_disturbance() {
    constexpr std::array types{form::plain, form::partial, form::total, form::total};
    constexpr std::array<std::uint64_t, 4> steps{100, 1'000, 6'000, 31'000};
    event made;
    std::size_t const what = pick(40);
    if (what < 22) {
      made = {act::cancel, pick(6), types.at(pick(types.size()))};
    } else if (what < 26) {
      made = {act::cancel_layer};
    } else if (what < 34) {
      if (one_in(3)) return add_slow_peer();
      return add({act::clock, steps.at(pick(steps.size()))});
    } else if (what < 36) {
      return add({act::net_ends});
    } else if (what < 37) {
      return add({act::net_breaks});
    } else if (what < 39) {
      made = {act::destroy};
    } else {
      return add({act::destroy_loop});
    }
    made.inside = one_in(4);
    add(made);
  }

  // It takes something of what waits for room, now and then.
  void add_slow_peer() {
    add({act::net_room, 5'000, form::out});
    add({act::net_holds, 0, form::out});
    for (int turn = 0; turn != 3; ++turn) {
      add_verb();
      add({act::clock, 16'000});
      add({act::net_delivers, 1 + pick(4'000), form::out});
    }
  }
  std::uint64_t size() {
    switch (pick(8)) {
      case 0:
        return 0;
      case 1:
      case 2:
      case 3:
        return 1 + pick(200);
      case 4:
      case 5:
        return 16'382 + pick(5);
      case 6:
        return pick(40'000);
      default:
        return pick(102'400);
    }
  }
  way some_way() {
    constexpr std::array kinds{way::callback, way::callback,  way::callback,  way::strand,
                               way::strand,   way::coroutine, way::coroutine, way::future};
    return kinds.at(pick(kinds.size()));
  }
  void add(event const& one) { made_.events.push_back(one); }
  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
  bool one_in(std::size_t n) { return pick(n) == 0; }

  std::map<std::string, std::string> const& fixed_;
  std::mt19937_64 random_;
  script made_;
  bool is_disturbed_ = false;
  bool is_hostile_ = false;
  bool blocks_ = false;
  bool renegotiates_ = false;
};

}  // namespace

std::vector<known_trigger> const& known_triggers() {
  static std::vector<known_trigger> const all{
      {"renegotiation allowed: a few scripts in a thousand end otherwise than with OpenSSL, and "
       "it isn't known yet whose fault that is",
       [](script const& s) { return s.settings.contains("renegotiation"); },
       [](script& s) { s.settings.erase("renegotiation"); }}};
  return all;
}

script make_script(std::uint64_t seed, bool known, script const& fixed) {
  script made = maker(seed, fixed).make();
  for (known_trigger const& one : known_triggers()) {
    if (!known && one.meets(made)) one.avoid(made);
  }
  return made;
}

}  // namespace tls_async::test::model
