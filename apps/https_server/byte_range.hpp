// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The part of a file that a Range header asks for (RFC 9110, section 14). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace https_server {

// Bytes [offset, offset + length) of a file.
struct byte_range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  bool operator==(byte_range const&) const = default;
};

enum class range_verdict {
  whole,         // no range, or one that a server has to ignore or may ignore: answer 200
  part,          // answer 206
  unsatisfiable  // answer 416
};

struct range_choice {
  range_verdict verdict = range_verdict::whole;
  byte_range bytes;

  bool operator==(range_choice const&) const = default;
};

// Chooses what to send of a file of `size` bytes. `header` is the value of the Range header.
// Several ranges in one header are answered with the whole file, as RFC 9110 allows.
range_choice choose_range(std::string_view header, std::uint64_t size);

}  // namespace https_server
