// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Asio's codes for the ends of a session.
#pragma once

#include <tls_async/gates/session_parts.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <cstddef>

namespace tls_async::detail {

inline environment asio_environment(clock_function now, std::size_t stream_bytes) noexcept {
  return {.eof = boost::asio::error::eof,
          .truncated = boost::asio::ssl::error::stream_truncated,
          .openssl = &boost::asio::error::get_ssl_category(),
          .now = now,
          .stream_bytes = stream_bytes};
}

}  // namespace tls_async::detail
