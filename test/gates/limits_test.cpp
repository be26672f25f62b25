// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The parts of the gates that are values by themselves: record sizes, the peer's KeyUpdates, and
// the deadlines.
#include <tls_async/core/record.hpp>
#include <tls_async/gates/deadlines.hpp>
#include <tls_async/gates/key_update_limit.hpp>
#include <tls_async/gates/record_sizer.hpp>

#include <boost/test/unit_test.hpp>

namespace tls_async::test {
namespace {

using namespace std::chrono_literals;

detail::time_point moment{1'000h};
detail::time_point now() { return moment; }

BOOST_AUTO_TEST_SUITE(limits)

BOOST_AUTO_TEST_CASE(records_are_small_at_first_and_again_after_a_pause) {
  stream_options options;
  options.small_record_bytes = 1'300;
  options.small_records_until = 10'000;
  options.small_records_after = 1s;
  detail::record_sizer sizer;
  BOOST_TEST(sizer.limit(options, 0, &now) == 1'300U);
  BOOST_TEST(sizer.limit(options, 9'999, &now) == 1'300U);
  BOOST_TEST(sizer.limit(options, 10'000, &now) == max_record_plaintext);
  moment += 999ms;
  BOOST_TEST(sizer.limit(options, 20'000, &now) == max_record_plaintext);
  moment += 1s;
  BOOST_TEST(sizer.limit(options, 20'000, &now) == 1'300U);
  BOOST_TEST(sizer.limit(options, 30'000, &now) == max_record_plaintext);
}

BOOST_AUTO_TEST_CASE(key_updates_come_in_bursts_and_at_a_rate) {
  stream_options options;
  options.most_key_updates_in_a_row = 32;
  options.most_key_updates_per_second = 10;
  detail::key_update_limit limit;
  BOOST_TEST(limit.allowed(options, 0, &now) == 32U);
  BOOST_TEST(limit.allowed(options, 30, &now) == 32U);  // earned long ago
  BOOST_TEST(limit.allowed(options, 60, &now) == 2U);
  moment += 500ms;
  BOOST_TEST(limit.allowed(options, 60, &now) == 7U);
  moment += 1h;
  BOOST_TEST(limit.allowed(options, 60, &now) == 32U);
}

BOOST_AUTO_TEST_CASE(timer_is_set_once_for_deadlines_that_are_later) {
  detail::deadlines deadlines;
  BOOST_TEST((deadlines.take_change() == detail::never));
  deadlines.add(moment + 2s);
  BOOST_TEST((deadlines.take_change() == moment + 2s));
  deadlines.add(moment + 3s);
  BOOST_TEST((deadlines.take_change() == detail::never));
  deadlines.add(moment + 1s);
  BOOST_TEST((deadlines.take_change() == moment + 1s));
  BOOST_TEST(deadlines.clear());
  BOOST_TEST(!deadlines.clear());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
