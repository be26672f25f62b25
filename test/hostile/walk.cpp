// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "walk.hpp"

#include <boost/test/unit_test.hpp>

#include <iostream>

namespace tls_async::test {
namespace {

// A sanitizer takes ten times as long for each.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t one_in = 3;
#else
constexpr std::size_t one_in = 1;
#endif

}  // namespace

walk::~walk() {
  std::size_t points = 0;
  std::set<std::pair<role, int>> sides;
  for (auto const& [of, count] : points_) {
    points = std::max(points, count);
    sides.emplace(std::get<0>(of), std::get<1>(of));
  }
  std::set<way> ways;
  for (auto const& one : tried_)
    ways.insert(std::get<4>(one));
  std::size_t const all = sides.size() * points * deeds_.size() * ways.size();
  std::cout << name_ << ": " << sessions_ << " sessions, " << established_ << " established, "
            << clean_ << " to a clean end, " << not_reached_ << " over before the deed; of "
            << sides.size() << " sides and versions x up to " << points << " points x "
            << deeds_.size() << " deeds x " << ways.size() << " ways, " << tried_.size() << " of "
            << all << " tried; " << complaints_ << " complaints" << std::endl;
}

outcome walk::operator()(scene const& where, std::vector<placed_deed> const& plan,
                         std::string const& note) {
  if (one_in != 1 && chosen_() % one_in != 0) return {};
  auto const met = meet_(where, plan);
  ++sessions_;
  established_ += met.established ? 1 : 0;
  clean_ += met.clean ? 1 : 0;
  not_reached_ += met.deeds_done < plan.size() ? 1 : 0;
  for (std::size_t i = 0; i != met.deeds_done; ++i) {
    deeds_.insert(plan[i].what->name);
    tried_.emplace(where.side, where.version, plan[i].point, plan[i].what->name, where.negotiates);
  }
  if (met.complaint.empty()) return met;
  constexpr std::size_t enough = 100000;
  if (++complaints_ > enough) return met;
  std::string text = note + describe(where);
  for (placed_deed const& deed : plan)
    text += "; " + describe(deed);
  BOOST_ERROR(text + ": " + met.complaint);
  return met;
}

std::size_t walk::points_of(scene const& where) {
  auto const key = std::tuple(where.side, where.version, where.trusts);
  auto const found = points_.find(key);
  if (found != points_.end()) return found->second;
  scene honest = where;
  honest.peer = who::known;
  auto const points = meet_(honest, {}).points + 1;
  points_.emplace(key, points);
  return points;
}

std::vector<scene> scenes_of(role side, int version) {
  std::vector<scene> found;
  for (scene const& one : all_scenes()) {
    if (one.side == side && one.version == version) found.push_back(one);
  }
  return found;
}

}  // namespace tls_async::test
