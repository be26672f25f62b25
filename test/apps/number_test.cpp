// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Numbers that people write, and what is said when they are none.
#include "serving/command_line.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace serving {
namespace {

std::string refusal(std::string_view text) {
  try {
    return std::to_string(parse_number(text, 1, 65'535, "the port"));
  } catch (usage_error const& error) {
    return error.what();
  }
}

BOOST_AUTO_TEST_SUITE(number)

BOOST_AUTO_TEST_CASE(is_taken_within_its_bounds) {
  BOOST_TEST(parse_number("1", 1, 65'535, "it") == 1);
  BOOST_TEST(parse_number("65535", 1, 65'535, "it") == 65'535);
  BOOST_TEST(parse_number("-3", -3, 5, "it") == -3);
}

BOOST_AUTO_TEST_CASE(is_refused_with_its_name_and_bounds_when_it_is_anything_else) {
  for (std::string const text : {"", "0", "65536", "131152", "-1", "+1", " 1", "1 ", "1x", "x",
                                 "1.5", "0x10", "4294967297", "18446744073709551617"})
    BOOST_TEST(refusal(text) ==
               "the port must be a number between 1 and 65535, not \"" + text + '"');
  BOOST_TEST(refusal(std::string_view("1\0", 2)).find("between 1 and 65535") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(of_a_port_follows_a_host) {
  auto const at = parse_host_and_port("[::1]:80", "--connect", 1);
  BOOST_TEST(at.host == "::1");
  BOOST_TEST(at.port == 80);
  BOOST_TEST(parse_host_and_port("localhost:0", "--listen", 0).port == 0);
  for (std::string const text :
       {"", "x", "x:", ":1", "x:0", "x:65536", "x:1y", "x:-1", "x:1/", "::1:1", "me@x:1"})
    BOOST_CHECK_THROW(parse_host_and_port(text, "--connect", 1), usage_error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace serving
