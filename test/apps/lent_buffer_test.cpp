// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A buffer that goes from thread to thread, where memory has run out.
#include "lent_buffer.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <thread>

namespace {

thread_local bool has_run_out = false;

}  // namespace

void* operator new(std::size_t size) {
  if (!has_run_out)
    if (void* const memory = std::malloc(size != 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace tls_proxy {
namespace {

BOOST_AUTO_TEST_SUITE(lent_buffers)

BOOST_AUTO_TEST_CASE(are_given_back_on_a_thread_that_has_borrowed_none_and_has_no_memory) {
  lent_buffer lent;
  lent.borrow();
  void const* const place = lent.all().data();
  void const* next = nullptr;
  std::thread other{[&] {
    has_run_out = true;
    lent.give_back();
    lent.borrow();
    next = lent.all().data();
  }};
  other.join();
  BOOST_TEST(next == place);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_proxy
