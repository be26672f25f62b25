// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a thread keeps of the rings that were given back.
#include <tls_async/core/ring.hpp>

#include <boost/test/unit_test.hpp>

#include <openssl/ssl.h>

#include <list>
#include <memory>
#include <thread>

namespace tls_async::test {
namespace {

constexpr std::size_t record = 17'408;
constexpr std::size_t most = std::size_t{16} << 20;

using ssl_ptr = std::unique_ptr<SSL, decltype(&SSL_free)>;

ssl_ptr make_session() {
  static std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> const context(SSL_CTX_new(TLS_method()),
                                                                         &SSL_CTX_free);
  return {SSL_new(context.get()), &SSL_free};
}

// A thread has a pool of its own, with nothing in it.
template <class Run>
void on_new_thread(Run run) {
  std::thread(run).join();
}

BOOST_AUTO_TEST_SUITE(ring_pool)

BOOST_AUTO_TEST_CASE(bytes_are_bounded_whatever_the_size_of_the_rings) {
  for (std::size_t const records : {1U, 4U, 128U, 1'024U}) {
    std::size_t kept = 0, size = 0;
    on_new_thread([&] {
      auto const ssl = make_session();
      std::list<ring> rings;
      for (int i = 0; i != 200; ++i) {
        if (!rings.emplace_back(ssl.get(), records * record).attach()) break;
        size = rings.back().size();
        if (rings.size() * size > 4 * most) break;
      }
      // From the last to the first: each takes its ends away from the one session.
      while (!rings.empty())
        rings.pop_back();
      kept = ring::unused_bytes();
    });
    BOOST_TEST(kept <= most);
    BOOST_TEST(kept % size == 0U);
    BOOST_TEST((kept != 0) == (size <= most));
  }
}

BOOST_AUTO_TEST_CASE(size_that_nobody_asks_for_any_more_is_freed) {
  std::size_t usual = 0, with_unusual = 0, at_the_end = 0;
  on_new_thread([&] {
    auto const ssl = make_session();
    (void)ring(ssl.get(), 128 * record).attach();
    ring one(ssl.get(), 4 * record);
    usual = one.size();
    for (int i = 0; i != 2 * 64; ++i) {
      (void)one.attach();
      one.detach();
      if (i == 0) with_unusual = ring::unused_bytes();
    }
    at_the_end = ring::unused_bytes();
  });
  BOOST_TEST(with_unusual > usual);
  BOOST_TEST(at_the_end == usual);
}

BOOST_AUTO_TEST_CASE(room_is_made_by_what_was_not_used_for_longest) {
  std::size_t usual = 0, kept = 0;
  on_new_thread([&] {
    auto const ssl = make_session();
    {
      std::list<ring> large;
      for (int i = 0; i != 3; ++i)
        (void)large.emplace_back(ssl.get(), 128 * record).attach();
      while (!large.empty())
        large.pop_back();
    }
    std::size_t const before = ring::unused_bytes();
    ring one(ssl.get(), 70 * record);
    (void)one.attach();
    one.detach();
    usual = one.size();
    kept = ring::unused_bytes();
    BOOST_TEST(before + usual > most);
  });
  BOOST_TEST(kept <= most);
  BOOST_TEST(kept >= usual);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
