// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <stdexcept>

#include "support/engine_of.hpp"
#include "support/on_descriptor.hpp"
#include "trial_of.hpp"

namespace tls_async::test {
namespace {

using local = boost::asio::local::stream_protocol;

stream_options on_descriptor() {
  stream_options options;
  options.ktls = ktls::tx;
  return options;
}

std::pair<local::socket, local::socket> connected_sockets(boost::asio::io_context& io) {
  std::pair<local::socket, local::socket> ends{local::socket(io), local::socket(io)};
  boost::asio::local::connect_pair(ends.first, ends.second);
  return ends;
}

// At the end of the transport the peer closes one way, or both.
class socket_link {
public:
  using stream_type = tls_async::stream<local::socket>;

  socket_link(boost::asio::io_context& io, far_end& peer, scene const& where)
      : peer_(peer),
        resets_(where.speed == pace::all_at_once),
        ends_(connected_sockets(io)),
        stream_(make_stream<stream_type>(where, std::move(ends_.first), on_descriptor())) {
    stay_on_descriptor(engine_of(stream_));
    ends_.second.non_blocking(true);
  }

  stream_type& stream() { return stream_; }
  bool deliver() {
    bool const has_come = collect();
    if (has_ended_) return has_come;
    if (auto const chunk = peer_.next()) {
      boost::asio::write(ends_.second, boost::asio::buffer(*chunk));
      return true;
    }
    has_ended_ = true;
    if (resets_) {
      ends_.second.close();
    } else {
      ends_.second.shutdown(local::socket::shutdown_send);
    }
    return true;
  }
  bool collect() {
    auto const& engine = engine_of(stream_);
    if (engine.handshake_done() && !engine.path().sends_directly() && !engine.failure()) {
      throw std::logic_error("the stream is not on its descriptor");
    }
    bool has_come = false;
    std::array<char, 65'536> place;
    boost::system::error_code ec;
    while (!is_reset()) {
      std::size_t const n = ends_.second.read_some(boost::asio::buffer(place), ec);
      if (ec) break;
      peer_.receive({place.data(), n});
      has_come = true;
    }
    return has_come;
  }
  [[nodiscard]] bool is_reset() const { return !ends_.second.is_open(); }

private:
  far_end& peer_;
  bool resets_;
  bool has_ended_ = false;
  std::pair<local::socket, local::socket> ends_;
  stream_type stream_;
};

}  // namespace

outcome meet_on_descriptor(scene const& where, std::vector<placed_deed> const& plan) {
  return trial<socket_link>(where, plan).run();
}

}  // namespace tls_async::test
