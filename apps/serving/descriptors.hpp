// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How many files and sockets the process may have open (RLIMIT_NOFILE), and how many of these are
// not for connections: a server that has no other left can still open its log, read a certificate
// and answer its operator.
#pragma once

#include <cstddef>
#include <string>

namespace serving {

// As many as the system allows without a privilege: what a shell or systemd gives at first, 1 024,
// is for programs that use select(2). Returns a complaint if not even that is enough for so many
// connections; empty if it is.
std::string raise_descriptor_limit(std::size_t connections, std::size_t for_each);

// Whether `newest`, which was just made, is one of the last, which are in reserve. The system gives
// out the least number that is free.
bool is_of_reserve(int newest);
// Whether the next one would be. Of an open one.
bool is_reserve_next(int open);

}  // namespace serving
