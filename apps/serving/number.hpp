// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The one place where a number that a person wrote is read.
#pragma once

#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace serving {

// Says in its text what is wrong and what to write instead.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// All of `text`, in decimal. `name` is what it was given for, such as an option. Throws
// usage_error.
inline std::int64_t parse_number(std::string_view text, std::int64_t least, std::int64_t most,
                                 std::string_view name) {
  std::int64_t value = 0;
  auto const* const end = text.data() + text.size();
  auto const [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < least || value > most)
    throw usage_error(std::string(name) + " must be a number between " + std::to_string(least) +
                      " and " + std::to_string(most) + ", not \"" + std::string(text) + '"');
  return value;
}

}  // namespace serving
