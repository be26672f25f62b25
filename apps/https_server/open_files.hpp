// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How many files one connection may have open, beside its socket.
#pragma once

#include <cstddef>

namespace https_server {

constexpr std::size_t most_open_files = 8;

}  // namespace https_server
