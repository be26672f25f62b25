// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The sweep behind the default size of the ring. Runs only where it is asked for by name.
#include "sides.hpp"
#include "tls_async_stack.hpp"

#include <string>

namespace tls_async::bench {
namespace {

template <std::size_t Records>
stack ring_of() {
  stack s = table_of<tls_async_type<Records>>("tls_async_ring_" + std::to_string(Records));
  s.on_request = true;
  return s;
}

}  // namespace

std::vector<stack> tls_async_ring_stacks() {
  return {ring_of<1>(), ring_of<2>(), ring_of<8>(), ring_of<16>()};
}

}  // namespace tls_async::bench
