// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The same life over a local socket pair, where OpenSSL works on the socket itself during the
// handshake, as for kernel TLS, and Asio's own operations take memory.
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <chrono>

#include "life.hpp"

namespace tls_async::test::torture {
namespace {

using socket = boost::asio::local::stream_protocol::socket;
using tls = stream<socket>;

struct socket_life_pair : life_pair<tls> {
  socket_life_pair(boost::asio::io_context& io, life_plan const& plan, bool is_tortured) {
    socket of_client(executor_of_side(io, is_tortured)), of_server(of_client.get_executor());
    boost::asio::local::connect_pair(of_client, of_server);
    make(plan, is_tortured, std::move(of_client), std::move(of_server));
  }
};

outcome live(life_plan const& plan) {
  outcome found;
  boost::asio::io_context io(1);
  socket_life_pair other(io, {.is_short = true}, false);
  socket_life_pair first(io, plan, true);
  run_life(found, io, first, other, [](std::chrono::seconds) {});
  return found;
}

stream_options with(ktls what) {
  stream_options options;
  options.ktls = what;
  return options;
}

}  // namespace

std::vector<script> socket_scripts() {
  return {{"socket",
           [] { return live({.updates_keys = true}); },
           [] { (void)contexts_of(context_kind::usual); },
           {kind::our_memory, kind::openssl_call}},
          {"ktls",
           [] { return live({.options = with(ktls::tx_rx)}); },
           [] { (void)contexts_of(context_kind::usual); },
           {kind::our_memory, kind::openssl_memory, kind::openssl_call}}};
}

}  // namespace tls_async::test::torture
