// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a program of Beast's needs beside the stream: tls_write for messages of HTTP, and what a
// WebSocket needs to end a connection: found by argument-dependent lookup, as for
// boost::asio::ssl::stream.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/beast_write.hpp>
#include <tls_async/io/async_stream.hpp>
#include <tls_async/io/shutdown.hpp>
#include <tls_async/io/stream.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include <utility>

namespace tls_async {

// For calls without a namespace, which look here first.
using boost::beast::get_lowest_layer;

/// Ends the session, then the next layer. Blocks until the peer has ended too.
template <async_stream NextLayer, class Clock>
void teardown(boost::beast::role_type role, stream<NextLayer, Clock>& s,
              boost::system::error_code& ec) {
  using boost::beast::websocket::teardown;
  s.shutdown(ec);
  boost::system::error_code next_layer;
  teardown(role, s.next_layer(), next_layer);
  if (!ec) ec = next_layer;
}

/// Ends the session, then the next layer, within `stream_options::shutdown_deadline`.
///
/// Handler: `void(error_code)`. Default token: none. Header: `<tls_async/beast.hpp>`.
///
/// @snippet verbs.cpp async_teardown
template <async_stream NextLayer, class Clock, class Handler>
void async_teardown(boost::beast::role_type role, stream<NextLayer, Clock>& s, Handler&& handler) {
  enum class stage { shutdown, next_layer, done };
  boost::asio::async_compose<Handler, void(boost::system::error_code)>(
      [role, &s, at = stage::shutdown, result = boost::system::error_code()](
          auto& self, boost::system::error_code ec = {}) mutable {
        using boost::beast::websocket::async_teardown;
        switch (at) {
          case stage::shutdown:
            at = stage::next_layer;
            return tls_shutdown(s, std::move(self));
          case stage::next_layer:
            at = stage::done;
            result = ec;
            return async_teardown(role, s.next_layer(), std::move(self));
          case stage::done:
            return self.complete(result ? result : ec);
        }
      },
      handler, s);
}

}  // namespace tls_async
