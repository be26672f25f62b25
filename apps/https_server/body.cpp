// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "body.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace https_server {

body::body(reply const& of)
    : reply_(of),
      at_(of.file ? of.part.offset : 0),
      left_(of.file ? of.part.length : of.text.size() + of.burst.messages * of.burst.bytes) {}

std::size_t body::read(char* to, std::size_t most) {
  auto size = static_cast<std::size_t>(std::min<std::uint64_t>(most, left_));
  if (reply_.burst.messages != 0) {
    size = std::min(size, reply_.burst.bytes - at_ % reply_.burst.bytes);
    std::fill_n(to, size, 'x');
  } else if (!reply_.file || reply_.file->content()) {
    std::string_view const text = reply_.file ? *reply_.file->content() : reply_.text;
    text.copy(to, size, at_);
  } else if (size != 0) {
    auto const got = ::pread(reply_.file->descriptor(), to, size, static_cast<::off_t>(at_));
    if (got < 0) throw std::system_error(errno, std::generic_category(), "cannot read the file");
    if (got == 0) throw std::runtime_error("the file became shorter while it was sent");
    size = static_cast<std::size_t>(got);
  }
  at_ += size;
  left_ -= size;
  return size;
}

}  // namespace https_server
