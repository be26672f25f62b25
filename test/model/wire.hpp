// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The network between the subject of a script and its peer, and the next layer that a stream has
// of it. On one thread; nothing waits for time. It holds back, delivers in parts, moves little at
// once, has little room, ends and breaks, as the script says.
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
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tls_async::test::model {

using boost::system::error_code;

/// What is at the other end.
class far_side {
public:
  virtual ~far_side() = default;
  virtual void receive(std::string_view ciphertext) = 0;
  /// All that it has to send now.
  virtual std::string send() = 0;
};

/// One direction.
struct direction {
  std::string bytes;
  std::size_t room = SIZE_MAX;     ///< It holds no more.
  std::size_t largest = SIZE_MAX;  ///< One read or write moves no more.
  std::size_t granted = 0;         ///< While it is held, so much may pass.
  bool is_held = false;
  bool has_ended = false;

  [[nodiscard]] std::size_t may_pass() const;
  std::string pass(std::size_t most);
};

/// Both, and who waits for them.
class wire {
public:
  using handler_type = boost::asio::any_completion_handler<void(error_code, std::size_t)>;

  explicit wire(far_side& peer) : peer_(peer) {}

  direction in;   ///< To the subject.
  direction out;  ///< From it.
  /// What the subject's reads and writes end with from now on.
  void fail(error_code why);
  /// Both directions as new, but for an end or a failure.
  void open();
  /// Lets pass what may, and completes who can be completed. True if anything moved.
  bool settle();
  /// Destroys the handlers of who waits.
  void abandon();
  /// When it last took ciphertext of the subject's, and at which other time before that.
  virtual_clock::time_point took_at, took_before;
  /// What no next layer allows; empty if the subject has kept to it.
  std::string misuse;

  // The subject's end. Nothing: it has to wait.
  std::optional<std::size_t> take(std::string_view from, error_code& ec);
  std::optional<std::size_t> give(boost::asio::mutable_buffer into, error_code& ec);

  struct waiting {
    std::optional<handler_type> handler;
    boost::asio::any_io_executor executor;
    std::vector<boost::asio::mutable_buffer> into;
    std::vector<boost::asio::const_buffer> from;

    void finish(error_code ec, std::size_t n);
  };
  waiting reader, writer;

private:
  bool move();

  far_side& peer_;
  error_code failure_;
};

/// The next layer of a stream.
class wire_stream {
public:
  using executor_type = boost::asio::any_io_executor;
  using lowest_layer_type = wire_stream;

  wire_stream(executor_type executor, std::shared_ptr<wire> of)
      : executor_(std::move(executor)), wire_(std::move(of)) {}
  wire_stream(wire_stream&&) = default;
  wire_stream& operator=(wire_stream&&) = delete;
  ~wire_stream() {
    if (wire_) close();
  }

  [[nodiscard]] executor_type get_executor() const { return executor_; }
  [[nodiscard]] lowest_layer_type& lowest_layer() { return *this; }
  [[nodiscard]] lowest_layer_type const& lowest_layer() const { return *this; }

  void cancel() {
    wire_->reader.finish(boost::asio::error::operation_aborted, 0);
    wire_->writer.finish(boost::asio::error::operation_aborted, 0);
  }
  void close() {
    cancel();
    wire_->out.has_ended = true;
  }
  void close(error_code& ec) {
    ec = {};
    close();
  }

  // As a socket that does not block: would_block where nothing comes any more by itself.
  template <class Buffers>
  std::size_t read_some(Buffers const& into, error_code& ec) {
    for (bool moved = true; moved; moved = wire_->settle()) {
      for (auto at = boost::asio::buffer_sequence_begin(into);
           at != boost::asio::buffer_sequence_end(into); ++at) {
        if (auto const n = wire_->give(*at, ec)) return *n;
      }
    }
    ec = boost::asio::error::would_block;
    return 0;
  }
  template <class Buffers>
  std::size_t write_some(Buffers const& from, error_code& ec) {
    std::string bytes(boost::asio::buffer_size(from), '\0');
    boost::asio::buffer_copy(boost::asio::buffer(bytes), from);
    for (bool moved = true; moved; moved = wire_->settle()) {
      if (auto const n = wire_->take(bytes, ec)) return *n;
    }
    ec = boost::asio::error::would_block;
    return 0;
  }

  template <class Buffers, class Token>
  auto async_read_some(Buffers const& into, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, Buffers const& b) {
          auto& reader = wire_->reader;
          if (reader.handler) wire_->misuse = "two reads at once on the next layer";
          reader.finish(boost::asio::error::operation_aborted, 0);
          reader.into.assign(boost::asio::buffer_sequence_begin(b),
                             boost::asio::buffer_sequence_end(b));
          start(&wire::reader, std::move(handler));
        },
        token, into);
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& from, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, Buffers const& b) {
          auto& writer = wire_->writer;
          if (writer.handler) wire_->misuse = "two writes at once on the next layer";
          writer.finish(boost::asio::error::operation_aborted, 0);
          writer.from.assign(boost::asio::buffer_sequence_begin(b),
                             boost::asio::buffer_sequence_end(b));
          start(&wire::writer, std::move(handler));
        },
        token, from);
  }

private:
  template <class Handler>
  void start(wire::waiting wire::*which, Handler handler) {
    auto& operation = *wire_.*which;
    operation.executor = boost::asio::get_associated_executor(handler, executor_);
    operation.handler.emplace(std::move(handler));
    // The slot of what is kept, which has taken over that of `handler`.
    auto slot = boost::asio::get_associated_cancellation_slot(*operation.handler);
    if (!slot.is_connected()) return;
    slot.assign([which, keep = std::weak_ptr<wire>(wire_)](boost::asio::cancellation_type) {
      auto const alive = keep.lock();
      if (alive) (*alive.*which).finish(boost::asio::error::operation_aborted, 0);
    });
  }

  executor_type executor_;
  std::shared_ptr<wire> wire_;
};

}  // namespace tls_async::test::model
