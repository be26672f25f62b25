// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the streams of a random script run over, and how the script lets their ciphertext through:
// the memory link, and sockets of the kernel on whose descriptors OpenSSL itself works.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>

#include <tls_async_test/memory_link.hpp>
#include "memory_service.hpp"

namespace tls_async::test {

class memory_transport {
public:
  using next_layer_type = memory_stream;
  static constexpr bool has_descriptors = false;

  explicit memory_transport(boost::asio::io_context& io)
      : io_(io), ends_(memory_stream::make(io.get_executor())) {}

  next_layer_type take(std::size_t end) { return std::move(end == 0 ? ends_.first : ends_.second); }
  /// Lives as long as the stream, which tells where it has put what it took, and has its timer.
  class watch : memory_service::watch {
  public:
    watch(memory_transport& transport, std::size_t end, memory_stream& next_layer)
        : memory_service::watch(boost::asio::use_service<memory_service>(transport.io_),
                                next_layer) {
      transport.links_.at(end) = &next_layer;
    }
  };
  [[nodiscard]] memory_stream& link(std::size_t end) { return *links_.at(end); }
  /// Nothing moves between the steps of the event loop.
  static bool settle() { return false; }

private:
  boost::asio::io_context& io_;
  std::pair<memory_stream, memory_stream> ends_;
  std::array<memory_stream*, 2> links_{};
};

/// Two pairs of local sockets, and the script between their other ends. What a stream writes is
/// blocked in its middle all the time: the kernel holds as little as it can.
class socket_transport {
public:
  using next_layer_type = boost::asio::local::stream_protocol::socket;
  static constexpr bool has_descriptors = true;

  /// One direction, by the end that writes.
  class link_type {
  public:
    link_type(next_layer_type& from, next_layer_type& to) : from_(from), to_(to) {}

    [[nodiscard]] pipe_options& outgoing() { return options_; }
    void deliver(std::size_t n) {
      options_.held = true;
      granted_ += n;
      settle();
    }
    [[nodiscard]] std::size_t undelivered() const { return bytes_.size(); }
    /// Bytes that the stream's socket has taken.
    [[nodiscard]] std::size_t writes() const {
      int queued = 0;
      ::ioctl(from_.native_handle(), FIONREAD, &queued);
      return taken_ + static_cast<std::size_t>(queued);
    }
    bool settle() {
      bool moved = false;
      while (take() || hand_over())
        moved = true;
      if (has_ended_ && bytes_.empty() && !end_is_told_) {
        end_is_told_ = moved = true;
        ::shutdown(to_.native_handle(), SHUT_WR);
      }
      return moved;
    }

  private:
    bool take() {
      std::array<char, 16'384> room;
      std::size_t const space = options_.capacity - std::min(options_.capacity, bytes_.size());
      std::size_t const n = std::min({space, options_.largest_transfer, room.size()});
      if (n == 0 || has_ended_) return false;
      auto const taken = ::recv(from_.native_handle(), room.data(), n, MSG_DONTWAIT);
      if (taken <= 0) {
        has_ended_ = taken == 0;
        return has_ended_;
      }
      bytes_.append(room.data(), static_cast<std::size_t>(taken));
      taken_ += static_cast<std::size_t>(taken);
      return true;
    }
    bool hand_over() {
      std::size_t const may = options_.held ? granted_ : unbounded;
      std::size_t const n = std::min({bytes_.size(), options_.largest_transfer, may});
      if (n == 0) return false;
      auto const sent = ::send(to_.native_handle(), bytes_.data(), n, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) return false;
      auto const gone = sent < 0 ? n : static_cast<std::size_t>(sent);  // nobody reads any more
      bytes_.erase(0, gone);
      if (options_.held) granted_ -= gone;
      return true;
    }

    next_layer_type& from_;
    next_layer_type& to_;
    pipe_options options_;
    std::string bytes_;
    std::size_t granted_ = 0;
    std::size_t taken_ = 0;
    bool has_ended_ = false;
    bool end_is_told_ = false;
  };

  explicit socket_transport(boost::asio::io_context& io)
      : near_{next_layer_type(io), next_layer_type(io)},
        far_{next_layer_type(io), next_layer_type(io)} {
    for (std::size_t i = 0; i != near_.size(); ++i) {
      boost::asio::local::connect_pair(near_.at(i), far_.at(i));
      boost::asio::socket_base::send_buffer_size const least(1);
      near_.at(i).set_option(least);
      far_.at(i).set_option(least);
    }
  }

  next_layer_type take(std::size_t end) { return std::move(near_.at(end)); }
  struct watch {
    watch(socket_transport const&, std::size_t, next_layer_type const&) {}
  };
  [[nodiscard]] link_type& link(std::size_t end) { return links_.at(end); }
  bool settle() {
    bool const first = links_[0].settle();
    bool const second = links_[1].settle();
    return first || second;
  }

private:
  std::array<next_layer_type, 2> near_, far_;
  std::array<link_type, 2> links_{link_type(far_[0], far_[1]), link_type(far_[1], far_[0])};
};

}  // namespace tls_async::test
