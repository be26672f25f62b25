// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The body of a reply, part by part, for a connection that asks for it when it can be sent.
#pragma once

#include "reply.hpp"

#include <cstddef>
#include <cstdint>

namespace https_server {

class body {
public:
  // `of` has to outlive it.
  explicit body(reply const& of);

  std::uint64_t left() const noexcept { return left_; }
  // At least a byte while some are left, and of a burst no more than one message. Throws
  // std::exception if the file has become shorter, or can't be read.
  std::size_t read(char* to, std::size_t most);

private:
  reply const& reply_;
  std::uint64_t at_ = 0;  // in the file, or in the text
  std::uint64_t left_;
};

}  // namespace https_server
