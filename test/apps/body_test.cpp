// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Bodies of all kinds, in parts of all sizes.
#include "body.hpp"

#include "temporary_directory.hpp"

#include <boost/beast/http/verb.hpp>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace https_server {
namespace {

std::string in_parts(reply const& of, std::size_t most) {
  std::string all;
  std::string part(most, '-');
  for (body source{of}; source.left() != 0;) {
    auto const size = source.read(part.data(), most);
    BOOST_TEST_REQUIRE((size > 0 && size <= most));
    all.append(part, 0, size);
  }
  return all;
}

reply ask(static_files const& files, std::string const& target, std::string const& range = "") {
  http::request_header<> asked;
  asked.method(http::verb::get);
  asked.target(target);
  asked.set(http::field::host, "localhost");
  if (!range.empty()) asked.set(http::field::range, range);
  return answer(asked, files, true);
}

BOOST_AUTO_TEST_SUITE(body_in_parts)

BOOST_AUTO_TEST_CASE(is_the_file_or_the_part_of_it_wherever_that_is) {
  temporary_directory const directory;
  std::string content;
  for (int i = 0; i != 40'000; ++i)
    content += static_cast<char>('a' + i % 23);
  directory.write("large", content);
  directory.write("small", content.substr(0, 1000));
  static_files const files{directory.path(), {}, std::chrono::seconds(-1)};
  BOOST_TEST(!ask(files, "/large").file->content());
  BOOST_TEST(ask(files, "/small").file->content().has_value());
  for (std::size_t const most : {1U, 7U, 16'384U, 100'000U}) {
    BOOST_TEST(in_parts(ask(files, "/large"), most) == content);
    BOOST_TEST(in_parts(ask(files, "/large", "bytes=5-20000"), most) == content.substr(5, 19'996));
    BOOST_TEST(in_parts(ask(files, "/small"), most) == content.substr(0, 1000));
    BOOST_TEST(in_parts(ask(files, "/small", "bytes=-3"), most) == content.substr(997, 3));
    BOOST_TEST(in_parts(ask(files, "/none"), most) == "404 Not Found\n");
  }
}

BOOST_AUTO_TEST_CASE(of_a_burst_ends_each_part_with_a_message) {
  reply burst;
  burst.burst = {3, 100};
  BOOST_TEST(in_parts(burst, 70) == std::string(300, 'x'));
  body source{burst};
  char part[1000];
  BOOST_TEST(source.read(part, sizeof part) == 100u);
  BOOST_TEST(source.read(part, 70) == 70u);
  BOOST_TEST(source.read(part, sizeof part) == 30u);
  BOOST_TEST(source.left() == 100u);
}

BOOST_AUTO_TEST_CASE(of_a_file_that_becomes_shorter_fails) {
  temporary_directory const directory;
  directory.write("large", std::string(100'000, 'x'));
  static_files const files{directory.path()};
  auto const whole = ask(files, "/large");
  body source{whole};
  char part[1000];
  BOOST_TEST(source.read(part, sizeof part) == 1000u);
  std::filesystem::resize_file(directory.path() / "large", 1500);
  BOOST_TEST(source.read(part, sizeof part) == 500u);
  BOOST_CHECK_THROW(source.read(part, sizeof part), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(may_be_empty) { BOOST_TEST(body{reply{}}.left() == 0u); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
