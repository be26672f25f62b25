// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Numbers and addresses that people write, and what is said when they are none.
#include "serving/command_line.hpp"

#include <boost/test/unit_test.hpp>

#include <sstream>
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

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(address)

std::string listen_at(std::string_view text) {
  std::ostringstream out;
  out << parse_endpoint(text);
  return out.str();
}

BOOST_AUTO_TEST_CASE(to_listen_on_is_a_port_with_an_address_or_without) {
  BOOST_TEST(listen_at("0.0.0.0:65535") == "0.0.0.0:65535");
  BOOST_TEST(listen_at("[::1]:8443") == "[::1]:8443");
  BOOST_TEST(listen_at("[::]:0") == "[::]:0");
  BOOST_TEST(listen_at("localhost:8443") == "127.0.0.1:8443");
  for (auto const* text : {"127.0.0.1:8443", ":8443", "8443"})
    BOOST_TEST(listen_at(text) == "127.0.0.1:8443");
}

BOOST_AUTO_TEST_CASE(to_listen_on_is_refused_with_what_to_write_instead) {
  for (std::string const text : {"",
                                 ":",
                                 "127.0.0.1",
                                 "127.0.0.1:",
                                 "localhost",
                                 "[::1]",
                                 "::1:8443",
                                 "[127.0.0.1]:80",
                                 "[::1:80",
                                 "a b:80",
                                 " :80",
                                 " localhost:80",
                                 "me@localhost:80",
                                 "http://localhost:80",
                                 "localhost:80/",
                                 "127.0.0.1: 80",
                                 "127.0.0.1:80a",
                                 "127.0.0.1:-1",
                                 "127.0.0.1:65536",
                                 "65536",
                                 ":65536",
                                 "99999999999999999999",
                                 "-1",
                                 "\xc3\xa4:80",
                                 "a%20b:80"}) {
    BOOST_TEST_CONTEXT(text) {
      try {
        parse_endpoint(text, "--admin");
        BOOST_ERROR("accepted");
      } catch (usage_error const& error) {
        std::string const says = error.what();
        BOOST_TEST(says.find("--admin") != says.npos, says);
        BOOST_TEST(
            (says.find("[::1]:8443") != says.npos || says.find("between 0 and 65535") != says.npos),
            says);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(to_connect_to_is_a_host_and_a_port) {
  auto const at = parse_host_and_port("[::1]:80", "--connect");
  BOOST_TEST(at.host == "::1");
  BOOST_TEST(at.port == 80);
  BOOST_TEST(parse_host_and_port("a-b.example:1", "--connect").host == "a-b.example");
  for (std::string const text : {"", "x", "x:", ":1", "1", "x:0", "x:65536", "x:1y", "x:-1", "x:1/",
                                 "::1:1", "me@x:1", "x y:1"})
    BOOST_CHECK_THROW(parse_host_and_port(text, "--connect"), usage_error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace serving
