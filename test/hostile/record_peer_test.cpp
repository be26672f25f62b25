// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The peer of these tests itself: what it does is understood where it is allowed.
#include <boost/test/unit_test.hpp>

#include <tls_async_test/deeds.hpp>
#include "trial.hpp"

namespace tls_async::test {
namespace {

BOOST_AUTO_TEST_SUITE(record_peer_itself)

BOOST_AUTO_TEST_CASE(an_honest_peer_has_a_whole_session_in_each_scene) {
  for (scene where : all_scenes()) {
    for (pace const speed : {pace::record_by_record, pace::all_at_once}) {
      where.speed = speed;
      auto const met = meet_in_memory(where, {});
      BOOST_TEST(met.complaint == "", describe(where) << ": " << met.complaint);
      BOOST_TEST(met.clean, describe(where) << ": " << met.first_error.message());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
