// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An in-memory connection for tests: two streams with a bounded pipe each way. It can hold little,
// move one byte at a time, cut what passes at an offset, and let any one operation fail. Counts
// what it does. Deterministic: everything completes through the executor, in the order in which it
// became possible.
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
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tls_async::test {

using boost::system::error_code;
inline constexpr std::size_t unbounded = SIZE_MAX;

/// How one direction behaves. May be changed at any time.
struct pipe_options {
  std::size_t capacity = unbounded;          ///< Bytes it holds before a write has to wait.
  std::size_t largest_transfer = unbounded;  ///< Bytes one read or write moves at most.
  std::size_t cut_at =
      unbounded;  ///< After so many bytes the reader sees the end, and writes vanish.
  error_code cut_with = boost::asio::error::eof;
  bool held = false;  ///< Nothing arrives until `memory_stream::release()`.
};

/// One end. A reader never holds up a writer. One read and one write at a time.
class memory_stream {
public:
  using executor_type = boost::asio::any_io_executor;
  using lowest_layer_type = memory_stream;

  /// What the n-th operation (counted from 0, reads and writes apart) does instead of its work.
  struct fault {
    std::size_t nth;
    error_code ec;  ///< None: it transfers zero bytes and reports success.
  };

  static std::pair<memory_stream, memory_stream> make(executor_type const& executor) {
    auto const a_to_b = std::make_shared<pipe>();
    auto const b_to_a = std::make_shared<pipe>();
    return {memory_stream(executor, b_to_a, a_to_b), memory_stream(executor, a_to_b, b_to_a)};
  }
  memory_stream(memory_stream&&) = default;
  memory_stream& operator=(memory_stream&&) = delete;
  ~memory_stream() {
    if (in_) close();
  }

  [[nodiscard]] executor_type get_executor() const { return executor_; }
  [[nodiscard]] lowest_layer_type& lowest_layer() { return *this; }
  [[nodiscard]] lowest_layer_type const& lowest_layer() const { return *this; }

  /// Of what this end writes. Call `settle()` after a change.
  [[nodiscard]] pipe_options& outgoing() { return out_->options; }
  void settle() { out_->settle(); }
  /// Lets exactly `n` more bytes arrive at the peer, and holds the rest.
  void deliver(std::size_t n) {
    out_->options.held = true;
    out_->granted += n;
    out_->settle();
  }
  [[nodiscard]] std::size_t undelivered() const { return out_->bytes.size(); }
  [[nodiscard]] bool is_reading() const { return in_->reader.handler.has_value(); }
  [[nodiscard]] bool is_writing() const { return out_->writer.handler.has_value(); }

  [[nodiscard]] std::size_t writes() const { return out_->write_sizes.size(); }
  [[nodiscard]] std::size_t reads() const { return in_->reads; }
  /// Size of each write that was accepted, in bytes.
  [[nodiscard]] std::vector<std::size_t> const& write_sizes() const { return out_->write_sizes; }
  /// All that was ever written, for tests that look at records.
  [[nodiscard]] std::vector<unsigned char> const& written() const { return out_->written; }

  std::optional<fault> read_fault, write_fault;

  /// Ends this end: the peer reads eof behind what was written, and our operations are aborted.
  void close() {
    cancel();
    out_->ended = true;
    in_->broken = true;
    out_->settle();
    in_->settle();
  }
  void close(error_code& ec) {
    close();
    ec = {};
  }
  void shutdown_send() {
    out_->ended = true;
    out_->settle();
  }
  void cancel() {
    in_->reader.finish(boost::asio::error::operation_aborted, 0);
    out_->writer.finish(boost::asio::error::operation_aborted, 0);
  }

  template <class Buffers, class Token>
  auto async_read_some(Buffers const& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, Buffers const& b) {
          in_->reader.start(executor_, b, std::move(handler), in_);
          std::size_t const n = in_->reads++;
          if (read_fault && read_fault->nth == n) return in_->reader.finish(read_fault->ec, 0);
          in_->settle();
        },
        token, buffers);
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, Buffers const& b) {
          out_->writer.start(executor_, b, std::move(handler), out_);
          std::size_t const n = out_->write_starts++;
          if (write_fault && write_fault->nth == n) return out_->writer.finish(write_fault->ec, 0);
          out_->settle();
        },
        token, buffers);
  }

private:
  // An operation that waits, with the bytes it is about.
  template <class Buffer>
  struct waiting {
    // Optional, for Boost 1.81 does not get over the assignment of an any_completion_handler.
    std::optional<boost::asio::any_completion_handler<void(error_code, std::size_t)>> handler;
    executor_type executor;
    std::vector<Buffer> buffers;

    template <class Buffers, class Handler, class Pipe>
    void start(executor_type const& io, Buffers const& b, Handler h,
               std::shared_ptr<Pipe> const& pipe) {
      BOOST_ASSERT_MSG(!handler, "two operations of one kind at once on the next layer");
      executor = boost::asio::get_associated_executor(h, io);
      buffers.assign(boost::asio::buffer_sequence_begin(b), boost::asio::buffer_sequence_end(b));
      // The slot of `handler`, not that of `h`, which an any_completion_handler takes for itself.
      handler.emplace(std::move(h));
      if (auto slot = boost::asio::get_associated_cancellation_slot(*handler);
          slot.is_connected()) {
        slot.assign([this, keep = std::weak_ptr<Pipe>(pipe)](boost::asio::cancellation_type) {
          if (auto const alive = keep.lock()) finish(boost::asio::error::operation_aborted, 0);
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
    [[nodiscard]] std::size_t size() const { return boost::asio::buffer_size(buffers); }
  };

  struct pipe {
    pipe_options options;
    std::deque<unsigned char> bytes;
    std::vector<unsigned char> written;
    std::vector<std::size_t> write_sizes;
    std::size_t granted = 0, delivered = 0, reads = 0, write_starts = 0;
    bool ended = false;   // no more will be written
    bool broken = false;  // nobody will read
    waiting<boost::asio::mutable_buffer> reader;
    waiting<boost::asio::const_buffer> writer;

    // Moves what can be moved, and completes who can be completed.
    void settle() {
      accept();
      hand_over();
      accept();  // what was handed over has made room
    }
    void accept() {
      if (!writer.handler) return;
      if (broken) return writer.finish(boost::asio::error::broken_pipe, 0);
      std::size_t const room = options.capacity - std::min(options.capacity, bytes.size());
      std::size_t const n = std::min({writer.size(), room, options.largest_transfer});
      if (n == 0 && writer.size() != 0) return;
      std::vector<unsigned char> taken(n);
      boost::asio::buffer_copy(boost::asio::buffer(taken), writer.buffers);
      std::size_t const uncut = options.cut_at - std::min(options.cut_at, written.size());
      bytes.insert(bytes.end(), taken.begin(),
                   taken.begin() + static_cast<std::ptrdiff_t>(std::min(n, uncut)));
      written.insert(written.end(), taken.begin(), taken.end());
      write_sizes.push_back(n);
      writer.finish({}, n);
    }
    void hand_over() {
      if (!reader.handler) return;
      std::size_t const may = options.held ? granted : unbounded;
      std::size_t const n = std::min({reader.size(), bytes.size(), options.largest_transfer, may});
      if (n == 0 && reader.size() != 0) {
        if (!bytes.empty()) return;
        if (delivered >= options.cut_at) return reader.finish(options.cut_with, 0);
        if (ended) return reader.finish(boost::asio::error::eof, 0);
        return;
      }
      std::vector<unsigned char> const given(bytes.begin(),
                                             bytes.begin() + static_cast<std::ptrdiff_t>(n));
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
      boost::asio::buffer_copy(reader.buffers, boost::asio::buffer(given));
      delivered += n;
      if (options.held) granted -= n;
      reader.finish({}, n);
    }
  };

  memory_stream(executor_type executor, std::shared_ptr<pipe> in, std::shared_ptr<pipe> out)
      : executor_(std::move(executor)), in_(std::move(in)), out_(std::move(out)) {}

  executor_type executor_;
  std::shared_ptr<pipe> in_, out_;
};

}  // namespace tls_async::test
