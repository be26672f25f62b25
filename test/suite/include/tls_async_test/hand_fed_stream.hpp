// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The next layer of a stream under test: one end of a connection whose other end is an object in
// the test. What is written goes to it at once, what is read comes from it, a chunk at a time.
// Blocking and asynchronous, on one thread; nothing ever waits for time. An asynchronous read waits
// until `deliver` is called, so that all else has happened by then. Fails, falls short and waits
// where it is told to. Operations can be cancelled one by one.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/assert.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <tls_async_test/far_end.hpp>
#include <tls_async_test/layer_faults.hpp>

namespace tls_async::test {

class hand_fed_stream {
public:
  using executor_type = boost::asio::any_io_executor;
  using lowest_layer_type = hand_fed_stream;
  using error_code = boost::system::error_code;

  hand_fed_stream(executor_type executor, far_end& peer)
      : executor_(std::move(executor)), state_(std::make_shared<state>(peer)) {}

  [[nodiscard]] executor_type get_executor() const { return executor_; }
  [[nodiscard]] lowest_layer_type& lowest_layer() { return *this; }
  [[nodiscard]] lowest_layer_type const& lowest_layer() const { return *this; }

  /// May be changed at any time.
  [[nodiscard]] layer_faults& faults() { return state_->faults; }
  /// Operations that were started so far.
  [[nodiscard]] std::size_t reads() const { return state_->reads; }
  [[nodiscard]] std::size_t writes() const { return state_->writes; }
  /// Bytes that the far end has given and nobody has read.
  [[nodiscard]] std::size_t undelivered() const {
    return state_->waiting.size() + state_->chunk.size();
  }

  /// Gives the next chunk, or the end, to the read that waits. False if none does, or nothing
  /// comes.
  bool deliver() {
    if (!state_->reader.handler) return false;
    state_->take_next();
    if (state_->chunk.empty() && !state_->ended) return false;
    state_->complete_read();
    return true;
  }
  /// Lets the write go on that is held. Precondition: `is_writing()`.
  void release_write() { state_->complete_write(); }
  [[nodiscard]] bool is_writing() const { return state_->writer.handler.has_value(); }
  [[nodiscard]] bool is_reading() const { return state_->reader.handler.has_value(); }

  void cancel() {
    if (!state_) return;  // moved from
    state_->reader.finish(boost::asio::error::operation_aborted, 0);
    state_->writer.finish(boost::asio::error::operation_aborted, 0);
  }
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
    return state_->send(bytes_of(from));
  }

  /// Into the first buffer.
  template <class Buffers, class Token>
  auto async_read_some(Buffers const& into, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, boost::asio::mutable_buffer place) {
          auto& s = *state_;
          s.reader.start(executor_, std::move(handler), state_, &state::reader);
          s.into = place;
          // As with a socket, an empty one has nothing to wait for; Asio's stream makes them to
          // have a handler called.
          if (place.size() == 0) return s.reader.finish({}, 0);
          if (auto const fails = s.fails(s.faults.failing_read, s.reads++)) {
            s.reader.finish(*fails, 0);
          } else if (!s.chunk.empty()) {
            s.complete_read();
          }
        },
        token, boost::asio::mutable_buffer(*boost::asio::buffer_sequence_begin(into)));
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& from, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, Buffers const& buffers) {
          auto& s = *state_;
          s.writer.start(executor_, std::move(handler), state_, &state::writer);
          s.from = bytes_of(buffers);
          std::size_t const number = s.writes++;
          if (auto const fails = s.fails(s.faults.failing_write, number)) {
            s.writer.finish(*fails, 0);
          } else if (s.faults.held_write != number) {
            s.complete_write();
          }
        },
        token, from);
  }

private:
  struct state;

  // An operation that waits.
  struct operation {
    // Optional, for Boost 1.81 does not get over the assignment of an any_completion_handler.
    std::optional<boost::asio::any_completion_handler<void(error_code, std::size_t)>> handler;
    boost::asio::any_io_executor executor;

    template <class Handler>
    void start(executor_type const& io, Handler h, std::shared_ptr<state> const& owner,
               operation state::*self) {
      BOOST_ASSERT_MSG(!handler, "two operations of one kind at once on the next layer");
      executor = boost::asio::get_associated_executor(h, io);
      // The slot of `handler`, not that of `h`, which an any_completion_handler takes for itself.
      handler.emplace(std::move(h));
      if (auto slot = boost::asio::get_associated_cancellation_slot(*handler);
          slot.is_connected()) {
        slot.assign([keep = std::weak_ptr<state>(owner), self](boost::asio::cancellation_type) {
          if (auto const alive = keep.lock())
            ((*alive).*self).finish(boost::asio::error::operation_aborted, 0);
        });
      }
    }
    void finish(error_code ec, std::size_t n) {
      if (!handler) return;
      auto h = std::move(*handler);
      handler.reset();
      if (auto slot = boost::asio::get_associated_cancellation_slot(h); slot.is_connected())
        slot.clear();
      boost::asio::post(executor, boost::asio::append(std::move(h), ec, n));
    }
  };

  struct state {
    explicit state(far_end& at) : peer(at) {}

    void take_next() {
      if (waiting.empty()) {
        auto next = peer.next();
        ended = !next && !peer.is_silent();
        if (next) waiting = std::move(*next);
      }
      std::size_t const n = std::min(waiting.size(), faults.most_delivered);
      chunk.append(waiting, 0, n);
      waiting.erase(0, n);
    }
    [[nodiscard]] error_code end() const {
      return chunk.empty() && ended ? error_code(boost::asio::error::eof) : error_code();
    }
    template <class Buffers>
    std::size_t copy_to(Buffers const& into_these) {
      std::size_t const n = boost::asio::buffer_copy(
          into_these, boost::asio::buffer(chunk.data(), std::min(chunk.size(), faults.most)));
      chunk.erase(0, n);
      return n;
    }
    std::size_t send(std::string bytes) {
      bytes.resize(std::min(bytes.size(), faults.most));
      peer.receive(bytes);
      return bytes.size();
    }
    void complete_read() {
      auto const ec = end();
      reader.finish(ec, copy_to(into));
    }
    void complete_write() {
      std::size_t const n = send(std::move(from));
      writer.finish({}, n);
    }
    // What the operation of that number ends with, if it fails.
    std::optional<error_code> fails(std::optional<std::size_t> first, std::size_t number) const {
      bool const does = first && (faults.with ? number >= *first : number == *first);
      return does ? std::optional(faults.with) : std::nullopt;
    }

    far_end& peer;
    layer_faults faults;
    std::size_t reads = 0, writes = 0;
    std::string waiting;  // what has not come yet of what the far end has said
    std::string chunk;
    bool ended = false;
    operation reader, writer;
    boost::asio::mutable_buffer into;
    std::string from;
  };

  template <class Buffers>
  static std::string bytes_of(Buffers const& from) {
    std::string bytes(boost::asio::buffer_size(from), '\0');
    boost::asio::buffer_copy(boost::asio::buffer(bytes), from);
    return bytes;
  }

  executor_type executor_;
  std::shared_ptr<state> state_;
};

}  // namespace tls_async::test
