// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the kernel knows of a TCP connection, apart from everything that includes the C library's
// <netinet/tcp.h>, whose struct is older and has the same name.
#pragma once

#include <cstdint>

namespace serving {

// Of a socket: bytes that its peer has acknowledged, 0 if the kernel does not tell.
std::uint64_t acknowledged_bytes(int descriptor) noexcept;

// Bytes that were written and are not acknowledged, 0 if that can't be told.
std::uint64_t unacknowledged_bytes(int descriptor) noexcept;

// Of those, bytes that the kernel has not sent even once.
std::uint64_t unsent_bytes(int descriptor) noexcept;

// Whether nothing can come or leave any more: by a reset, or since both sides have said their last.
bool is_over(int descriptor) noexcept;

}  // namespace serving
