// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Which backend is the next: a list with a clock that stands still.
#include "backends.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace tls_proxy {
namespace {

using boost::asio::ip::tcp;

tcp::endpoint at(int port) {
  return {boost::asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)};
}

struct several {
  // A name is one digit for each of its ports.
  backends make(std::vector<std::string> const& names) {
    std::vector<backend_name> all;
    for (auto const& name : names)
      all.push_back({name, "80"});
    backends::settings how;
    how.pause = std::chrono::seconds(10);
    how.names.resolve = [](backend_name const& name) {
      endpoints found;
      for (char const port : name.host)
        found.push_back(at(port - '0'));
      return found;
    };
    how.now = [this] { return now; };
    return backends{all, [this](std::string_view what) { reported += std::string(what) + '\n'; },
                    how};
  }
  // The port of the next one, which stays connected.
  int take(backends& from) {
    auto next = from.choose({});
    if (!next) return 0;
    next->answered();
    open.push_back(std::move(*next));
    return open.back().endpoint().port();
  }

  backends::clock::time_point now{std::chrono::hours(1)};
  std::string reported;
  std::vector<backends::choice> open;
};

BOOST_FIXTURE_TEST_SUITE(several_backends, several)

BOOST_AUTO_TEST_CASE(take_turns_and_the_one_with_the_fewest_connections_is_next) {
  auto list = make({"1", "23"});
  BOOST_TEST(take(list) == 1);
  BOOST_TEST(take(list) == 2);
  BOOST_TEST(take(list) == 3);
  BOOST_TEST(take(list) == 1);
  open.erase(open.begin() + 2);  // of 3
  BOOST_TEST(take(list) == 3);
  BOOST_TEST(take(list) == 2);
  open.clear();
}

BOOST_AUTO_TEST_CASE(one_that_failed_is_the_last_to_be_tried) {
  auto list = make({"1", "2"});
  std::vector<backends::choice> tried;
  auto first = list.choose(tried);
  BOOST_TEST_REQUIRE(first.has_value());
  BOOST_TEST((first->name() == backend_name{"1", "80"}));
  first->failed("Connection refused");
  tried.push_back(std::move(*first));
  auto second = list.choose(tried);
  BOOST_TEST_REQUIRE(second.has_value());
  BOOST_TEST(second->endpoint().port() == 2);
  tried.push_back(std::move(*second));
  BOOST_TEST(!list.choose(tried).has_value());
  // It is used before it is given up: the other may be down too.
  auto const all_others_tried = list.choose({});
  BOOST_TEST(all_others_tried->endpoint().port() == 2);
  BOOST_TEST(reported == "1:80 (127.0.0.1) is passed over: Connection refused\n");
}

BOOST_AUTO_TEST_CASE(one_client_finds_out_whether_it_answers_again) {
  auto list = make({"1", "2"});
  list.choose({})->failed("Connection refused");
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(take(list) == 2);
  now += std::chrono::seconds(10);
  {
    auto const finds_out = list.choose({});
    BOOST_TEST(finds_out->endpoint().port() == 1);
    now += std::chrono::seconds(20);
    BOOST_TEST(take(list) == 2);  // who comes meanwhile does not wait for it
  }
  BOOST_TEST(take(list) == 1);  // it ended without an answer
  BOOST_TEST(take(list) == 1);
  BOOST_TEST(reported ==
             "1:80 (127.0.0.1) is passed over: Connection refused\n"
             "1:80 (127.0.0.1) answers again\n");
  open.clear();
}

BOOST_AUTO_TEST_CASE(one_that_fails_again_is_passed_over_for_longer) {
  auto list = make({"1", "2"});
  auto const fail_first = [&] {
    auto first = list.choose({});
    BOOST_TEST(first->endpoint().port() == 1);
    first->failed("Connection refused");
  };
  fail_first();
  BOOST_TEST(take(list) == 2);
  now += std::chrono::seconds(10);
  fail_first();
  now += std::chrono::seconds(10);
  BOOST_TEST(take(list) == 2);
  now += std::chrono::seconds(10);
  BOOST_TEST(take(list) == 1);
  open.clear();
}

BOOST_AUTO_TEST_CASE(failures_of_one_outage_count_once) {
  auto list = make({"1", "2"});
  std::vector<backends::choice> waiting;
  for (int i = 0; i < 12; ++i)
    waiting.push_back(*list.choose({}));
  for (auto& one : waiting)
    if (one.endpoint().port() == 1) one.failed("Connection timed out");
  // Those that are sent to it since all others are tried find nothing out either.
  for (int i = 0; i < 6; ++i) {
    auto again = list.choose({});
    BOOST_TEST(again->endpoint().port() == 2);
    std::vector<backends::choice> tried;
    tried.push_back(std::move(*again));
    auto last = list.choose(tried);
    BOOST_TEST(last->endpoint().port() == 1);
    last->failed("Connection timed out");
  }
  waiting.clear();
  BOOST_TEST(take(list) == 2);
  now += std::chrono::seconds(10);
  BOOST_TEST(take(list) == 1);
  open.clear();
}

BOOST_AUTO_TEST_CASE(a_single_one_is_always_tried) {
  auto list = make({"1"});
  for (int i = 0; i < 3; ++i)
    list.choose({})->failed("Connection refused");
  BOOST_TEST(take(list) == 1);
  BOOST_TEST(reported == "");  // each connection says it
  open.clear();
}

BOOST_AUTO_TEST_CASE(addresses_that_are_resolved_anew_keep_what_is_known_of_them) {
  auto gate = std::make_shared<std::promise<void>>();
  auto asked_again = std::make_shared<std::promise<void>>();
  auto calls = std::make_shared<std::atomic<int>>(0);
  backends::settings how;
  how.names.pause = std::chrono::nanoseconds(0);
  how.names.resolve = [=](backend_name const&) -> endpoints {
    int const call = (*calls)++;
    if (call == 0) return {at(1), at(2)};
    if (call == 1) return gate->get_future().wait(), endpoints{at(2), at(3)};
    if (call == 2) asked_again->set_value();  // so the answer before has been taken
    throw boost::system::system_error(boost::asio::error::host_not_found);
  };
  how.now = [this] { return now; };
  backends list{{{"name", "80"}}, [](std::string_view) {}, how};
  BOOST_TEST(take(list) == 1);
  list.choose({})->failed("Connection refused");  // 2
  gate->set_value();
  asked_again->get_future().wait();
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(take(list) == 3);
  open.clear();  // one of them is of an address that is gone
}

BOOST_AUTO_TEST_CASE(are_counted_for_operators) {
  auto list = make({"1", "23"});
  take(list);
  list.choose({})->failed("Connection refused");
  auto const text = list.metrics();
  for (char const* line : {"tls_async_backend_connections{backend=\"1:80\"} 1\n",
                           "tls_async_backend_connections{backend=\"23:80\"} 0\n",
                           "tls_async_backend_connects_total{backend=\"1:80\"} 1\n",
                           "tls_async_backend_failures_total{backend=\"23:80\"} 1\n",
                           "tls_async_backend_passed_over{backend=\"23:80\"} 1\n"})
    BOOST_TEST(text.find(line) != text.npos, text);
  open.clear();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_proxy
