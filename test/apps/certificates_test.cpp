// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What is told of the files of a certificate.
#include "serving/certificates.hpp"

#include "temporary_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace https_server {
namespace {

BOOST_AUTO_TEST_SUITE(complaint)

BOOST_AUTO_TEST_CASE(is_made_of_a_certificate_that_has_expired_or_will_within_14_days) {
  using namespace std::chrono_literals;
  auto const now = std::chrono::system_clock::from_time_t(1'900'000'000);
  auto const of = [&](std::chrono::seconds left) {
    return serving::complaint_about({"a.pem", now + left}, now);
  };
  auto const renew = std::string("; renew it");
  BOOST_TEST(of(14 * 24h).empty());
  BOOST_TEST(of(14 * 24h - 1s) == "the certificate \"a.pem\" expires in 13 days" + renew);
  BOOST_TEST(of(25h) == "the certificate \"a.pem\" expires in 1 day" + renew);
  BOOST_TEST(of(1s) == "the certificate \"a.pem\" expires within a day" + renew);
  for (auto const left : {std::chrono::seconds(0), std::chrono::seconds(-48h)})
    BOOST_TEST(of(left) == "the certificate \"a.pem\" has expired, so clients refuse it" + renew);
}

BOOST_AUTO_TEST_CASE(is_made_of_a_key_that_every_user_can_read) {
  temporary_directory const place;
  auto const key = place.write("key", "");
  using std::filesystem::perms;
  std::filesystem::permissions(key, perms{0644});
  BOOST_TEST(serving::complaint_about_key(key).ends_with("chmod it to 600"));
  for (unsigned const mode : {0600u, 0640u}) {
    std::filesystem::permissions(key, perms{mode});
    BOOST_TEST(serving::complaint_about_key(key).empty());
  }
  BOOST_TEST(serving::complaint_about_key(place.path() / "none").empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
