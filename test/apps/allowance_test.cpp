// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a peer may send that leads to nothing.
#include "http2/allowance.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace http2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct from_now {
  allowance left;
  allowance::clock::time_point const now = allowance::clock::now();
};

BOOST_FIXTURE_TEST_SUITE(allowance_of_a_peer, from_now)

BOOST_AUTO_TEST_CASE(is_spent_beyond_its_last_byte) {
  left.spend(allowance::most, now);
  BOOST_TEST(!left.is_spent());
  left.spend(1, now);
  BOOST_TEST(left.is_spent());
}

BOOST_AUTO_TEST_CASE(comes_back_with_what_leads_to_something) {
  left.spend(allowance::most, now);
  left.give_back(10);
  left.spend(10, now);
  BOOST_TEST(!left.is_spent());
  left.spend(1, now);
  BOOST_TEST(left.is_spent());
}

BOOST_AUTO_TEST_CASE(comes_back_with_time_however_often_one_looks) {
  left.spend(allowance::most, now);
  for (int i = 1; i <= 10'000; ++i)
    left.spend(0, now + std::chrono::microseconds(100 * i));
  left.spend(allowance::each_second, now + seconds(1));
  BOOST_TEST(!left.is_spent());
  left.spend(100, now + seconds(1));
  BOOST_TEST(left.is_spent());
}

BOOST_AUTO_TEST_CASE(is_never_more_than_at_first) {
  left.give_back(1000);
  left.spend(allowance::most + 1, now + std::chrono::hours(24 * 365));
  BOOST_TEST(left.is_spent());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace http2
