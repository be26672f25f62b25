// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Plaintext of a write that is not a buffer of the caller's: owned by the stream, or relocatable.
#pragma once

#include <tls_async/gates/session.hpp>
#include <tls_async/gates/verb.hpp>
#include <tls_async/mode.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
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

/// What code of the program has thrown, which is being handled.
inline error_code code_of_exception() noexcept {
  try {
    throw;
  } catch (boost::system::system_error const& thrown) {
    return thrown.code();
  } catch (std::bad_alloc const&) {
    return make_error_code(boost::system::errc::not_enough_memory);
  } catch (...) {
    return errc::buffer_threw;
  }
}

// A source has `locate(unsigned long modes)`, which throws or sets an error, and `place()`: where
// all of the plaintext was then.

template <class Owned>
class owned_source {
public:
  static constexpr bool moves = false;
  explicit owned_source(Owned owned) : owned_(std::move(owned)) {}

  static error_code locate(unsigned long /*modes*/) noexcept { return {}; }
  [[nodiscard]] plaintext place() const {
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
  static constexpr bool moves = true;
  explicit relocatable_source(Locate locate) : locate_(std::move(locate)) {}

  // SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER allows another place, but the same bytes (SSL_write(3),
  // WARNINGS).
  error_code locate(unsigned long modes) {
    plaintext const before = std::exchange(now_, plaintext());
    now_ = bytes_of(std::invoke(locate_));
    if (!std::exchange(asked_, true)) {
#ifndef NDEBUG
      content_ = content_of(now_);
#endif
      return {};
    }
    if (now_.size() != before.size()) return errc::buffer_changed;
    if (now_.data() != before.data() && !has(modes, mode::accept_moving_write_buffer))
      return errc::buffer_moved;
#ifndef NDEBUG
    if (content_of(now_) != content_) return errc::buffer_changed;
#endif
    return {};
  }
  [[nodiscard]] plaintext place() const noexcept { return now_; }

private:
  static std::size_t content_of(plaintext p) noexcept {
    return std::hash<std::string_view>()({reinterpret_cast<char const*>(p.data()), p.size()});
  }

  Locate locate_;
  plaintext now_{};
  std::size_t content_ = 0;  // compared in debug builds
  bool asked_ = false;
};

template <class Source>
class source_write : public write_verb {
public:
  void locate() noexcept override {
    try {
      located_with = source_.locate(session_.modes());
    } catch (...) {
      located_with = code_of_exception();
    }
  }
  [[nodiscard]] std::span<std::byte const> piece() override {
    return result ? plaintext() : source_.place().subspan(bytes);
  }
  void advance(std::size_t n) override { bytes += n; }

protected:
  source_write(session const& of, Source source)
      : write_verb(false), session_(of), source_(std::move(source)) {
    moves = Source::moves;
  }
  ~source_write() = default;

private:
  session const& session_;
  Source source_;
};

/// A write that nobody waits for.
template <class State>
class kept_write final : public write_verb {
public:
  /// A copy of `buffers`, which have `size` bytes, for which there is room.
  template <class Buffers>
  kept_write(State& state, Buffers const& buffers, std::size_t size)
      : write_verb(false), state_(state), kept_(size) {
    is_detached = on_io_executor = true;
    boost::asio::buffer_copy(boost::asio::buffer(kept_), buffers);
  }

  [[nodiscard]] std::span<std::byte const> piece() override {
    return plaintext(kept_).subspan(bytes);
  }
  void advance(std::size_t n) override { bytes += n; }
  bool complete(hop) override { return abandon(), true; }
  void abandon() noexcept override {
    state_.drop_bytes(kept_.size());
    delete this;
  }

private:
  ~kept_write() = default;

  State& state_;
  std::vector<std::byte> kept_;
};

}  // namespace tls_async::detail
