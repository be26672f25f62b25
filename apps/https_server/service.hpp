// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What all sessions of a server share, in one place that each of them refers to.
#pragma once

#include "options.hpp"
#include "reply.hpp"
#include "static_files.hpp"
#include "websocket_memory.hpp"

#include "serving/listener.hpp"
#include "serving/metrics.hpp"
#include "serving/server_log.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>

namespace https_server {

struct service {
  connection_limits const& limits;
  bool ktls;
  static_files const* files;  // null: there is only our own page
  std::string hsts;           // the field of every response, unless it is empty
  serving::server_log& log;
  serving::counters& counted;
  websocket_memory& websockets;
  std::function<boost::asio::awaitable<serving::server_totals>()> totals;  // from any executor

  // Adds what every response has, a refusal too.
  void complete(reply& response) const {
    if (!hsts.empty()) response.header.set(http::field::strict_transport_security, hsts);
  }
};

}  // namespace https_server
