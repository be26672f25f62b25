// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The lines of the log, that a client cannot write any of its own, and what becomes of them when
// their file is renamed, gone or full.
#include "serving/server_log.hpp"

#include "request_record.hpp"
#include "temporary_directory.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace https_server {
namespace {

using serving::log_format;
using serving::log_level;
using serving::log_options;
using serving::server_log;

request_record example() {
  return {"127.0.0.1:40100", "GET", "/a", 200, 1234, std::chrono::microseconds(312), {}};
}

std::string line(request_record const& record, log_format format = log_format::text) {
  std::string text;
  serving::log_line parts{format, text};
  describe(parts, record);
  return text;
}

std::string content(std::filesystem::path const& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::size_t lines_in(std::filesystem::path const& file) {
  auto const text = content(file);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

BOOST_AUTO_TEST_SUITE(log_of_requests)

BOOST_AUTO_TEST_CASE(has_all_that_is_known_of_a_request) {
  BOOST_TEST(line(example()) == "127.0.0.1:40100 GET /a 200 1234 0.000312s");
  BOOST_TEST(line(example(), log_format::json) ==
             R"("client":"127.0.0.1:40100","method":"GET","target":"/a","status":200,)"
             R"("bytes":1234,"seconds":0.000312)");
}

BOOST_AUTO_TEST_CASE(says_why_a_response_is_not_whole) {
  auto record = example();
  record.incident = "Broken pipe";
  BOOST_TEST(line(record) == "127.0.0.1:40100 GET /a 200 1234 0.000312s cut short: Broken pipe");
  BOOST_TEST(line(record, log_format::json).ends_with(R"(,"cut_short":"Broken pipe")"));
}

BOOST_AUTO_TEST_CASE(has_dashes_for_a_request_that_could_not_be_read) {
  BOOST_TEST(line({"[::1]:1", "", "", 400, 16, {}, {}}) == "[::1]:1 - - 400 16 0.000000s");
}

BOOST_AUTO_TEST_CASE(escapes_what_a_client_sent) {
  auto record = example();
  record.target = "/\x1b[2J\r\n127.0.0.1 GET /fake\\\xc3\xa4\x7f\"";
  BOOST_TEST(line(record) ==
             "127.0.0.1:40100 GET /\\x1B[2J\\x0D\\x0A127.0.0.1 GET /fake\\x5C\\xC3\\xA4\\x7F\" 200 "
             "1234 0.000312s");
  auto const parsed = boost::json::parse('{' + line(record, log_format::json) + '}');
  BOOST_TEST(std::string(parsed.at("target").as_string()) ==
             "/\\x1B[2J\\x0D\\x0A127.0.0.1 GET /fake\\x5C\\xC3\\xA4\\x7F\"");
}

BOOST_AUTO_TEST_CASE(has_the_beginning_of_what_is_long) {
  auto record = example();
  record.target = '/' + std::string(16000, 'x');
  auto const cut = '/' + std::string(1023, 'x') + "...";
  BOOST_TEST(line(record) == "127.0.0.1:40100 GET " + cut + " 200 1234 0.000312s");
  auto const parsed = boost::json::parse('{' + line(record, log_format::json) + '}');
  BOOST_TEST(std::string(parsed.at("target").as_string()) == cut);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(log_file)

BOOST_AUTO_TEST_CASE(gets_one_line_with_the_time_for_each_request_and_event) {
  temporary_directory const place;
  auto const file = place.path() / "log";
  server_log log{{file}};
  log.access(example());
  log.event(log_level::warning, "127.0.0.1:1", "handshake failed:\nhttp request");
  auto const text = content(file);
  auto const time = std::string("2030-01-31T12:00:00.123").size();
  BOOST_TEST(text.find("Z 127.0.0.1:40100 GET /a 200") == time);
  BOOST_TEST(text.ends_with("Z 127.0.0.1:1: handshake failed:\\x0Ahttp request\n"));
  BOOST_TEST(lines_in(file) == 2u);
}

BOOST_AUTO_TEST_CASE(has_one_object_of_json_for_each_line) {
  temporary_directory const place;
  auto const file = place.path() / "log";
  server_log log{{file, log_format::json}};
  log.access(example());
  log.event(log_level::warning, "listener", "\"quoted\" \\ \x01");
  std::ifstream lines{file};
  std::string one, other;
  std::getline(lines, one);
  std::getline(lines, other);
  BOOST_TEST(boost::json::parse(one).at("level").as_string() == "info");
  BOOST_TEST(boost::json::parse(one).at("status").as_int64() == 200);
  BOOST_TEST(boost::json::parse(other).at("level").as_string() == "warning");
  BOOST_TEST(boost::json::parse(other).at("message").as_string() == "\"quoted\" \\x5C \\x01");
}

BOOST_AUTO_TEST_CASE(has_what_its_level_and_quiet_let_through) {
  temporary_directory const place;
  auto const said = [&](log_options const& chosen) {
    std::filesystem::remove(*chosen.file);
    server_log log{chosen};
    log.access(example());
    for (auto const level : {log_level::error, log_level::warning, log_level::debug})
      log.event(level, "x", "y");
    return lines_in(*chosen.file);
  };
  auto const file = place.path() / "log";
  BOOST_TEST(said({file, log_format::text, log_level::error, false}) == 1u);
  BOOST_TEST(said({file, log_format::text, log_level::warning, false}) == 2u);
  BOOST_TEST(said({file, log_format::text, log_level::info, false}) == 3u);
  BOOST_TEST(said({file, log_format::text, log_level::debug, false}) == 4u);
  BOOST_TEST(said({file, log_format::text, log_level::debug, true}) == 2u);
}

BOOST_AUTO_TEST_CASE(loses_no_line_when_it_is_renamed_and_opened_again) {
  temporary_directory const place;
  auto const file = place.path() / "log";
  server_log log{{file}};
  constexpr unsigned rounds = 200, writers = 2;
  {
    std::vector<std::jthread> all;
    for (unsigned i = 0; i < writers; ++i)
      all.emplace_back([&] {
        for (unsigned n = 0; n < rounds; ++n)
          log.access(example());
      });
    for (unsigned n = 0; n < 20; ++n) {
      std::filesystem::rename(file, place.path() / ("log." + std::to_string(n)));
      log.reopen();
    }
  }
  std::size_t all = 0;
  for (auto const& part : std::filesystem::directory_iterator(place.path()))
    all += lines_in(part.path());
  BOOST_TEST(all == rounds * writers);
}

BOOST_AUTO_TEST_CASE(loses_lines_when_the_disk_is_full_and_says_so_when_it_is_not_any_more) {
  temporary_directory const place;
  auto const link = place.path() / "log";
  std::filesystem::create_symlink("/dev/full", link);
  server_log log{{link}};
  log.access(example());
  log.access(example());
  std::filesystem::remove(link);
  log.reopen();
  log.access(example());
  auto const text = content(link);
  BOOST_TEST(text.find("log: 2 lines were lost: No space left on device\n") != text.npos, text);
  BOOST_TEST(text.ends_with("GET /a 200 1234 0.000312s\n"));
  BOOST_TEST(lines_in(link) == 2u);
}

BOOST_AUTO_TEST_CASE(stays_the_same_and_is_told_if_it_cannot_be_opened_again) {
  temporary_directory const place;
  std::filesystem::create_directory(place.path() / "a");
  auto const file = place.path() / "a" / "log", moved = place.path() / "b" / "log";
  server_log log{{file}};
  std::filesystem::rename(place.path() / "a", place.path() / "b");
  log.reopen();
  log.access(example());
  BOOST_TEST(lines_in(moved) == 2u);
  BOOST_TEST(content(moved).find("No such file or directory; the file that is open") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(that_cannot_be_written_is_refused_with_what_to_do) {
  try {
    server_log{{"/"}};
    BOOST_ERROR("accepted");
  } catch (std::runtime_error const& error) {
    BOOST_TEST(std::string(error.what()).find("--log-file") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(
    has_a_limited_number_of_lines_that_peers_bring_about_and_tells_how_many_are_missing) {
  for (bool const are_warnings : {false, true}) {
    temporary_directory const place;
    auto const file = place.path() / "log";
    {
      server_log log{{file}};
      for (unsigned i = 0; i < 5000; ++i) {
        if (are_warnings)
          log.warn_about_peer("x", "scans");
        else
          log.event(log_level::debug, "x", "scans");
      }
      BOOST_TEST(lines_in(file) >= 100u);
      BOOST_TEST(lines_in(file) < 1000u);
      log.access(example());
      BOOST_TEST(content(file).ends_with("0.000312s\n"));
    }
    unsigned long lines = 0, left_out = 0;
    std::ifstream text{file};
    for (std::string line; std::getline(text, line);) {
      auto const count = line.find("Z log: ");
      if (line.ends_with("Z x: scans"))
        ++lines;
      else if (count != line.npos && line.ends_with(" were left out"))
        left_out += std::stoul(line.substr(count + 7));
    }
    BOOST_TEST(lines + left_out == 5000u);
    BOOST_TEST(left_out != 0u);
  }
}

BOOST_AUTO_TEST_CASE(has_each_warning_for_the_operator_however_many_there_are_about_peers) {
  temporary_directory const place;
  auto const file = place.path() / "log";
  server_log log{{file}};
  for (unsigned i = 0; i < 1000; ++i)
    log.warn_about_peer("x", "took nothing");
  for (unsigned i = 0; i < 200; ++i)
    log.warn("the certificate expires");
  log.event(log_level::warning, "backend", "is gone");
  auto const text = content(file);
  BOOST_TEST(text.ends_with("Z backend: is gone\n"));
  std::size_t warnings = 0;
  for (auto at = text.find("expires\n"); at != text.npos; at = text.find("expires\n", at + 1))
    ++warnings;
  BOOST_TEST(warnings == 200u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(limit_of_a_rate)

BOOST_AUTO_TEST_CASE(lets_a_few_pass_at_once_and_then_one_after_each_pause) {
  using std::chrono::seconds;
  serving::rate_limit limit{3, seconds(10)};
  serving::rate_limit::clock::time_point now{seconds(1000)};
  for (unsigned i = 0; i < 3; ++i)
    BOOST_TEST(limit.admits(now));
  BOOST_TEST(!limit.admits(now));
  BOOST_TEST(!limit.admits(now + seconds(9)));
  BOOST_TEST(limit.admits(now + seconds(10)));
  BOOST_TEST(!limit.admits(now + seconds(19)));
  BOOST_TEST(limit.take_refused() == 3u);
  BOOST_TEST(limit.take_refused() == 0u);
  now += seconds(1000);
  for (unsigned i = 0; i < 3; ++i)
    BOOST_TEST(limit.admits(now));
  BOOST_TEST(!limit.admits(now));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
