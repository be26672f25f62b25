// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The lines of the log, and that a client cannot write any of its own.
#include "serving/access_log.hpp"

#include "request_record.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <sstream>
#include <string>

namespace https_server {
namespace {

using serving::access_log;

request_record example() {
  return {"127.0.0.1:40100", "GET", "/a", 200, 1234, std::chrono::microseconds(312), {}};
}

BOOST_AUTO_TEST_SUITE(access_log_line)

BOOST_AUTO_TEST_CASE(has_all_that_is_known_of_a_request) {
  BOOST_TEST(line(example()) == "127.0.0.1:40100 GET /a 200 1234 0.000312s");
}

BOOST_AUTO_TEST_CASE(says_why_a_response_is_not_whole) {
  auto record = example();
  record.incident = "Broken pipe";
  BOOST_TEST(line(record) == "127.0.0.1:40100 GET /a 200 1234 0.000312s cut short: Broken pipe");
}

BOOST_AUTO_TEST_CASE(has_dashes_for_a_request_that_could_not_be_read) {
  BOOST_TEST(line({"[::1]:1", "", "", 400, 16, {}, {}}) == "[::1]:1 - - 400 16 0.000000s");
}

BOOST_AUTO_TEST_CASE(escapes_what_a_client_sent) {
  auto record = example();
  record.target = "/\x1b[2J\r\n127.0.0.1 GET /fake\\\xc3\xa4\x7f";
  BOOST_TEST(line(record) ==
             "127.0.0.1:40100 GET /\\x1B[2J\\x0D\\x0A127.0.0.1 GET /fake\\x5C\\xC3\\xA4\\x7F 200 "
             "1234 0.000312s");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(access_log_stream)

BOOST_AUTO_TEST_CASE(gets_one_line_with_the_time_for_each_request) {
  std::ostringstream out;
  access_log log{out, access_log::accesses::logged};
  log.access(example());
  auto const text = out.str();
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 1);
  BOOST_TEST(text.find("Z 127.0.0.1:40100 GET /a") ==
             std::string("2030-01-31T12:00:00.123").size());
}

BOOST_AUTO_TEST_CASE(gets_incidents_also_when_requests_are_not_wanted) {
  std::ostringstream out;
  access_log log{out, access_log::accesses::quiet};
  log.access(example());
  BOOST_TEST(out.str().empty());
  log.incident("127.0.0.1:40100", "handshake failed:\nhttp request");
  BOOST_TEST(out.str().ends_with("Z 127.0.0.1:40100: handshake failed:\\x0Ahttp request\n"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
