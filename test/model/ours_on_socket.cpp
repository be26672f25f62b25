// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A stream of ours on a socket of Asio's, local or of TCP, or on a stream of Beast's over a local
// one. The script's network is behind the other end of that.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <stdexcept>

#include "ours_subject.hpp"
#include "socket_pump.hpp"

namespace tls_async::test::model {

using local = boost::asio::local::stream_protocol;
using boost::asio::ip::tcp;

void join(local::socket& near, local::socket& far) { boost::asio::local::connect_pair(near, far); }
void join(tcp::socket& near, tcp::socket& far) {
  tcp::acceptor acceptor(near.get_executor(), {boost::asio::ip::address_v4::loopback(), 0});
  near.connect(acceptor.local_endpoint());
  acceptor.accept(far);
  // Where little may be on its way, Nagle's algorithm would wait for time.
  near.set_option(tcp::no_delay(true));
  far.set_option(tcp::no_delay(true));
}

template <class Protocol>
class socket_layer {
public:
  /// It is the network itself.
  static constexpr bool is_network = false;
  using type = typename Protocol::socket;

  explicit socket_layer(stage const& on) : near_(on.io), far_(on.io) {
    join(near_, far_);
    pump_.emplace(on, far_.native_handle());
    // The kernel holds as little as it can, so that writes wait in their middle.
    near_.set_option(boost::asio::socket_base::send_buffer_size(1));
    far_.set_option(boost::asio::socket_base::send_buffer_size(1));
    near_.non_blocking(true);
  }
  type take() { return std::move(near_); }
  static void cancel(auto& stream) { stream.lowest_layer().cancel(); }

  bool move() { return pump_->move(); }

protected:
  type near_, far_;

private:
  std::optional<socket_pump> pump_;
};

// The kernel need not deliver at once, when the processor has other things to do. So nothing goes
// on before all has arrived that somebody could read.
class tcp_layer : public socket_layer<tcp> {
public:
  using socket_layer::socket_layer;

  type take() {
    near_descriptor_ = near_.native_handle();
    return socket_layer::take();
  }
  bool move() {
    bool moved = false;
    do {
      await_delivery();
    } while (socket_layer::move() && (moved = true));
    return moved;
  }

private:
  void await_delivery() {
    using clock = std::chrono::steady_clock;
    int const far = far_.native_handle();
    auto const end = clock::now() + std::chrono::seconds(30);
    while (is_on_its_way(near_descriptor_, far) || is_on_its_way(far, near_descriptor_)) {
      if (clock::now() > end) throw std::runtime_error{"the loopback does not deliver"};
      ::sched_yield();
    }
  }
  // Not acknowledged, and the receiver has nothing to read. False, too, when one of both is closed.
  static bool is_on_its_way(int from, int to) {
    int sent = 0, unread = 0, on = 1;
    if (::ioctl(from, SIOCOUTQ, &sent) != 0 || ::ioctl(to, FIONREAD, &unread) != 0) return false;
    pollfd state{from, 0, 0};
    if (sent == 0 || unread != 0 || ::poll(&state, 1, 0) != 0) return false;
    ::setsockopt(to, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    return true;
  }

  int near_descriptor_ = -1;
};

class beast_layer : public socket_layer<local> {
public:
  using type = boost::beast::basic_stream<local>;

  using socket_layer::socket_layer;
  type take() { return type(socket_layer::take()); }
  static void cancel(auto& stream) { stream.next_layer().cancel(); }
};

std::unique_ptr<subject> make_ours_on_socket(stage const& on) {
  if (is_chosen(on.of, "next_layer", "beast"))
    return std::make_unique<ours_subject<beast_layer>>(on);
  if (is_chosen(on.of, "next_layer", "tcp")) return std::make_unique<ours_subject<tcp_layer>>(on);
  return std::make_unique<ours_subject<socket_layer<local>>>(on);
}

}  // namespace tls_async::test::model
