// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A verify callback that throws where there is no memory for words about it. The heap of the
// program is its own, so this is a program by itself.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <cstdlib>
#include <new>
#include <stdexcept>

#include "engine_pair.hpp"

namespace {

// The allocation that fails, of this thread: 1 is the next one, 0 is none.
thread_local int failing_allocation = 0;

}  // namespace

void* operator new(std::size_t size) {
  if (failing_allocation != 0 && --failing_allocation == 0) throw std::bad_alloc();
  if (void* const block = std::malloc(size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t /*size*/) noexcept { std::free(block); }

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(scarce_words)

// The first three are for the words.
BOOST_DATA_TEST_CASE(callback_that_throws_without_memory_for_words_ends_the_handshake,
                     data::make({1, 2, 3}) * data::make(versions), failing, version) {
  auto const client = make_context(role::client, version_settings(version));
  auto const server = make_context(role::server, version_settings(version));
  engine_pair pair(client.get(), server.get());
  BOOST_REQUIRE(!pair.client.be_client_of("localhost"));
  std::runtime_error const why("longer than what a string holds without any memory");
  bool is_short = false;
  pair.client.verify_with(
      [&](bool, X509_STORE_CTX*) -> bool {
        is_short = true;
        failing_allocation = failing;
        throw why;
      },
      false);
  pair.handshake();
  BOOST_TEST(failing_allocation == 0);
  BOOST_TEST(is_short);
  BOOST_TEST(pair.client_step.next == want::failed);
  BOOST_TEST(pair.server_step.next == want::failed);
  BOOST_TEST(!pair.client.handshake_done());
  BOOST_TEST(ERR_peek_error() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
