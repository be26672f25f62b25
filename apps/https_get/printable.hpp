// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Text of a peer's, or of a user's, as a terminal may be shown it: bounded and on one line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace https_get {

// Of a peer's text in one of our sentences, so that the rest of it isn't cut.
constexpr std::size_t longest_part = 300;

// At most `most` columns wide. Each byte of a line break and of whatever else is no character that
// takes room on this terminal becomes \xNN.
std::string printable(std::string_view text, std::size_t most = longest_part);

// \xNN
std::string escaped(char byte);

}  // namespace https_get
