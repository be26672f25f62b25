// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How many files and sockets the process may have open (RLIMIT_NOFILE).
#pragma once

#include <cstddef>
#include <string>

namespace serving {

// As many as the system allows without a privilege: what a shell or systemd gives at first, 1 024,
// is for programs that use select(2). Returns a complaint if not even that is enough for so many
// connections; empty if it is.
std::string raise_descriptor_limit(std::size_t connections, std::size_t for_each);

}  // namespace serving
