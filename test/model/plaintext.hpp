// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The ways in which a write of ours can be given its plaintext.
#pragma once

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "subject.hpp"

namespace tls_async::test::model {

// Plaintext that lies elsewhere each time it is asked for; the old place is overwritten and freed.
class moving_buffer {
public:
  explicit moving_buffer(std::string_view bytes)
      : place_(
            std::make_shared<std::unique_ptr<std::string>>(std::make_unique<std::string>(bytes))) {}

  boost::asio::const_buffer operator()() const {
    auto next = std::make_unique<std::string>(**place_);
    std::fill((*place_)->begin(), (*place_)->end(), '!');
    *place_ = std::move(next);
    return boost::asio::buffer(**place_);
  }

private:
  std::shared_ptr<std::unique_ptr<std::string>> place_;
};

// Its exception ends the write, with a code of its own.
class throwing_buffer {
public:
  explicit throwing_buffer(std::string_view bytes) : bytes_(bytes) {}

  boost::asio::const_buffer operator()() const {
    if (++*asked_ == 2) throw thrown();
    return boost::asio::buffer(bytes_.data(), bytes_.size());
  }

private:
  std::string_view bytes_;
  std::shared_ptr<int> asked_ = std::make_shared<int>(0);
};

/// A file with these bytes behind some others.
std::shared_ptr<int const> file_of(std::string_view bytes, std::size_t offset);
/// The same bytes in many pieces, the first of which is empty.
std::vector<boost::asio::const_buffer> pieces_of(std::string_view bytes);

}  // namespace tls_async::test::model
