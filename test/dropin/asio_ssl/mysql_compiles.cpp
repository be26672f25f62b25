// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Boost.MySQL over our stream: each of its connections that has TLS, with what uses it.
#include <boost/mysql.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <type_traits>

namespace asio = boost::asio;
namespace mysql = boost::mysql;

static_assert(std::is_base_of_v<tls_async::stream<asio::ip::tcp::socket>,
                                mysql::tcp_ssl_connection::stream_type>);

void connect_all(asio::io_context& io, asio::ssl::context& context, mysql::connect_params& params) {
  mysql::any_connection any(io);
  any.async_connect(params, asio::detached);
  mysql::connection_pool pool(io, mysql::pool_params());
  pool.async_run(asio::detached);

  mysql::handshake_params const login("user", "password");
  mysql::results result;
  mysql::tcp_ssl_connection tcp(io, context);
  tcp.connect(asio::ip::tcp::endpoint(), login);
  tcp.async_execute("SELECT 1", result, asio::detached);
  mysql::unix_ssl_connection local(io, context);
  local.connect(asio::local::stream_protocol::endpoint("socket"), login);
  local.close();
}
