// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What stands behind a proxy where that is no HTTP: plain TCP, a thread for each connection.
#pragma once

#include <cstddef>

namespace tls_async::bench {

constexpr std::size_t piece_bytes = std::size_t{1} << 20;
constexpr char piece_taken = 'k';

/// A sink compares each piece that comes and answers it with one byte, an echo sends back what
/// comes.
enum class backend { sink, echo };

/// Says its port, and serves until standard input ends.
void serve(backend kind);

}  // namespace tls_async::bench
