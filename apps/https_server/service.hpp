// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What all sessions of a server share, in one place that each of them refers to.
#pragma once

#include "access_log.hpp"
#include "options.hpp"
#include "static_files.hpp"

#include <tls_async/core/stats.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>

namespace https_server {

struct server_totals {
  tls_async::stats stats;  // of all connections, those that have ended included
  std::size_t connections = 0;
};

struct service {
  connection_limits const& limits;
  bool ktls;
  static_files const* files;  // null: there is only our own page
  access_log& log;
  std::function<boost::asio::awaitable<server_totals>()> totals;  // from any executor
};

}  // namespace https_server
