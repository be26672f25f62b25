// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A stream of ours on a local socket of Asio's, or on a stream of Beast's over one. The script's
// network is behind the other end of that.
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include <sys/socket.h>

#include <array>

#include "ours_subject.hpp"

namespace tls_async::test::model {

using protocol = boost::asio::local::stream_protocol;

class socket_layer {
public:
  /// It is the network itself.
  static constexpr bool is_network = false;
  using type = protocol::socket;

  explicit socket_layer(stage const& on) : on_(on), near_(on.io), far_(on.io) {
    boost::asio::local::connect_pair(near_, far_);
    // The kernel holds as little as it can, so that writes wait in their middle.
    near_.set_option(boost::asio::socket_base::send_buffer_size(1));
    far_.set_option(boost::asio::socket_base::send_buffer_size(1));
    near_.non_blocking(true);
  }
  type take() { return std::move(near_); }
  static void cancel(auto& stream) { stream.lowest_layer().cancel(); }

  bool move() {
    bool moved = false;
    while (move_out() || move_in())
      moved = true;
    return moved;
  }

private:
  bool move_out() {
    std::array<char, 16'384> room;
    if (leaving_.empty() && !on_.over->out.has_ended) {
      auto const n = ::recv(far_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
      if (n > 0) leaving_.assign(room.data(), static_cast<std::size_t>(n));
      if (n == 0) on_.over->out.has_ended = true;
    }
    if (leaving_.empty()) return false;
    error_code ec;
    auto const taken = on_.over->take(leaving_, ec);
    if (ec) leaving_.clear();
    leaving_.erase(0, taken.value_or(0));
    on_.over->settle();
    return taken.value_or(0) != 0;
  }
  bool move_in() {
    std::array<char, 16'384> room;
    error_code ec;
    if (coming_.empty() && !told_end_) {
      auto const given = on_.over->give(boost::asio::buffer(room), ec);
      coming_.assign(room.data(), given.value_or(0));
    }
    if (ec) {
      told_end_ = true;
      ::shutdown(far_.native_handle(), ec == boost::asio::error::eof ? SHUT_WR : SHUT_RDWR);
    }
    if (coming_.empty()) return false;
    auto const sent =
        ::send(far_.native_handle(), coming_.data(), coming_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return false;
    coming_.erase(0, sent < 0 ? coming_.size() : static_cast<std::size_t>(sent));
    return true;
  }

  stage on_;
  type near_, far_;
  std::string leaving_, coming_;
  bool told_end_ = false;
};

class beast_layer : public socket_layer {
public:
  using type = boost::beast::basic_stream<protocol>;

  using socket_layer::socket_layer;
  type take() { return type(socket_layer::take()); }
  static void cancel(auto& stream) { stream.next_layer().cancel(); }
};

std::unique_ptr<subject> make_ours_on_socket(stage const& on) {
  if (is_chosen(on.of, "next_layer", "beast"))
    return std::make_unique<ours_subject<beast_layer>>(on);
  return std::make_unique<ours_subject<socket_layer>>(on);
}

}  // namespace tls_async::test::model
