// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Plaintext of a write that is not a buffer of the caller's: owned by the stream, or relocatable.
#pragma once

#include <tls_async/core/mode.hpp>
#include <tls_async/io/detail/operation.hpp>
#include <tls_async/io/detail/stream_core.hpp>

#include <boost/asio/buffer.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tls_async::detail {

using plaintext = std::span<std::byte const>;

inline plaintext bytes_of(boost::asio::const_buffer buffer) noexcept {
  return {static_cast<std::byte const*>(buffer.data()), buffer.size()};
}

template <class T>
inline constexpr bool is_container = false;
template <class Char, class Traits, class Allocator>
inline constexpr bool is_container<std::basic_string<Char, Traits, Allocator>> = true;
template <class T, class Allocator>
inline constexpr bool is_container<std::vector<T, Allocator>> =
    std::is_trivially_copyable_v<T> && !std::convertible_to<T, boost::asio::const_buffer>;

template <class T>
inline constexpr bool is_shared_container = false;
template <class T>
inline constexpr bool is_shared_container<std::shared_ptr<T const>> = is_container<T>;

/// What a stream takes over: std::string&&, std::vector<byte-like>&&, std::shared_ptr<std::string
/// const>, ...
template <class T>
concept owned_buffer = (is_container<std::remove_cvref_t<T>> && !std::is_lvalue_reference_v<T> &&
                        !std::is_const_v<std::remove_reference_t<T>>) ||
                       is_shared_container<std::remove_cvref_t<T>>;

/// A callable that says where the plaintext is now.
template <class T>
concept relocatable_buffer = std::copy_constructible<std::remove_cvref_t<T>> &&
    requires(std::remove_cvref_t<T>& locate) {
  { std::invoke(locate) } -> std::convertible_to<boost::asio::const_buffer>;
};

// A source has `place(stream_core const&, error_code&)`: where all of the plaintext is now.

template <class Owned>
class owned_source {
public:
  explicit owned_source(Owned owned) : owned_(std::move(owned)) {}

  [[nodiscard]] plaintext place(stream_core const&, error_code&) const {
    if constexpr (is_container<Owned>) {
      return bytes_of(boost::asio::buffer(owned_));
    } else {
      return owned_ ? bytes_of(boost::asio::buffer(*owned_)) : plaintext();
    }
  }

private:
  Owned owned_;
};

template <class Locate>
class relocatable_source {
public:
  explicit relocatable_source(Locate locate) : locate_(std::move(locate)) {}

  // SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER allows another place, but the same bytes (SSL_write(3),
  // WARNINGS).
  [[nodiscard]] plaintext place(stream_core const& core, error_code& ec) {
    plaintext const now = bytes_of(std::invoke(locate_));
    if (!std::exchange(asked_, true)) {
      first_ = now;
#ifndef NDEBUG
      content_ = content_of(now);
#endif
      return now;
    }
    bool const may_move = has(core.modes(), mode::accept_moving_write_buffer);
    if (now.size() != first_.size()) {
      ec = errc::buffer_changed;
    } else if (now.data() != first_.data() && !may_move) {
      ec = errc::buffer_moved;
    }
#ifndef NDEBUG
    if (!ec && content_of(now) != content_) ec = errc::buffer_changed;
#endif
    return ec ? plaintext() : now;
  }

private:
  static std::size_t content_of(plaintext p) noexcept {
    return std::hash<std::string_view>()({reinterpret_cast<char const*>(p.data()), p.size()});
  }

  Locate locate_;
  plaintext first_{};
  std::size_t content_ = 0;  // compared in debug builds
  bool asked_ = false;
};

/// Asks its source for the place before each record.
template <class Source>
class source_write : public write_operation {
public:
  [[nodiscard]] std::span<std::byte const> piece() override {
    plaintext const all = source_.place(core_, result);
    return result ? plaintext() : all.subspan(bytes);
  }
  void advance(std::size_t n) override { bytes += n; }

protected:
  source_write(stream_core const& core, Source source)
      : write_operation(false), core_(core), source_(std::move(source)) {}
  ~source_write() = default;

private:
  stream_core const& core_;
  Source source_;
};

/// A write that nobody waits for.
template <class IoExecutor>
class kept_write final : public write_operation {
public:
  /// A copy of `buffers`, which have `size` bytes, for which `core` has room; if it throws that is
  /// given back.
  template <class Buffers>
  static void start(stream_core& core, IoExecutor const& io, Buffers const& buffers,
                    std::size_t size) {
    kept_write* made = nullptr;
    try {
      std::vector<std::byte> copy(size);
      boost::asio::buffer_copy(boost::asio::buffer(copy), buffers);
      made = new kept_write(core, io, std::move(copy));
    } catch (...) {
      core.drop_bytes(size);
      throw;
    }
    core.start(*made);
  }

  [[nodiscard]] std::span<std::byte const> piece() override {
    return plaintext(kept_).subspan(bytes);
  }
  void advance(std::size_t n) override { bytes += n; }
  void complete(gate_step*) override { abandon(); }
  void abandon() noexcept override {
    core_.drop_bytes(kept_.size());
    delete this;
  }
  [[nodiscard]] any_io_executor executor() const override { return io_; }

private:
  kept_write(stream_core& core, IoExecutor const& io, std::vector<std::byte> bytes_to_keep)
      : write_operation(false), core_(core), io_(io), kept_(std::move(bytes_to_keep)) {
    is_kept = on_io_executor = true;
  }
  ~kept_write() = default;

  stream_core& core_;
  IoExecutor io_;
  std::vector<std::byte> kept_;
};

}  // namespace tls_async::detail
