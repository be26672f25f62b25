// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One end of a connection whose other end is an object in the test: what is written goes to it at
// once, what is read comes from it, a chunk at a time. Blocking and asynchronous, on one thread;
// nothing ever waits for time. An asynchronous read waits until `deliver` is called, so that all
// else has happened by then.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tls_async::test {

/// The object at the other end.
class far_end {
public:
  virtual ~far_end() = default;
  virtual void receive(std::string_view ciphertext) = 0;
  /// The next bytes, at least one; nothing: the end.
  virtual std::optional<std::string> next() = 0;
};

class hand_fed_stream {
public:
  using executor_type = boost::asio::any_io_executor;
  using lowest_layer_type = hand_fed_stream;
  using error_code = boost::system::error_code;

  hand_fed_stream(executor_type executor, far_end& peer)
      : executor_(std::move(executor)), state_(std::make_unique<state>(peer)) {}

  [[nodiscard]] executor_type get_executor() const { return executor_; }
  [[nodiscard]] lowest_layer_type& lowest_layer() { return *this; }
  [[nodiscard]] lowest_layer_type const& lowest_layer() const { return *this; }

  /// Gives the next chunk, or the end, to the read that waits. False if none does.
  bool deliver() {
    if (!state_->reader) return false;
    state_->take_next();
    complete_read();
    return true;
  }
  [[nodiscard]] bool is_reading() const { return state_->reader.has_value(); }

  void cancel() { finish_read(boost::asio::error::operation_aborted, 0); }
  void close(error_code& ec) {
    ec = {};
    cancel();
  }

  template <class Buffers>
  std::size_t read_some(Buffers const& into, error_code& ec) {
    if (state_->chunk.empty()) state_->take_next();
    ec = state_->end();
    return state_->copy_to(into);
  }
  template <class Buffers>
  std::size_t write_some(Buffers const& from, error_code& ec) {
    ec = {};
    return state_->send(from);
  }

  template <class Buffer, class Token>
  auto async_read_some(Buffer const& into, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, boost::asio::mutable_buffer place) {
          state_->handler_executor = boost::asio::get_associated_executor(handler, executor_);
          state_->into = place;
          state_->reader.emplace(std::move(handler));
          if (!state_->chunk.empty()) complete_read();
        },
        token, boost::asio::mutable_buffer(into));
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& from, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, Buffers const& bytes) {
          std::size_t const n = state_->send(bytes);
          auto const executor = boost::asio::get_associated_executor(handler, executor_);
          boost::asio::post(executor, boost::asio::append(std::move(handler), error_code(), n));
        },
        token, from);
  }

private:
  struct state {
    explicit state(far_end& at) : peer(at) {}

    void take_next() {
      auto next = peer.next();
      ended = !next;
      if (next) chunk += *next;
    }
    [[nodiscard]] error_code end() const {
      return chunk.empty() && ended ? error_code(boost::asio::error::eof) : error_code();
    }
    template <class Buffers>
    std::size_t copy_to(Buffers const& into_these) {
      std::size_t const n = boost::asio::buffer_copy(into_these, boost::asio::buffer(chunk));
      chunk.erase(0, n);
      return n;
    }
    template <class Buffers>
    std::size_t send(Buffers const& from) {
      std::string bytes(boost::asio::buffer_size(from), '\0');
      boost::asio::buffer_copy(boost::asio::buffer(bytes), from);
      peer.receive(bytes);
      return bytes.size();
    }

    far_end& peer;
    std::string chunk;
    bool ended = false;
    std::optional<boost::asio::any_completion_handler<void(error_code, std::size_t)>> reader;
    boost::asio::any_io_executor handler_executor;
    boost::asio::mutable_buffer into;
  };

  void complete_read() {
    auto const ec = state_->end();
    finish_read(ec, state_->copy_to(state_->into));
  }
  void finish_read(error_code ec, std::size_t n) {
    if (!state_ || !state_->reader) return;
    auto const executor = state_->handler_executor;
    auto handler = std::move(*state_->reader);
    state_->reader.reset();
    boost::asio::post(executor, boost::asio::append(std::move(handler), ec, n));
  }

  executor_type executor_;
  std::unique_ptr<state> state_;
};

}  // namespace tls_async::test
