// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The walk where OpenSSL sends by the descriptor itself, as it does for kernel TLS.
#include <boost/test/data/test_case.hpp>

#include <algorithm>

#include "walk.hpp"

namespace tls_async::test {
namespace {

std::vector<scene> scenes_that_do_not_block(side_and_version const& of) {
  auto scenes = scenes_of(of.side, of.version);
  scenes.erase(std::remove_if(scenes.begin(), scenes.end(),
                              [](scene const& one) {
                                return one.negotiates == way::handshake ||
                                       one.negotiates == way::read || one.negotiates == way::write;
                              }),
               scenes.end());
  return scenes;
}

BOOST_AUTO_TEST_SUITE(hostile_descriptor)

BOOST_DATA_TEST_CASE(an_honest_peer_has_a_whole_session, all_sides, of) {
  for (scene const& where : scenes_that_do_not_block(of)) {
    auto const met = meet_on_descriptor(where, {});
    BOOST_TEST(met.complaint == "", describe(where) << ": " << met.complaint);
    BOOST_TEST(met.clean, describe(where) << ": " << met.first_error.message());
  }
}

BOOST_DATA_TEST_CASE(any_deed_at_any_point_is_no_success, all_sides, of) {
  walk meet("any deed at any point, on a descriptor", &meet_on_descriptor);
  auto const scenes = scenes_that_do_not_block(of);
  std::size_t points = 0;
  for (scene const& one : scenes)
    points = std::max(points, meet.points_of(one));
  std::size_t turn = 0;
  for (deed const& what : all_deeds()) {
    for (std::size_t point = 0; point != points; ++point) {
      scene where = scenes[++turn % scenes.size()];
      where.speed = turn % 2 == 0 ? pace::all_at_once : pace::record_by_record;
      deed_end const then = turn % 3 == 0   ? deed_end::goes_on
                            : turn % 3 == 1 ? deed_end::in_place_of_next
                                            : deed_end::end_of_transport;
      meet(where, {{&what, point, deed_keys::due, then}});
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
