// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A next layer that can fail: an end of a memory link, whose own memory never runs out. As with a
// socket, there may be none for a handler when an operation starts, and then nothing has started.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstddef>
#include <new>
#include <optional>
#include <utility>

#include <tls_async_test/memory_link.hpp>
#include "trap.hpp"

namespace tls_async::test::torture {

class failing_layer {
public:
  using executor_type = boost::asio::any_io_executor;
  using lowest_layer_type = failing_layer;

  explicit failing_layer(memory_stream end) : end_(std::move(end)) {}
  failing_layer(failing_layer&&) = default;
  failing_layer& operator=(failing_layer&&) = delete;
  ~failing_layer() {
    disarmed const scope;
    end_.reset();
  }

  [[nodiscard]] executor_type get_executor() const { return end_->get_executor(); }
  [[nodiscard]] lowest_layer_type& lowest_layer() { return *this; }
  [[nodiscard]] lowest_layer_type const& lowest_layer() const { return *this; }

  void close() {
    disarmed const scope;
    end_->close();
  }
  void cancel() {
    disarmed const scope;
    end_->cancel();
  }

  template <class Buffers, class Token>
  auto async_read_some(Buffers const& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, boost::asio::mutable_buffer into) {
          start("a read of the next layer", boost::asio::error::eof, into, std::move(handler),
                [this](auto place, auto then) { end_->async_read_some(place, std::move(then)); });
        },
        token, boost::asio::mutable_buffer(*boost::asio::buffer_sequence_begin(buffers)));
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, boost::asio::const_buffer from) {
          start("a write of the next layer", boost::asio::error::broken_pipe, from,
                std::move(handler),
                [this](auto place, auto then) { end_->async_write_some(place, std::move(then)); });
        },
        token, boost::asio::const_buffer(*boost::asio::buffer_sequence_begin(buffers)));
  }

private:
  template <class Buffer, class Handler, class Start>
  void start(char const* what, error_code end, Buffer buffer, Handler handler, Start really) {
    ::operator delete(::operator new(1));  // as an operation of a socket takes memory
    bool const fails = trap::springs(kind::next_layer, what);
    manner const how = trap::how();
    disarmed const scope;
    if (!fails) return really(buffer, std::move(handler));
    if (how == manner::brief)
      return really(Buffer(buffer.data(), std::min<std::size_t>(buffer.size(), trap::few_bytes())),
                    std::move(handler));
    error_code const ec = how == manner::reset ? boost::asio::error::connection_reset
                          : how == manner::end ? end
                                               : error_code();
    auto const executor = boost::asio::get_associated_executor(handler, get_executor());
    boost::asio::post(executor, boost::asio::append(std::move(handler), ec, std::size_t{0}));
  }

  std::optional<memory_stream> end_;
};

}  // namespace tls_async::test::torture
