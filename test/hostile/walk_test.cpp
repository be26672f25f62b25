// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Each deed at each point of a session, both sides, both versions: what a stream calls a success is
// one, what it has read was said, what it has written has left, and every verb completes.
#include <boost/test/data/test_case.hpp>

#include <array>

#include "walk.hpp"

namespace tls_async::test {
namespace {

constexpr std::array all_keys{deed_keys::due, deed_keys::none, deed_keys::wrong};
constexpr std::array all_ends{deed_end::goes_on, deed_end::in_place_of_next,
                              deed_end::end_of_transport};

BOOST_AUTO_TEST_SUITE(hostile_walk)

// What no stream may take for success in its handshake, in every scene.
BOOST_DATA_TEST_CASE(an_end_at_any_point_is_no_success_in_any_scene, all_sides, of) {
  walk meet("an end at any point");
  deed const& close_notify = deed_of("close_notify");
  rotation scenes(of);
  for (scene where : scenes.all()) {
    for (std::size_t point = 0; point != meet.points_of(where); ++point) {
      bool const is_even = point % 2 == 0;
      where.speed = is_even ? pace::all_at_once : pace::record_by_record;
      meet(where, {{&deed_of("nothing"), point, deed_keys::due, deed_end::end_of_transport}});
      meet(where, {{&close_notify, point}});
      meet(where, {{&close_notify, point, is_even ? deed_keys::none : deed_keys::wrong}});
    }
  }
}

BOOST_DATA_TEST_CASE(any_deed_at_any_point_is_no_success, all_sides, of) {
  walk meet("any deed at any point");
  rotation scenes(of);
  std::size_t const points = scenes.points(meet);
  std::size_t turn = 0;
  for (deed const& what : all_deeds()) {
    for (std::size_t point = 0; point != points; ++point) {
      for (deed_keys const under : all_keys) {
        if (under != deed_keys::due && what.how != deed::manner::sends_record) continue;
        meet(scenes.next(), {{&what, point, under, all_ends[++turn % all_ends.size()]}});
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(hostile_alerts)

BOOST_DATA_TEST_CASE(any_alert_is_no_success, all_sides, of) {
  walk meet("any alert");
  rotation scenes(of);
  std::size_t const points = scenes.points(meet);
  std::size_t turn = 0;
  for (int number = 0; number != 256; ++number) {
    for (int const level : {1, 2}) {
      deed const what = alert_of(level, number);
      meet(scenes.next(), {{&what, ++turn % points, all_keys[turn / points % all_keys.size()]}});
    }
  }
}

BOOST_DATA_TEST_CASE(an_alert_of_each_kind_at_any_point_is_no_success, all_sides, of) {
  walk meet("each kind of alert at any point");
  rotation scenes(of);
  std::size_t const points = scenes.points(meet);
  // RFC 8446 section 6, and those of earlier versions.
  for (int const number :
       {0,  10, 20, 21, 22, 30, 40, 41, 42,  43,  44,  45,  46,  47,  48,  49,
        50, 51, 60, 70, 71, 80, 86, 90, 100, 109, 110, 112, 113, 115, 116, 120}) {
    for (std::size_t point = 0; point != points; ++point) {
      deed const what =
          alert_of(1 + static_cast<int>(point + static_cast<std::size_t>(number)) % 2, number);
      meet(scenes.next(), {{&what, point}});
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(hostile_cuts)

BOOST_DATA_TEST_CASE(a_session_cut_in_any_record_is_no_success, all_sides, of) {
  walk meet("cut in any record");
  rotation scenes(of);
  std::size_t const points = scenes.points(meet);
  deed const& what = deed_of("the next");
  for (std::size_t point = 0; point != points; ++point) {
    std::size_t turn = 0;
    // Until all of the record is sent.
    for (std::size_t cut = 0; cut < 3'000; cut += cut < 32 ? 1 : 11 + ++turn % 3) {
      auto const met =
          meet(scenes.next(), {{&what, point, deed_keys::due, deed_end::goes_on, cut}});
      if (met.clean && met.deeds_done != 0) break;
    }
  }
}

BOOST_DATA_TEST_CASE(a_deed_cut_at_any_byte_is_no_success, all_sides, of) {
  walk meet("cut deeds");
  rotation scenes(of);
  std::size_t const points = scenes.points(meet);
  for (std::string_view const name : {"close_notify", "a ticket"}) {
    deed const& what = deed_of(name);
    for (std::size_t point = 0; point != points; ++point) {
      for (deed_keys const under : all_keys) {
        std::size_t const longest = under == deed_keys::none ? 7 : 31;
        // All of the first in all places, of the others the half.
        std::size_t const step = name == "close_notify" ? 1 : 2;
        for (std::size_t cut = 1 + point % step; cut < longest; cut += step)
          meet(scenes.next(), {{&what, point, under, deed_end::goes_on, cut}});
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(hostile_identities)

BOOST_DATA_TEST_CASE(a_peer_that_is_not_to_be_trusted_gets_in_by_no_deed, all_sides, of) {
  walk meet("not to be trusted");
  rotation scenes(of);
  std::size_t turn = 0;
  for (scene where : scenes.all()) {
    for (who const peer : {who::of_another, who::untrusted}) {
      where.peer = peer;
      if (is_acceptable(where)) continue;
      for (std::size_t point = 0; point != meet.points_of(where); ++point) {
        for (std::string_view const name :
             {"nothing", "close_notify", "Finished of zeros", "an empty certificate"}) {
          where.speed = ++turn % 2 == 0 ? pace::all_at_once : pace::record_by_record;
          if (turn % 3 == 0) continue;
          deed const& what = deed_of(name);
          deed_end const then =
              name == "nothing" ? deed_end::in_place_of_next : all_ends[turn / 2 % 2];
          meet(where, {{&what, point, all_keys[turn / 4 % 2], then}});
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
