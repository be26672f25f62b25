// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The model a session is compared with: one byte queue for each direction. What its writes reported
// as written, in the order in which they were started, is exactly what must arrive. Must not know
// how a stream works.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tls_async::test {

inline constexpr std::size_t largest_message = std::size_t{1} << 20;

/// The plaintext of message `id`: differs from that of every other nearly everywhere, so that no
/// byte of one can stand in for a byte of another. Valid until the process ends.
inline std::string_view message(std::uint64_t id, std::size_t size) {
  auto const mixed = [](std::uint64_t x) {  // splitmix64
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  };
  static std::string const noise = [&] {
    std::string bytes(2 * largest_message, '\0');
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
      std::uint64_t const word = mixed(i);
      std::memcpy(bytes.data() + i, &word, sizeof word);
    }
    return bytes;
  }();
  return std::string_view(noise).substr(mixed(~id) % largest_message,
                                        std::min(size, largest_message));
}

class byte_queue {
public:
  /// A write of `bytes` is about to start; they must stay valid. Returns its number.
  std::size_t begin_write(std::string_view bytes) {
    writes_.push_back({bytes, 0});
    return writes_.size() - 1;
  }
  void end_write(std::size_t number, std::size_t reported) {
    writes_.at(number).reported = reported;
    reported_ += reported;
  }
  void arrive(std::string_view bytes) { arrived_ += bytes; }

  [[nodiscard]] std::size_t reported() const { return reported_; }
  [[nodiscard]] std::size_t arrived() const { return arrived_.size(); }

  /// What is wrong with what arrived, empty if nothing: with `whole`, all that was reported must be
  /// there, otherwise its end may be missing.
  [[nodiscard]] std::string difference(bool whole) const {
    std::size_t at = 0;
    for (std::size_t i = 0; i != writes_.size(); ++i) {
      auto const [bytes, reported] = writes_[i];
      std::string const which = "write " + std::to_string(i) + " of " +
                                std::to_string(bytes.size()) + " bytes, reported " +
                                std::to_string(reported);
      if (reported > bytes.size()) return which;
      auto const got = std::string_view(arrived_).substr(at, reported);
      auto const wrong = std::mismatch(got.begin(), got.end(), bytes.begin());
      if (wrong.first != got.end()) {
        return which + ": its byte " + std::to_string(wrong.first - got.begin()) + " is wrong" +
               origin(at + static_cast<std::size_t>(wrong.first - got.begin()));
      }
      if (got.size() != reported) {
        if (!whole) return {};
        return which + ": only " + std::to_string(got.size()) + " arrived";
      }
      at += reported;
    }
    if (at == arrived_.size()) return {};
    return std::to_string(arrived_.size() - at) +
           " more bytes arrived than were reported as written" + origin(at);
  }

private:
  struct write {
    std::string_view bytes;
    std::size_t reported;
  };

  // Where the bytes that arrived at `place` come from, if they are of any write.
  [[nodiscard]] std::string origin(std::size_t place) const {
    auto const sample = std::string_view(arrived_).substr(place, 16);
    for (std::size_t i = 0; i != writes_.size(); ++i) {
      auto const found = writes_[i].bytes.find(sample);
      if (found == std::string_view::npos) continue;
      return "; it is byte " + std::to_string(found) + " of write " + std::to_string(i);
    }
    return {};
  }

  std::deque<write> writes_;
  std::string arrived_;
  std::size_t reported_ = 0;
};

}  // namespace tls_async::test
