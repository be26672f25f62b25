// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Many trials, and what they have covered: at its end a walk says in one line what was tried, and
// how much of that never.
#pragma once

#include <boost/test/data/monomorphic.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <tls_async_test/deeds.hpp>
#include "trial.hpp"

namespace tls_async::test {

class walk {
public:
  using meeting = outcome (*)(scene const&, std::vector<placed_deed> const&);

  explicit walk(std::string name, meeting meet = &meet_in_memory)
      : name_(std::move(name)), meet_(meet) {}
  walk(walk const&) = delete;
  walk& operator=(walk const&) = delete;
  ~walk();

  /// One trial, which must have no complaint. `note` is said when it has. With a sanitizer only one
  /// in three is made, by lot, since deeds and scenes go round in threes.
  outcome operator()(scene const& where, std::vector<placed_deed> const& plan,
                     std::string const& note = {});
  /// Points of an honest session, the one behind its end included.
  std::size_t points_of(scene const& where);

private:
  std::string name_;
  meeting meet_;
  std::map<std::tuple<role, int, trust>, std::size_t> points_;
  // Side, version, point, deed, way.
  std::set<std::tuple<role, int, std::size_t, std::string, way>> tried_;
  std::set<std::string> deeds_;
  std::minstd_rand chosen_;
  std::size_t sessions_ = 0, established_ = 0, clean_ = 0, not_reached_ = 0, complaints_ = 0;
};

/// Those of a side and a version, in one order.
std::vector<scene> scenes_of(role side, int version);

struct side_and_version {
  role side;
  int version;
};
inline std::ostream& operator<<(std::ostream& out, side_and_version const& shown) {
  return out << (shown.side == role::client ? "client" : "server") << " of TLS 1."
             << (shown.version == TLS1_3_VERSION ? 3 : 2);
}
inline auto const all_sides = boost::unit_test::data::make(
    {side_and_version{role::client, TLS1_2_VERSION}, side_and_version{role::client, TLS1_3_VERSION},
     side_and_version{role::server, TLS1_2_VERSION},
     side_and_version{role::server, TLS1_3_VERSION}});

// Goes round the scenes and paces, so that each deed meets each of them at some point.
class rotation {
public:
  explicit rotation(side_and_version const& of) : scenes_(scenes_of(of.side, of.version)) {}
  scene const& next() {
    scene& one = scenes_[turn_ % scenes_.size()];
    one.speed = ++turn_ % 2 == 0 ? pace::all_at_once : pace::record_by_record;
    return one;
  }
  [[nodiscard]] std::vector<scene> const& all() const { return scenes_; }
  std::size_t points(walk& on) {
    std::size_t most = 0;
    for (scene const& one : scenes_)
      most = std::max(most, on.points_of(one));
    return most;
  }

private:
  std::vector<scene> scenes_;
  std::size_t turn_ = 0;
};

}  // namespace tls_async::test
