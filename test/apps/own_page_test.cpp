// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The page for one connection.
#include "own_page.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace https_server {
namespace {

tls_async::session_info const example{"TLSv1.3",   "SUITE", "x25519", "http/1.1",
                                      "localhost", "CN=a",  true};

BOOST_AUTO_TEST_SUITE(own_page_of_a_connection)

BOOST_AUTO_TEST_CASE(has_every_fact_in_its_place) {
  BOOST_TEST(own_page("{{version}}, {{suite}}, {{group}}, {{alpn}}, {{name}}, {{subject}}, "
                      "{{resumed}}.",
                      example) == "TLSv1.3, SUITE, x25519, http/1.1, localhost, CN=a, yes.");
}

BOOST_AUTO_TEST_CASE(says_where_there_is_none) {
  BOOST_TEST(own_page("{{alpn}} {{name}} {{resumed}}", {}) == "none none no");
}

BOOST_AUTO_TEST_CASE(escapes_what_a_client_sent) {
  tls_async::session_info session;
  session.server_name = "<b>&\"{{suite}}";
  BOOST_TEST(own_page("{{name}}", session) == "&lt;b&gt;&amp;&quot;{{suite}}");
}

BOOST_AUTO_TEST_CASE(keeps_all_else_as_it_is) {
  for (std::string const text : {"", "a } {b} }}", "${x}", "{ {version}}"})
    BOOST_TEST(own_page(text, example) == text);
}

BOOST_AUTO_TEST_CASE(names_only_facts_that_there_are) {
  tls_async::session_info const same{"#", "#", "#", "#", "#", "#", false};
  auto const page = own_page(page_source, same);
  std::size_t facts = 0;
  for (auto at = page.find("<td>#</td>"); at != std::string::npos;
       at = page.find("<td>#</td>", at + 1))
    ++facts;
  BOOST_TEST(facts == 6u);
  BOOST_TEST(page.find("<td>no</td>") != std::string::npos);
  BOOST_TEST(page.find("<td></td>") == std::string::npos);
  BOOST_TEST(page.find("</html>") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
