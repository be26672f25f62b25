// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Walks a caller's buffer sequence piece by piece. Copies the sequence, never the bytes.
#pragma once

#include <tls_async/gates/verb.hpp>

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

namespace tls_async::detail {

template <class Buffer, class Sequence>
class buffer_cursor {
  static constexpr bool is_mutable = std::is_same_v<Buffer, boost::asio::mutable_buffer>;

public:
  using byte = std::conditional_t<is_mutable, std::byte, std::byte const>;

  explicit buffer_cursor(Sequence const& sequence)
      : sequence_(sequence),
        next_(boost::asio::buffer_sequence_begin(sequence_)),
        end_(boost::asio::buffer_sequence_end(sequence_)) {
    load();
  }
  buffer_cursor(buffer_cursor const&) = delete;
  buffer_cursor& operator=(buffer_cursor const&) = delete;

  /// The rest of the current buffer; empty only behind the last.
  [[nodiscard]] std::span<byte> piece() const noexcept { return piece_; }

  /// Copies the buffers behind the current one that are smaller than `limit`, as far as `room`
  /// goes, which is left with its rest. True if that is all of them.
  bool copy_behind(std::span<std::byte>& room, std::size_t limit) const {
    for (auto next = next_; next != end_; ++next) {
      Buffer const buffer(*next);
      if (buffer.size() >= limit) return false;
      std::size_t const n = std::min(buffer.size(), room.size());
      if (n != 0) std::memcpy(room.data(), buffer.data(), n);
      room = room.subspan(n);
      if (n != buffer.size()) return false;
    }
    return true;
  }

  void advance(std::size_t n) {
    for (; n > piece_.size(); load())
      n -= std::exchange(piece_, std::span<byte>()).size();
    piece_ = piece_.subspan(n);
    load();
  }

private:
  using iterator = decltype(boost::asio::buffer_sequence_begin(std::declval<Sequence const&>()));

  void load() {
    while (piece_.empty() && next_ != end_) {
      Buffer const buffer(*next_);
      ++next_;
      piece_ = {static_cast<byte*>(buffer.data()), buffer.size()};
    }
  }

  Sequence const sequence_;
  iterator next_;
  iterator const end_;
  std::span<byte> piece_{};
};

template <class Sequence>
class buffers_read : public read_verb {
public:
  [[nodiscard]] std::span<std::byte> place() override { return cursor_.piece(); }
  void advance(std::size_t n) override {
    bytes += n;
    cursor_.advance(n);
  }

protected:
  explicit buffers_read(Sequence const& buffers) : cursor_(buffers) {}
  ~buffers_read() = default;

private:
  buffer_cursor<boost::asio::mutable_buffer, Sequence> cursor_;
};

template <class Sequence>
class buffers_write : public write_verb {
public:
  [[nodiscard]] std::span<std::byte const> piece() override { return cursor_.piece(); }
  [[nodiscard]] bool copy_behind(std::span<std::byte>& room, std::size_t limit) const override {
    return cursor_.copy_behind(room, limit);
  }
  void advance(std::size_t n) override {
    bytes += n;
    cursor_.advance(n);
  }

protected:
  buffers_write(bool some_only, Sequence const& buffers)
      : write_verb(some_only), cursor_(buffers) {}
  ~buffers_write() = default;

private:
  buffer_cursor<boost::asio::const_buffer, Sequence> cursor_;
};

}  // namespace tls_async::detail
