// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A stream under test as the suite sees it. The only part of the suite that is compiled for each
// type of stream, by a program with its own Asio.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <concepts>
#include <memory>
#include <string_view>
#include <utility>

#include <tls_async_test/hand_fed_stream.hpp>
#include <tls_async_test/stream_traits.hpp>
#include <tls_async_test/subject.hpp>

namespace tls_async::test {

template <class Stream, class Traits = stream_traits<Stream>>
class subject_of final : public subject {
public:
  subject_of(stream_settings const& with, far_end& peer)
      : side_(with.side), stream_(Traits::make(hand_fed_stream(io_.get_executor(), peer), with)) {}

  void start_handshake(handler done) override {
    Traits::handshake(*stream_, side_, token(verb::handshake, std::move(done)));
  }
  void start_read(char* into, std::size_t size, handler done) override {
    stream_->async_read_some(boost::asio::buffer(into, size), token(verb::read, std::move(done)));
  }
  void start_write(std::string_view from, handler done) override {
    stream_->async_write_some(boost::asio::buffer(from.data(), from.size()),
                              token(verb::write, std::move(done)));
  }
  void start_shutdown(handler done) override {
    stream_->async_shutdown(token(verb::shutdown, std::move(done)));
  }
  void cancel(verb which) override { signal(which).emit(boost::asio::cancellation_type::terminal); }

  bool settle() override {
    constexpr int many = 1'000'000;
    io_.restart();
    for (int i = 0; i != many; ++i) {
      if (io_.poll_one() == 0) return true;
    }
    return false;
  }
  bool let_time_pass() override {
    constexpr bool can = requires(boost::asio::io_context & io) { Traits::let_time_pass(io); };
    if constexpr (can) Traits::let_time_pass(io_);
    return can;
  }
  SSL* native_handle() override {
    if constexpr (requires(Stream & s) {
                    { s.native_handle() } -> std::convertible_to<SSL*>;
                  }) {
      return stream_->native_handle();
    } else {
      return nullptr;
    }
  }

  bool deliver() override { return layer().deliver(); }
  bool holds_write() override { return layer().is_writing(); }
  void release_write() override { layer().release_write(); }
  void cancel_next_layer() override { layer().cancel(); }
  layer_faults& faults() override { return layer().faults(); }
  std::size_t reads() override { return layer().reads(); }
  std::size_t writes() override { return layer().writes(); }
  std::size_t undelivered() override { return layer().undelivered(); }

private:
  hand_fed_stream& layer() { return stream_->next_layer(); }
  boost::asio::cancellation_signal& signal(verb which) {
    return signals_.at(static_cast<std::size_t>(which));
  }
  auto token(verb which, handler done) {
    return boost::asio::bind_cancellation_slot(
        signal(which).slot(),
        [done = std::move(done)](boost::system::error_code ec, std::size_t n = 0) { done(ec, n); });
  }

  role side_;
  boost::asio::io_context io_{1};
  std::array<boost::asio::cancellation_signal, 4> signals_;
  std::unique_ptr<Stream> stream_;  // goes before the signals, to which its operations still refer
};

template <class Stream, class Traits = stream_traits<Stream>>
subject_factory subjects_of() {
  return [](stream_settings const& with, far_end& peer) {
    return std::make_unique<subject_of<Stream, Traits>>(with, peer);
  };
}

}  // namespace tls_async::test
