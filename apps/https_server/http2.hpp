// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// HTTP/2: requests beside each other. What is answered, counted and logged is the same as over
// HTTP/1.1; apps/http2 has the connection.
#pragma once

#include "client.hpp"

#include <boost/asio/awaitable.hpp>

namespace https_server {

// Until the connection has ended, in whatever way.
boost::asio::awaitable<void> serve_http2(client& of);

}  // namespace https_server
