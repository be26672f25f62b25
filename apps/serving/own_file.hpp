// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Whether a file is this user's own, so that nobody else has decided what is in it or reads it.
#pragma once

#include <string>

namespace serving {

enum class readers { owner, anyone };

// Of an open file, since what a path names may change between two looks; open it with O_NOFOLLOW.
// Empty if it is a regular file of this user into which nobody else may write and which only `who`
// may read; else what is wrong and what to do.
std::string fault_of_own_file(int descriptor, readers who);

}  // namespace serving
