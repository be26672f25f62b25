// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The listener for operators: /metrics, /ready and /live, over plain HTTP. Whoever reaches it may
// read them, and can hold up nobody: one small request for each connection, within 5 seconds, 16
// connections at once, of which the oldest makes room for one more.
#pragma once

#include "listener.hpp"
#include "live_context.hpp"
#include "metrics.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>

namespace serving {

class admin {
public:
  using more_metrics = std::function<std::string()>;

  // Listens at once, and answers for `server` while the io_context runs; all of these have to
  // outlive its last run. `tls` is asked, and `more` called, on the executor of `server`. Throws
  // std::runtime_error if it cannot listen.
  admin(boost::asio::io_context& io, boost::asio::ip::tcp::endpoint const& endpoint,
        listener& server, counters const& counted, live_context& tls, more_metrics more = {});

  boost::asio::ip::tcp::endpoint local_endpoint() const { return acceptor_.local_endpoint(); }

private:
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<std::string> current_metrics();
  boost::asio::awaitable<void> serve(boost::beast::tcp_stream& stream);

  boost::asio::any_io_executor executor_;
  boost::asio::ip::tcp::acceptor acceptor_;
  listener& server_;
  counters const& counted_;
  live_context& tls_;
  more_metrics more_;
  std::list<std::shared_ptr<boost::beast::tcp_stream>> open_;  // the oldest first
};

// Tells on standard output where it is.
void announce(admin const& there);

}  // namespace serving
