// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What docs/guide/certificates.md says of Asio's timers, which wait for the end of a certificate:
// the clock of the system may be set, and dates may be any.
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/system_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;

// The clock of a system that somebody sets.
struct clock_that_is_set {
  using duration = std::chrono::system_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<clock_that_is_set>;
  static constexpr bool is_steady = false;

  static time_point now() noexcept {
    return time_point(std::chrono::system_clock::now().time_since_epoch() + set_by);
  }

  static inline duration set_by{};
};

// Asio looks at all timers whenever one expires, and every five minutes at the latest.
void let_asio_look(asio::io_context& io) {
  asio::steady_timer now(io, 0s);
  bool has_looked = false;
  now.async_wait([&](error_code) { has_looked = true; });
  io.restart();
  while (!has_looked)
    io.run_one();
  io.restart();
  io.poll();
}

BOOST_AUTO_TEST_SUITE(watch_expiry)

BOOST_AUTO_TEST_CASE(follows_a_clock_that_is_set_forward_and_back) {
  asio::io_context io;
  asio::basic_waitable_timer<clock_that_is_set> timer(io);
  std::optional<error_code> ended;
  timer.expires_at(clock_that_is_set::now() + 24h);
  timer.async_wait([&](error_code ec) { ended = ec; });
  let_asio_look(io);
  BOOST_TEST(!ended.has_value());
  clock_that_is_set::set_by = -240h;
  let_asio_look(io);
  BOOST_TEST(!ended.has_value());
  clock_that_is_set::set_by = 25h;
  let_asio_look(io);
  clock_that_is_set::set_by = {};
  BOOST_TEST_REQUIRE(ended.has_value());
  BOOST_TEST(!*ended);
}

BOOST_AUTO_TEST_CASE(takes_any_date) {
  using clock = std::chrono::system_clock;
  asio::io_context io;
  for (auto const each : {clock::time_point::min(), clock::time_point(-175'000h), clock::now() - 1s,
                          clock::now() + 1h, clock::now() + 876'000h, clock::time_point::max()}) {
    asio::system_timer timer(io, each);
    bool has_ended = false;
    timer.async_wait([&](error_code ec) { has_ended = !ec; });
    let_asio_look(io);
    BOOST_TEST(has_ended == (each < clock::now()));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
