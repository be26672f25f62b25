// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An input of a fuzzer, read as a script: from its front, an event after the other, so that one
// that is put in or left out changes no other. (FuzzedDataProvider of Clang takes its numbers from
// the end.) And what a target does with what may not be.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace tls_async::test {

/// Ends the program, which the fuzzer then takes for a crash, unless `holds`.
inline void must(bool holds, char const* complaint) {
  if (holds) return;
  std::fprintf(stderr, "complaint: %s\n", complaint);
  std::abort();
}

class script {
public:
  script(std::uint8_t const* bytes, std::size_t size) : rest_(bytes, size) {}

  [[nodiscard]] bool ended() const { return rest_.empty(); }
  /// 0 behind the end.
  std::uint8_t byte() {
    if (ended()) return 0;
    std::uint8_t const first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  bool flag() { return (byte() & 1) != 0; }
  /// Below `n`, which is at most 256.
  std::size_t below(std::size_t n) { return byte() % n; }
  /// Up to 32 767: below 128 in one byte, else in two.
  std::size_t size() {
    std::size_t const first = byte();
    return first < 128 ? first : (first & 0x7f) << 8 | byte();
  }
  /// At most `n` bytes; fewer at the end.
  std::string bytes(std::size_t n) {
    auto const taken = rest_.first(std::min(n, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return {taken.begin(), taken.end()};
  }
  /// As many as a `size()` says.
  std::string text() { return bytes(size()); }
  std::string rest() { return bytes(rest_.size()); }

private:
  std::span<std::uint8_t const> rest_;
};

/// Writes what a script reads: for seeds.
class script_writer {
public:
  script_writer& byte(std::size_t value) {
    bytes_ += static_cast<char>(value);
    return *this;
  }
  script_writer& size(std::size_t value) {
    return value < 128 ? byte(value) : byte(value >> 8 | 0x80).byte(value);
  }
  script_writer& bytes(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  script_writer& text(std::string_view text) { return size(text.size()).bytes(text); }
  [[nodiscard]] std::string const& str() const { return bytes_; }

private:
  std::string bytes_;
};

}  // namespace tls_async::test
