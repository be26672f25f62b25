// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The library's own error codes.
#include <tls_async/error.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

namespace tls_async::test {
namespace {

BOOST_AUTO_TEST_SUITE(errc_)

BOOST_AUTO_TEST_CASE(every_code_has_a_sentence_of_its_own) {
  std::set<std::string> seen;
  for (int value = 1; value <= static_cast<int>(errc::not_verified); ++value) {
    auto const message = make_error_code(static_cast<errc>(value)).message();
    BOOST_TEST(seen.insert(message).second, message);
    BOOST_TEST(message.ends_with('.'), message);
    BOOST_TEST(message.find("unknown to this version") == std::string::npos, message);
  }
}

BOOST_AUTO_TEST_CASE(unknown_code_has_a_message_too) {
  boost::system::error_code const unknown{9999, errc_category()};
  BOOST_TEST(unknown.message().find("unknown to this version") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(code_converts_to_an_error_code_of_the_category) {
  boost::system::error_code const code = errc::no_host_name;
  BOOST_TEST(code.category().name() == std::string{"tls_async"});
  BOOST_TEST((code == errc::no_host_name));
  BOOST_TEST((code != errc::no_role));
  BOOST_TEST(code.failed());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
