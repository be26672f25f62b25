// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Times in the three forms that HTTP has known.
#include "http_date.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace https_server {
namespace {

constexpr std::time_t example = 784'111'777;

BOOST_AUTO_TEST_SUITE(date)

BOOST_AUTO_TEST_CASE(is_written_in_the_preferred_form) {
  BOOST_TEST(http_date(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
}

BOOST_AUTO_TEST_CASE(of_now_is_the_time) {
  auto const before = std::time(nullptr);
  auto const now = parse_http_date(http_date_now()).value();
  BOOST_TEST(before <= now);
  BOOST_TEST(now <= std::time(nullptr));
}

BOOST_AUTO_TEST_CASE(is_read_in_all_three_forms) {
  for (std::string const text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                 "Sun Nov  6 08:49:37 1994"}) {
    BOOST_TEST_CONTEXT(text) {
      auto const time = parse_http_date(text);
      BOOST_TEST_REQUIRE(time.has_value());
      BOOST_TEST(*time == example);
    }
  }
}

BOOST_AUTO_TEST_CASE(is_nothing_when_it_is_none) {
  for (std::string const text :
       {"", "0", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "1994-11-06T08:49:37Z"})
    BOOST_TEST(!parse_http_date(text), "accepted: " << text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
