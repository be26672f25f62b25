// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A write whose plaintext is a part of a file.
#pragma once

#include <tls_async/gates/verb.hpp>

#include <boost/system/system_category.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tls_async::detail {

class file_write : public write_verb {
public:
  [[nodiscard]] file_part const* file() const noexcept override { return &part_; }
  [[nodiscard]] std::span<std::byte const> piece() override {
    if (part_.length == 0 || result) return {};
    window& seen = window_of_thread();
    if (seen.reader != id_ || part_.offset < seen.begin || part_.offset >= seen.begin + seen.size) {
      read_into(seen);
      if (seen.size == 0) return {};
    }
    auto const rest = std::span(seen.bytes).first(seen.size).subspan(part_.offset - seen.begin);
    return rest.first(static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), part_.length)));
  }
  /// Where the file ends is known when it has been read.
  [[nodiscard]] bool copy_behind(std::span<std::byte>&, std::size_t) const override {
    return false;
  }
  void advance(std::size_t n) override {
    bytes += n;
    part_.offset += n;
    if (part_.length != to_the_end) part_.length -= n;
  }

protected:
  file_write(int file, std::uint64_t offset, std::uint64_t length) noexcept
      : write_verb(false), part_{file, offset, length} {}
  ~file_write() = default;
  /// Nothing has been sealed of it.
  void set_part(file_part const& part) noexcept { part_ = part; }

private:
  // What was read last on a thread: one batch of records. It is read again if another file came in
  // between, so that a write that waits holds no memory.
  struct window {
    std::uint64_t reader = 0;
    std::uint64_t begin = 0;
    std::size_t size = 0;
    std::array<std::byte, 65'536> bytes{};
  };
  static window& window_of_thread() {
    static thread_local window seen;
    return seen;
  }
  static std::uint64_t next_id() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }

  void read_into(window& seen) {
    seen.reader = id_;
    seen.begin = part_.offset;
    seen.size = 0;
    ::ssize_t n = 0;
    do {
      n = ::pread(
          part_.file, seen.bytes.data(),
          static_cast<std::size_t>(std::min<std::uint64_t>(seen.bytes.size(), part_.length)),
          static_cast<::off_t>(part_.offset));
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
      seen.size = static_cast<std::size_t>(n);
    } else if (n < 0) {
      result = error_code(errno, boost::system::system_category());
    } else if (part_.length != to_the_end) {
      result = errc::file_ended;
    } else {
      part_.length = 0;
    }
  }

  file_part part_;  // still to be sealed
  std::uint64_t const id_ = next_id();
};

}  // namespace tls_async::detail
