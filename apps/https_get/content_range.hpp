// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The field that says which part of a file a response has (RFC 9110, section 14.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace https_get {

struct content_range {
  std::optional<std::uint64_t> first;  // none: no part of the file could be sent
  std::optional<std::uint64_t> total;  // none: not known to the server
};

// "bytes 5-9/10", "bytes 5-9/*" or "bytes */10"; nothing if it is none of them.
std::optional<content_range> parse_content_range(std::string_view text);

}  // namespace https_get
