// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine's copy of what OpenSSL has begun to seal and can't finish yet. No standard container:
// their layout changes with the user's flags, and the compiled library shares this one.
#pragma once

#include <tls_async/requirements.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace tls_async {

/// Plaintext that has been taken for good and is not sealed yet.
class pending_record {
public:
  /// All of it.
  [[nodiscard]] std::span<std::byte const> plaintext() const noexcept {
    return {bytes_.get() + taken_, std::size_t{size_} - taken_};
  }
  /// There is none.
  [[nodiscard]] bool empty() const noexcept { return taken_ == size_; }
  /// Bytes of the heap.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  /// Keeps a copy of `record`, at most 16 384 bytes, in place of what was there. False if there is
  /// no memory.
  [[nodiscard]] bool keep(std::span<std::byte const> record) noexcept {
    clear();
    if (record.size() > capacity_) {
      capacity_ = 0;
      bytes_.reset(new (std::nothrow) std::byte[record.size()]);
      if (!bytes_) return false;
      capacity_ = static_cast<std::uint16_t>(record.size());
    }
    std::memcpy(bytes_.get(), record.data(), record.size());
    size_ = static_cast<std::uint16_t>(record.size());
    return true;
  }
  /// The first `n` bytes have been sealed.
  void consume(std::size_t n) noexcept {
    taken_ = static_cast<std::uint16_t>(std::min<std::size_t>(taken_ + n, size_));
  }
  /// Nothing is pending.
  void clear() noexcept { taken_ = size_ = 0; }
  /// Gives the memory back, if nothing is pending.
  void go_idle() noexcept {
    if (!empty()) return;
    clear();
    bytes_.reset();
    capacity_ = 0;
  }

private:
  std::unique_ptr<std::byte[]> bytes_;
  std::uint16_t capacity_ = 0;
  std::uint16_t size_ = 0;
  std::uint16_t taken_ = 0;
};

}  // namespace tls_async
