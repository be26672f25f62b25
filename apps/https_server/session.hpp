// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One connection: handshake, the requests in the version of HTTP that ALPN selected, shutdown.
// Every wait has its deadline.
#pragma once

#include "client.hpp"

#include "serving/admission.hpp"
#include "serving/connection.hpp"
#include "serving/stall_watch.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>

namespace https_server {

class session : public serving::connection, public std::enable_shared_from_this<session> {
public:
  session(boost::asio::ip::tcp::socket socket, boost::asio::ip::tcp::endpoint const& from,
          std::shared_ptr<serving::arrival> as, std::shared_ptr<tls_async::context> tls,
          service const& server);

  void start(end_handler ended) override;

  // Ends the connection once the requests under way are answered.
  void finish() override;
  // Ends the connection now.
  void abort() override { client_.abort(); }

  tls_async::stats stats() const noexcept override { return client_.stream.stats(); }

private:
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<bool> handshake();
  boost::asio::awaitable<void> shut_down(bool has_body);

  std::shared_ptr<serving::arrival> arrival_;
  client client_;
  serving::stall_watch stall_watch_;  // while HTTP/1.1 sends something
};

}  // namespace https_server
