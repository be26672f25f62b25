// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The store alone: what it gives out, how much it keeps and how long.
#include <tls_async/sessions/session_store.hpp>

#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "resuming.hpp"

namespace tls_async::test {
namespace {

using namespace std::chrono_literals;

session_key key_of(unsigned char n) {
  session_key key{};
  key[0] = n;
  return key;
}

struct store_fixture : still_clock {
  kept_session session(std::string bytes, std::chrono::seconds age = 0s) const {
    return {std::move(bytes), moment - age, moment + 1h};
  }
  static std::string taken(session_store& from, unsigned char key) {
    auto const found = from.take(key_of(key));
    return found ? found->bytes : "nothing";
  }
};

BOOST_FIXTURE_TEST_SUITE(session_store_, store_fixture)

BOOST_AUTO_TEST_CASE(session_is_given_out_once_for_its_key) {
  session_store store({}, clock());
  BOOST_TEST(taken(store, 1) == "nothing");
  store.keep(key_of(1), session("one"));
  BOOST_TEST(store.size() == 1U);
  BOOST_TEST(store.bytes() > 3U);
  BOOST_TEST(taken(store, 2) == "nothing");
  BOOST_TEST(taken(store, 1) == "one");
  BOOST_TEST(taken(store, 1) == "nothing");
  BOOST_TEST(store.size() == 0U);
  BOOST_TEST(store.bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(newest_session_of_a_key_is_given_out_first) {
  session_store store({}, clock());
  for (char const* const each : {"a", "b", "c"})
    store.keep(key_of(1), session(each));
  BOOST_TEST(taken(store, 1) == "c");
  BOOST_TEST(taken(store, 1) == "b");
  BOOST_TEST(taken(store, 1) == "a");
}

BOOST_AUTO_TEST_CASE(of_a_thousand_sessions_of_a_key_the_newest_stay) {
  session_store store({.most_per_key = 3}, clock());
  store.keep(key_of(2), session("another"));
  for (int i = 0; i != 1'000; ++i)
    store.keep(key_of(1), session(std::to_string(i)));
  BOOST_TEST(store.size() == 4U);
  for (char const* const each : {"999", "998", "997", "nothing"})
    BOOST_TEST(taken(store, 1) == each);
  BOOST_TEST(taken(store, 2) == "another");
}

BOOST_AUTO_TEST_CASE(least_recently_kept_sessions_go_first) {
  session_store store({.most_sessions = 3}, clock());
  for (unsigned char key = 1; key != 4; ++key)
    store.keep(key_of(key), session("s" + std::to_string(key)));
  // One of TLS 1.2 is used and comes back.
  BOOST_TEST(taken(store, 1) == "s1");
  store.keep(key_of(1), session("s1"));
  store.keep(key_of(4), session("s4"));
  BOOST_TEST(store.size() == 3U);
  BOOST_TEST(taken(store, 2) == "nothing");
  for (int const key : {1, 3, 4})
    BOOST_TEST(taken(store, static_cast<unsigned char>(key)) == "s" + std::to_string(key));
}

BOOST_AUTO_TEST_CASE(sessions_are_bounded_by_their_bytes) {
  std::string const long_one(10'000, 'x');
  session_store store({.most_bytes = 35'000}, clock());
  for (unsigned char key = 1; key != 9; ++key) {
    store.keep(key_of(key), session(long_one));
    BOOST_TEST(store.bytes() <= 35'000U);
  }
  BOOST_TEST(store.size() == 3U);
  BOOST_TEST(taken(store, 8) == long_one);
  BOOST_TEST(taken(store, 5) == "nothing");
  // One that is too long for all of it takes the others with it, and is gone too.
  store.keep(key_of(9), session(std::string(40'000, 'x')));
  BOOST_TEST(store.size() == 0U);
}

BOOST_AUTO_TEST_CASE(session_is_as_young_as_its_first_full_handshake_and_its_ticket) {
  session_store store({.lifetime = 10min}, clock());
  store.keep(key_of(1), session("too old", 10min));
  BOOST_TEST(store.size() == 0U);
  store.keep(key_of(1), session("young", 9min));
  moment += 59s;
  BOOST_TEST(taken(store, 1) == "young");
  store.keep(key_of(1), session("young", 9min));
  moment += 60s;
  BOOST_TEST(taken(store, 1) == "nothing");
  BOOST_TEST(store.size() == 0U);

  store.keep(key_of(1), {"its ticket ends", moment, moment + 1min});
  moment += 59s;
  store.keep(key_of(2), {"its ticket ends", moment, moment + 1min});
  moment += 1s;
  BOOST_TEST(taken(store, 1) == "nothing");
  BOOST_TEST(taken(store, 2) == "its ticket ends");
  // An older one behind it may be younger in this.
  store.keep(key_of(1), {"long", moment, moment + 1h});
  store.keep(key_of(1), {"short", moment, moment + 1s});
  moment += 1s;
  BOOST_TEST(taken(store, 1) == "long");
}

BOOST_AUTO_TEST_CASE(session_of_the_future_is_not_given_out) {
  session_store store({}, clock());
  store.keep(key_of(1), session("one"));
  moment -= 1s;
  BOOST_TEST(taken(store, 1) == "nothing");
  BOOST_TEST(store.size() == 0U);
}

BOOST_AUTO_TEST_CASE(longest_lifetime_is_no_overflow) {
  session_store store({.lifetime = std::chrono::seconds::max()}, clock());
  store.keep(key_of(1), session("one", 24h));
  BOOST_TEST(taken(store, 1) == "one");
}

BOOST_AUTO_TEST_CASE(cleared_store_is_empty_and_keeps_on) {
  session_store store({}, clock());
  store.keep(key_of(1), session("one"));
  store.clear();
  BOOST_TEST(store.size() == 0U);
  BOOST_TEST(store.bytes() == 0U);
  BOOST_TEST(taken(store, 1) == "nothing");
  store.keep(key_of(1), session("two"));
  BOOST_TEST(taken(store, 1) == "two");
}

BOOST_AUTO_TEST_CASE(bound_of_nothing_is_refused) {
  auto const is_bad_option = [](boost::system::system_error const& error) {
    return error.code() == errc::bad_option;
  };
  for (session_store_options const& each :
       {session_store_options{.most_sessions = 0}, session_store_options{.most_bytes = 0},
        session_store_options{.most_per_key = 0}, session_store_options{.lifetime = 0s},
        session_store_options{.lifetime = -1s}}) {
    BOOST_CHECK_EXCEPTION(session_store{each}, boost::system::system_error, is_bad_option);
  }
  BOOST_CHECK_EXCEPTION(session_store({}, nullptr), boost::system::system_error, is_bad_option);
}

BOOST_AUTO_TEST_CASE(threads_use_one_store_within_its_bounds) {
  constexpr int rounds = 2'000;
  session_store store({.most_sessions = 8, .most_per_key = 2}, clock());
  std::vector<std::thread> threads;
  for (unsigned char n = 0; n != 4; ++n) {
    threads.emplace_back([&, n] {
      for (int i = 0; i != rounds; ++i) {
        auto const key = key_of(static_cast<unsigned char>((i + n) % 7));
        store.keep(key, session(std::string(100, static_cast<char>('a' + n))));
        if (auto const found = store.take(key); found && found->bytes.size() != 100) std::abort();
        if (i % 500 == 0) store.clear();
        if (store.size() > 8) std::abort();
      }
    });
  }
  for (auto& each : threads)
    each.join();
  BOOST_TEST(store.size() <= 8U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
