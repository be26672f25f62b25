// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Each condition alone, and which of two comes first.
#include "preconditions.hpp"

#include "http_date.hpp"

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>
#include <vector>

namespace https_server {

std::ostream& operator<<(std::ostream& out, precondition verdict) {
  return out << (verdict == precondition::met            ? "met"
                 : verdict == precondition::not_modified ? "not_modified"
                                                         : "failed");
}

namespace {

using http::field;
using enum precondition;

constexpr std::time_t modified = 784'111'777;
validators const current{"\"a,b\"", modified};

std::string const before = http_date(modified - 1);
std::string const then = http_date(modified);
std::string const later = http_date(modified + 1);

struct condition {
  field name;
  std::string value;
};

http::request_header<> request(std::vector<condition> const& conditions) {
  http::request_header<> made;
  for (auto const& [name, value] : conditions)
    made.insert(name, value);
  return made;
}

precondition verdict(std::vector<condition> const& conditions) {
  return judge(request(conditions), current);
}

BOOST_AUTO_TEST_SUITE(preconditions)

BOOST_AUTO_TEST_CASE(are_met_when_there_are_none) { BOOST_TEST(verdict({}) == met); }

BOOST_AUTO_TEST_CASE(if_none_match_compares_weakly) {
  for (auto const* list : {"\"a,b\"", "W/\"a,b\"", "*", "\"x\", \"a,b\"", "\"x\",W/\"a,b\",\"y\"",
                           ",, \"a,b\"", "\"\"\t,\"a,b\""})
    BOOST_TEST(verdict({{field::if_none_match, list}}) == not_modified, list);
  for (auto const* list :
       {"\"x\"", "\"a\", \"b\"", "a,b", "", "\"a,b", "x \"a,b\"", "w/\"a,b\"", "\"*\""})
    BOOST_TEST(verdict({{field::if_none_match, list}}) == met, list);
}

BOOST_AUTO_TEST_CASE(if_match_compares_strongly) {
  for (auto const* list : {"\"a,b\"", "*", "\"x\", \"a,b\"", "W/\"a,b\", \"a,b\""})
    BOOST_TEST(verdict({{field::if_match, list}}) == met, list);
  for (auto const* list : {"\"x\"", "W/\"a,b\"", "a,b", "", "\"a\", \"b\""})
    BOOST_TEST(verdict({{field::if_match, list}}) == failed, list);
}

BOOST_AUTO_TEST_CASE(lists_may_be_spread_over_several_fields) {
  BOOST_TEST(verdict({{field::if_none_match, "\"x\""}, {field::if_none_match, "\"a,b\""}}) ==
             not_modified);
  BOOST_TEST(verdict({{field::if_match, "\"x\""}, {field::if_match, "\"a,b\""}}) == met);
}

BOOST_AUTO_TEST_CASE(times_are_compared_by_the_second) {
  BOOST_TEST(verdict({{field::if_modified_since, before}}) == met);
  BOOST_TEST(verdict({{field::if_modified_since, then}}) == not_modified);
  BOOST_TEST(verdict({{field::if_modified_since, later}}) == not_modified);
  BOOST_TEST(verdict({{field::if_unmodified_since, before}}) == failed);
  BOOST_TEST(verdict({{field::if_unmodified_since, then}}) == met);
  BOOST_TEST(verdict({{field::if_unmodified_since, later}}) == met);
}

BOOST_AUTO_TEST_CASE(what_is_no_single_time_is_ignored) {
  for (auto const name : {field::if_modified_since, field::if_unmodified_since}) {
    BOOST_TEST(verdict({{name, "yesterday"}}) == met);
    BOOST_TEST(verdict({{name, ""}}) == met);
    BOOST_TEST(verdict({{name, before}, {name, later}}) == met);
  }
}

BOOST_AUTO_TEST_CASE(tags_come_before_times) {
  BOOST_TEST(verdict({{field::if_none_match, "\"x\""}, {field::if_modified_since, later}}) == met);
  BOOST_TEST(verdict({{field::if_none_match, "\"a,b\""}, {field::if_modified_since, before}}) ==
             not_modified);
  BOOST_TEST(verdict({{field::if_match, "\"a,b\""}, {field::if_unmodified_since, before}}) == met);
  BOOST_TEST(verdict({{field::if_match, "\"x\""}, {field::if_unmodified_since, later}}) == failed);
}

BOOST_AUTO_TEST_CASE(a_failed_one_comes_before_a_good_copy) {
  BOOST_TEST(verdict({{field::if_match, "\"x\""}, {field::if_none_match, "\"a,b\""}}) == failed);
  BOOST_TEST(verdict({{field::if_unmodified_since, before}, {field::if_none_match, "\"a,b\""}}) ==
             failed);
  BOOST_TEST(verdict({{field::if_match, "*"}, {field::if_none_match, "*"}}) == not_modified);
  BOOST_TEST(verdict({{field::if_unmodified_since, then}, {field::if_modified_since, then}}) ==
             not_modified);
}

BOOST_AUTO_TEST_CASE(a_range_needs_the_very_same_version) {
  BOOST_TEST(allows_range(request({}), current));
  BOOST_TEST(allows_range(request({{field::if_range, "\"a,b\""}}), current));
  for (auto const& value : {std::string("\"x\""), std::string("W/\"a,b\""), std::string("*"), then})
    BOOST_TEST(!allows_range(request({{field::if_range, value}}), current), value);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
