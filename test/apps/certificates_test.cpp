// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What is told of the files of a certificate.
#include "serving/certificates.hpp"
#include "serving/live_context.hpp"
#include "serving/server_log.hpp"

#include "temporary_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

namespace https_server {
namespace {

int lines_of(std::filesystem::path const& file, std::string_view text) {
  int count = 0;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);)
    count += line.find(text) != line.npos ? 1 : 0;
  return count;
}

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

BOOST_AUTO_TEST_CASE(is_repeated_as_long_as_the_certificate_is_in_use) {
  temporary_directory const place;
  auto const file = place.path() / "log";
  serving::server_log log(serving::log_options{.file = file});
  serving::live_context live(
      [] {
        return serving::made_context{
            .context = std::make_shared<tls_async::context>(tls_async::context::role::server),
            .ends = {{"old.pem", std::chrono::system_clock::time_point{}}},
            .keys = {}};
      },
      {}, log);
  boost::asio::io_context io;
  live.watch(io.get_executor(), std::chrono::milliseconds(1));
  while (lines_of(file, "\"old.pem\" has expired") < 3)
    BOOST_TEST_REQUIRE(io.run_one() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
