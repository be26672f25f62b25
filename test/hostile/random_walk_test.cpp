// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One to four deeds in one session, by seed.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>

#include "walk.hpp"

namespace tls_async::test {
namespace {

constexpr unsigned seeds = 4'000;

struct plan_of_seed {
  scene where;
  std::vector<placed_deed> deeds;
};

plan_of_seed make_plan(unsigned seed) {
  std::mt19937 random(seed);
  auto const below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  static std::vector<scene> const scenes = all_scenes();
  plan_of_seed made;
  made.where = scenes[below(scenes.size())];
  made.where.speed = below(2) == 0 ? pace::all_at_once : pace::record_by_record;
  if (below(4) == 0) made.where.peer = below(2) == 0 ? who::of_another : who::untrusted;
  auto const& deeds = all_deeds();
  for (std::size_t n = 1 + below(4); n != 0; --n) {
    placed_deed one{&deeds[below(deeds.size())], below(16)};
    // Mostly what is heard.
    if (below(4) == 0) one.under = below(2) == 0 ? deed_keys::none : deed_keys::wrong;
    if (below(4) == 0)
      one.then = below(3) == 0 ? deed_end::end_of_transport : deed_end::in_place_of_next;
    if (below(8) == 0) one.cut = below(60);
    made.deeds.push_back(one);
  }
  std::stable_sort(made.deeds.begin(), made.deeds.end(),
                   [](placed_deed const& a, placed_deed const& b) { return a.point < b.point; });
  return made;
}

BOOST_AUTO_TEST_SUITE(hostile_random_walk)

BOOST_AUTO_TEST_CASE(several_deeds_by_seed_are_no_success) {
  walk meet("several deeds by seed");
  for (unsigned seed = 0; seed != seeds; ++seed) {
    auto const made = make_plan(seed);
    (void)meet.points_of(made.where);
    meet(made.where, made.deeds, "seed " + std::to_string(seed) + ": ");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
