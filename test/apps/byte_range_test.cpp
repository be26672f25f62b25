// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Every kind of Range header against files of every relevant size.
#include "byte_range.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace https_server {
namespace {

range_choice const unsatisfiable{range_verdict::unsatisfiable, {}};

range_choice whole(std::uint64_t size) { return {range_verdict::whole, {0, size}}; }

range_choice part(std::uint64_t offset, std::uint64_t length) {
  return {range_verdict::part, {offset, length}};
}

BOOST_AUTO_TEST_SUITE(byte_range)

BOOST_AUTO_TEST_CASE(a_first_and_a_last_position_are_a_part) {
  BOOST_TEST((choose_range("bytes=0-0", 10) == part(0, 1)));
  BOOST_TEST((choose_range("bytes=2-5", 10) == part(2, 4)));
  BOOST_TEST((choose_range("bytes=0-9", 10) == part(0, 10)));
  BOOST_TEST((choose_range("BYTES= 2-5 ", 10) == part(2, 4)));
}

BOOST_AUTO_TEST_CASE(a_last_position_beyond_the_end_is_cut_to_the_end) {
  BOOST_TEST((choose_range("bytes=2-10", 10) == part(2, 8)));
  BOOST_TEST((choose_range("bytes=2-18446744073709551615", 10) == part(2, 8)));
  BOOST_TEST((choose_range("bytes=2-99999999999999999999999", 10) == part(2, 8)));
}

BOOST_AUTO_TEST_CASE(an_open_range_reaches_to_the_end) {
  BOOST_TEST((choose_range("bytes=0-", 10) == part(0, 10)));
  BOOST_TEST((choose_range("bytes=9-", 10) == part(9, 1)));
}

BOOST_AUTO_TEST_CASE(a_suffix_is_counted_from_the_end) {
  BOOST_TEST((choose_range("bytes=-1", 10) == part(9, 1)));
  BOOST_TEST((choose_range("bytes=-10", 10) == part(0, 10)));
  BOOST_TEST((choose_range("bytes=-11", 10) == part(0, 10)));
  BOOST_TEST((choose_range("bytes=-99999999999999999999999", 10) == part(0, 10)));
}

BOOST_AUTO_TEST_CASE(a_range_that_begins_beyond_the_end_is_unsatisfiable) {
  BOOST_TEST((choose_range("bytes=10-", 10) == unsatisfiable));
  BOOST_TEST((choose_range("bytes=10-20", 10) == unsatisfiable));
  BOOST_TEST((choose_range("bytes=99999999999999999999999-", 10) == unsatisfiable));
  BOOST_TEST((choose_range("bytes=0-", 0) == unsatisfiable));
  BOOST_TEST((choose_range("bytes=0-0", 0) == unsatisfiable));
}

BOOST_AUTO_TEST_CASE(a_suffix_of_nothing_is_unsatisfiable) {
  BOOST_TEST((choose_range("bytes=-0", 10) == unsatisfiable));
  BOOST_TEST((choose_range("bytes=-0", 0) == unsatisfiable));
}

BOOST_AUTO_TEST_CASE(a_suffix_of_an_empty_file_is_the_whole_file) {
  BOOST_TEST((choose_range("bytes=-5", 0) == whole(0)));
}

BOOST_AUTO_TEST_CASE(a_header_that_is_not_one_valid_range_is_ignored) {
  for (std::string const header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5", "bytes=a-b", "bytes=1-b", "bytes=5-2",
        "bytes=--1", "bytes=1--2", "bytes=+1-2", "bytes=0x1-2", "bytes=1 - 2", "lines=1-2", "1-2",
        "bytes =1-2"}) {
    BOOST_TEST_CONTEXT("Range: " << header) { BOOST_TEST((choose_range(header, 10) == whole(10))); }
  }
}

BOOST_AUTO_TEST_CASE(several_ranges_are_answered_with_the_whole_file) {
  BOOST_TEST((choose_range("bytes=0-1,3-4", 10) == whole(10)));
  BOOST_TEST((choose_range("bytes=0-1, -1", 10) == whole(10)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
