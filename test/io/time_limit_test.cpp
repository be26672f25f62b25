// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Time limits of any unit and size: what they are, and that each verb and each option keeps them.
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace chrono = std::chrono;

using real_seconds = chrono::duration<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();
using days = chrono::duration<int, std::ratio<86'400>>;
using thirds = chrono::duration<std::int64_t, std::ratio<1, 3>>;
using picoseconds = chrono::duration<std::int64_t, std::pico>;

static_assert(time_limit(chrono::hours::max()) == time_limit::none());
static_assert(time_limit(chrono::nanoseconds::max()) == time_limit::none());
static_assert(time_limit(days::max()) == time_limit::none());
static_assert(time_limit(chrono::duration<std::uint64_t>::max()) == time_limit::none());
static_assert(time_limit(real_seconds(infinity)) == time_limit::none());
static_assert(time_limit(chrono::duration<float, std::ratio<86'400>>(1e30F)) == time_limit::none());
static_assert(time_limit(thirds::max()) == time_limit::none());
static_assert(time_limit(picoseconds::max()).is_limit());
static_assert(time_limit(1.5s) == time_limit(1'500ms));
static_assert(time_limit(thirds(3)) == time_limit(1s));
static_assert(time_limit(picoseconds(1'500)) == time_limit(1ns));
static_assert(time_limit(-1s) == time_limit(0s));
static_assert(time_limit(chrono::hours::min()) == time_limit(0s));
static_assert(time_limit(real_seconds(-infinity)) == time_limit(0s));
static_assert(time_limit(real_seconds(std::numeric_limits<double>::quiet_NaN())) == time_limit(0s));

using point = chrono::steady_clock::time_point;
static_assert(time_limit(1ns).after(point(5s)) == point(5s + 1ns));
static_assert(time_limit::none().after(point(-5s)) == point::max());
static_assert(time_limit(1h).after(point::max()) == point::max());
static_assert(time_limit(1h).after(point::min()) == point::min() + 1h);
static_assert(time_limit(chrono::hours(2'562'047)).after(point(1h)) == point::max());

// A verb that waits until its limit is over, for its peer does nothing.
struct waiting_verb {
  char const* name;
  std::function<void(memory_session&, time_limit, ending::handler)> start;
  bool needs_session = true;
};

std::vector<waiting_verb> all_verbs() {
  static std::string place(1, '\0');
  static std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file = [] {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> made(std::tmpfile(), &std::fclose);
    std::fputs("from a file", made.get());
    std::fflush(made.get());
    return made;
  }();
  return {
      {"client's handshake",
       [](auto& s, auto limit, auto h) {
         tls_handshake(s.client, as_client{"localhost"}, limit, h);
       },
       false},
      {"server's handshake",
       [](auto& s, auto limit, auto h) { tls_handshake(s.server, as_server{}, limit, h); }, false},
      {"read",
       [](auto& s, auto limit, auto h) { tls_read_some(s.client, asio::buffer(place), limit, h); }},
      {"write",
       [](auto& s, auto limit, auto h) { tls_write(s.client, asio::buffer("x", 1), limit, h); }},
      {"write of an owned buffer",
       [](auto& s, auto limit, auto h) { tls_write(s.client, std::string("x"), limit, h); }},
      {"sendfile",
       [](auto& s, auto limit, auto h) {
         tls_sendfile(s.client, ::fileno(file.get()), 0, to_the_end, limit, h);
       }},
      {"key update",
       [](auto& s, auto limit, auto h) { tls_key_update(s.client, new_keys::ours, limit, h); }},
      {"close_write", [](auto& s, auto limit, auto h) { tls_close_write(s.client, limit, h); }},
      {"shutdown", [](auto& s, auto limit, auto h) { tls_shutdown(s.client, limit, h); }},
  };
}

// `over_after` is when the verb ends, `still_at` a time before.
void check_all_verbs(time_limit limit, virtual_clock::duration still_at,
                     virtual_clock::duration over_after) {
  for (auto const& verb : all_verbs()) {
    memory_session s;
    if (verb.needs_session) s.handshake();
    s.client_end().outgoing().capacity = 0;
    ending ended;
    verb.start(s, limit, ended.token());
    if (still_at >= 0s) {
      s.settle();
      s.pass(still_at);
      BOOST_TEST(!ended.done, verb.name);
    }
    if (over_after != virtual_clock::duration::max()) {
      s.pass(over_after - std::max(still_at, virtual_clock::duration::zero()));
      BOOST_TEST(ended.ec == asio::error::timed_out, verb.name);
    }
  }
}

constexpr auto never_over = virtual_clock::duration::max();

BOOST_AUTO_TEST_SUITE(time_limits)

BOOST_AUTO_TEST_CASE(largest_of_any_unit_is_no_limit) {
  for (time_limit const limit :
       {time_limit(chrono::seconds::max()), time_limit(chrono::minutes::max()),
        time_limit(chrono::hours::max()), time_limit(chrono::nanoseconds::max()),
        time_limit(real_seconds(infinity)), time_limit(real_seconds::max()), time_limit::none()}) {
    check_all_verbs(limit, 24h * 365, never_over);
  }
}

BOOST_AUTO_TEST_CASE(longest_that_is_one_does_not_overflow_behind_the_clock) {
  check_all_verbs(chrono::nanoseconds::max() - 1ns, 24h * 365, never_over);
}

BOOST_AUTO_TEST_CASE(nothing_and_less_ends_at_once) {
  for (time_limit const limit :
       {time_limit(0s), time_limit(-1s), time_limit(-1ns), time_limit(chrono::hours::min()),
        time_limit(chrono::nanoseconds::min()), time_limit(real_seconds(-infinity)),
        time_limit(real_seconds(std::numeric_limits<double>::quiet_NaN()))}) {
    check_all_verbs(limit, -1s, 0s);
  }
}

BOOST_AUTO_TEST_CASE(part_of_a_unit_counts) {
  check_all_verbs(1ns, 0s, 1ns);
  check_all_verbs(1.5s, 1'499ms, 1'500ms);
  check_all_verbs(chrono::duration<double, std::ratio<60>>(0.5), 29s, 30s);
}

template <class Set>
ending with_option(Set set, std::size_t verb, virtual_clock::duration passed) {
  stream_options options;
  set(options);
  memory_session s(options);
  if (verb != 0) s.handshake();
  s.client_end().outgoing().capacity = 0;
  ending ended;
  if (verb == 0) {
    tls_handshake(s.client, as_client{"localhost"}, ended.token());
  } else if (verb == 1) {
    tls_shutdown(s.client, ended.token());
  } else {
    tls_write(s.client, asio::buffer("x", 1), ended.token());
  }
  s.settle();
  s.pass(passed);
  return ended;
}

BOOST_AUTO_TEST_CASE(options_take_the_same) {
  for (std::size_t const verb : {0U, 1U, 2U}) {
    auto const set = [verb](time_limit limit) {
      return [verb, limit](stream_options& options) {
        (verb == 0   ? options.handshake_deadline
         : verb == 1 ? options.shutdown_deadline
                     : options.write_stall_deadline) = limit;
      };
    };
    BOOST_TEST(!with_option(set(chrono::hours::max()), verb, 24h * 365).done);
    BOOST_TEST(!with_option(set(chrono::nanoseconds::max() - 1ns), verb, 24h * 365).done);
    BOOST_TEST(!with_option(set(real_seconds(infinity)), verb, 24h * 365).done);
    BOOST_TEST(!with_option(set(1.5s), verb, 1'499ms).done);
    BOOST_TEST(with_option(set(1.5s), verb, 1'500ms).ec == asio::error::timed_out);
    BOOST_TEST(with_option(set(-1h), verb, 0s).ec == asio::error::timed_out);
  }
}

BOOST_AUTO_TEST_CASE(pause_after_which_records_are_small_again_may_be_endless) {
  stream_options options;
  options.small_record_bytes = 100;
  options.small_records_until = 1'000;
  options.small_records_after = chrono::hours::max();
  connected_session s(options);
  auto const begin = s.client_end().written().size();
  for (int round = 0; round != 2; ++round) {
    ending written;
    tls_write(s.client, asio::buffer(std::string(1'000, 'x')), written.token());
    s.settle();
    BOOST_TEST(written.done);
    s.pass(24h * 365);
  }
  auto const records = records_written(s.client_end(), begin);
  BOOST_TEST(records.size() == 11U);
}

BOOST_AUTO_TEST_CASE(highest_rate_of_key_updates_refuses_none) {
  auto options = patient_options();
  options.most_key_updates_per_second = UINT32_MAX;
  connected_session s(options);
  s.pass(24h * 365 * 100);
  sink received;
  keep_reading(s.server, received);
  for (int i = 0; i != 100; ++i) {
    ending changed;
    tls_key_update(s.client, new_keys::ours, changed.token());
    s.settle();
    BOOST_TEST(changed.ec == error_code());
  }
  BOOST_TEST(!received.ended);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
