// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a stream under test is connected with: an object in the test instead of a connection.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tls_async::test {

class far_end {
public:
  virtual ~far_end() = default;
  virtual void receive(std::string_view ciphertext) = 0;
  /// The next bytes, at least one; nothing: the end.
  virtual std::optional<std::string> next() = 0;
  /// Nothing from `next` is not the end: nothing comes any more.
  [[nodiscard]] virtual bool is_silent() const noexcept { return false; }
};

}  // namespace tls_async::test
