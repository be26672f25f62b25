// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An in-memory connection that takes nothing from the heap by itself, so that what is counted is
// the stream's: handlers are kept in place, and a test moves the bytes.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace tls_async::test {

/// A handler, in a place of its own.
class kept_handler {
public:
  kept_handler() = default;
  kept_handler(kept_handler const&) = delete;
  kept_handler& operator=(kept_handler const&) = delete;
  ~kept_handler() {
    if (end_ != nullptr) end_(place_.data(), nullptr);
  }

  explicit operator bool() const { return end_ != nullptr; }

  template <class Handler>
  void keep(Handler handler) {
    static_assert(sizeof(Handler) <= sizeof place_);
    ::new (static_cast<void*>(place_.data())) Handler(std::move(handler));
    end_ = [](void* place, std::size_t const* n) {
      auto& kept = *static_cast<Handler*>(place);
      auto mine = std::move(kept);
      kept.~Handler();
      if (n != nullptr) std::move(mine)(boost::system::error_code(), *n);
    };
  }
  void call(std::size_t n) { std::exchange(end_, nullptr)(place_.data(), &n); }

private:
  alignas(std::max_align_t) std::array<std::byte, 128> place_{};
  void (*end_)(void*, std::size_t const*) = nullptr;
};

class quiet_link {
public:
  using executor_type = boost::asio::any_io_executor;
  using lowest_layer_type = quiet_link;

  explicit quiet_link(executor_type executor)
      : executor_(std::move(executor)), end_(std::make_unique<end>()) {}
  static void join(quiet_link& a, quiet_link& b) {
    a.end_->peer = b.end_.get();
    b.end_->peer = a.end_.get();
  }

  [[nodiscard]] executor_type get_executor() const { return executor_; }
  [[nodiscard]] lowest_layer_type& lowest_layer() { return *this; }

  template <class Buffer, class Token>
  auto async_write_some(Buffer const& from, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, boost::asio::const_buffer bytes) {
          end_->writer.keep(std::move(handler));
          end_->from = bytes;
        },
        token, boost::asio::const_buffer(from));
  }
  template <class Buffer, class Token>
  auto async_read_some(Buffer const& into, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, boost::asio::mutable_buffer bytes) {
          end_->reader.keep(std::move(handler));
          end_->into = bytes;
        },
        token, boost::asio::mutable_buffer(into));
  }

  /// What the peer writes goes to our read. False if one of the two is missing.
  bool move() {
    end& peer = *end_->peer;
    if (!end_->reader || !peer.writer) return false;
    std::size_t const n = boost::asio::buffer_copy(end_->into, peer.from);
    peer.writer.call(n);
    end_->reader.call(n);
    return true;
  }

private:
  struct end {
    end* peer = nullptr;
    kept_handler reader, writer;
    boost::asio::mutable_buffer into;
    boost::asio::const_buffer from;
  };

  executor_type executor_;
  std::unique_ptr<end> end_;
};

}  // namespace tls_async::test
