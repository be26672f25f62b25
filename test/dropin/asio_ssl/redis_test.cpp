// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Boost.Redis over our stream, with a server of a few lines behind ours.
#include "../connection.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/redis/connection.hpp>
#include <boost/redis/logger.hpp>
#include <boost/redis/src.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <string>
#include <tuple>
#include <vector>

namespace tls_async::test {
namespace {

namespace redis = boost::redis;
using tls_socket = ssl::stream<tcp::socket>;

// Answers HELLO with a map and anything else with its last argument (RESP3), until the client ends.
asio::awaitable<void> serve(tls_socket& client, std::vector<std::string>& commands) {
  co_await client.async_handshake(tls_socket::server, asio::use_awaitable);
  std::string received;
  auto const line = [&]() -> asio::awaitable<std::string> {
    std::size_t const n = co_await asio::async_read_until(client, asio::dynamic_buffer(received),
                                                          "\r\n", asio::use_awaitable);
    std::string const taken = received.substr(0, n - 2);
    received.erase(0, n);
    co_return taken;
  };
  for (;;) {
    int const parts = std::stoi((co_await line()).substr(1));  // *parts
    std::vector<std::string> command;
    for (int i = 0; i != parts; ++i) {
      (void)co_await line();  // $length
      command.push_back(co_await line());
    }
    commands.push_back(command.front());
    std::string const& last = command.back();
    std::string const answer = command.front() == "HELLO"
                                   ? "%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n"
                                   : "$" + std::to_string(last.size()) + "\r\n" + last + "\r\n";
    co_await asio::async_write(client, asio::buffer(answer), asio::use_awaitable);
  }
}

BOOST_AUTO_TEST_SUITE(asio_ssl)

BOOST_AUTO_TEST_CASE(redis_greets_and_asks) {
  asio::io_context io;
  contexts with;
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  tls_socket server(io, with.server);
  std::vector<std::string> commands;
  acceptor.async_accept(server.lowest_layer(), [&](error_code ec) {
    require(ec, "accept");
    asio::co_spawn(io, serve(server, commands), [](std::exception_ptr) {});
  });

  redis::config config;
  config.use_ssl = true;
  config.addr = {"127.0.0.1", std::to_string(acceptor.local_endpoint().port())};
  config.health_check_interval = std::chrono::seconds::zero();
  config.reconnect_wait_interval = std::chrono::seconds::zero();
  redis::connection client(io, std::move(with.client));
  redis::request request;
  request.push("PING", "are you there?");
  redis::response<std::string> answer;
  error_code asked = asio::error::would_block;
  client.async_exec(request, answer, [&](error_code ec, std::size_t) {
    asked = ec;
    client.cancel();
  });
  auto const run_client = [&](auto& any_version) {
    auto const nothing = [](error_code) {};
    if constexpr (requires { any_version.async_run(config, nothing); }) {
      any_version.async_run(config, nothing);
    } else {
      any_version.async_run(config, redis::logger(redis::logger::level::emerg), nothing);
    }
  };
  run_client(client);
  run(io);
  BOOST_TEST(!asked, asked.message());
  BOOST_TEST(std::get<0>(answer).value() == "are you there?");
  BOOST_TEST(commands.front() == "HELLO");
  BOOST_TEST(server.stats().records_sealed == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
