// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine inside a stream, which programs don't see.
#pragma once

#include <tls_async/io/stream.hpp>

namespace tls_async::test {

template <class NextLayer, class Clock>
tls_async::engine& engine_of(stream<NextLayer, Clock>& s) {
  return detail::access::state(s).engine();
}

}  // namespace tls_async::test
