// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The Content-Type that a name gives.
#include "media_type.hpp"

#include <boost/test/unit_test.hpp>

namespace https_server {
namespace {

BOOST_AUTO_TEST_SUITE(media_type_of_a_name)

BOOST_AUTO_TEST_CASE(is_found_by_the_last_extension_in_any_case) {
  BOOST_TEST(media_type("index.html") == "text/html; charset=utf-8");
  BOOST_TEST(media_type("PHOTO.JPG") == "image/jpeg");
  BOOST_TEST(media_type("a.html.png") == "image/png");
}

BOOST_AUTO_TEST_CASE(is_bytes_without_a_known_extension) {
  for (auto const* name : {"", "html", "README", "a.unknown", "a.html~", "a."})
    BOOST_TEST(media_type(name) == "application/octet-stream");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
