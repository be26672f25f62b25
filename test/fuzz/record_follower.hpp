// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Where the record ends that comes now, in the simplest way: all that has come is kept. What the
// ring says is compared with it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tls_async::test {

class record_follower {
public:
  void follow(std::string_view ciphertext) {
    record_ += ciphertext;
    while (record_.size() >= header_bytes && record_.size() >= whole())
      record_.erase(0, whole());
  }
  /// Of the record, or of its header.
  [[nodiscard]] std::size_t rest() const {
    return (record_.size() < header_bytes ? header_bytes : whole()) - record_.size();
  }
  /// Of the length the first byte tells already.
  [[nodiscard]] bool expects_more_than(std::size_t landing) const {
    if (record_.size() == header_bytes - 1) return byte(3) * 256 > landing;
    return record_.size() >= header_bytes && rest() > landing;
  }

private:
  static constexpr std::size_t header_bytes = 5;  // RFC 8446 section 5.1

  [[nodiscard]] std::size_t byte(std::size_t at) const {
    return static_cast<unsigned char>(record_[at]);
  }
  [[nodiscard]] std::size_t whole() const { return header_bytes + byte(3) * 256 + byte(4); }

  std::string record_;
};

}  // namespace tls_async::test
