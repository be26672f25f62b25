// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A small library that has boost::asio::ssl::stream inside, by name, in the ways of those that do:
// as a member, in specialisations and overloads, and declared without a definition. What is called
// asio_stream in echo.hpp is ours here.
#include "../echo.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <tls_async/tls_async.hpp>

#include <array>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace boost::asio::ssl {
template <class Stream>
class stream;  // as Boost.MQTT5, Boost.MySQL and Beast have it
}

namespace a_library {

namespace asio = boost::asio;

template <class Stream>
struct traits {
  static constexpr bool has_tls = false;
};
template <class NextLayer>
struct traits<asio::ssl::stream<NextLayer>> {
  static constexpr bool has_tls = true;
};

template <class NextLayer>
constexpr std::string_view kind_of(asio::ssl::stream<NextLayer>&) {
  return "TLS";
}

// Over a socket that it keeps, with a session for each connection.
class client {
public:
  using next_layer_type = asio::ssl::stream<asio::generic::stream_protocol::socket&>;

  client(asio::ip::tcp::socket socket, asio::ssl::context& context)
      : socket_(std::move(socket)), stream_(socket_, context) {}

  template <class Handler>
  void async_ask(std::string question, Handler handler) {
    question_ = std::move(question);
    stream_.async_handshake(
        next_layer_type::client, [this, handler](boost::system::error_code ec) mutable {
          if (ec) return handler(ec, std::string());
          asio::async_write(stream_, asio::buffer(question_), [](auto, auto) {});
          asio::async_read_until(stream_, asio::dynamic_buffer(answer_), '\n',
                                 [this, handler](boost::system::error_code read,
                                                 std::size_t) mutable { handler(read, answer_); });
        });
  }
  next_layer_type& next_layer() { return stream_; }

private:
  asio::generic::stream_protocol::socket socket_;
  next_layer_type stream_;
  std::string question_, answer_;
};

}  // namespace a_library

namespace tls_async::test {
namespace {

using aliased = ssl::stream<tcp::socket>;
static_assert(std::is_base_of_v<tls_async::stream<tcp::socket>, aliased>);
static_assert(std::is_nothrow_move_constructible_v<aliased> &&
              std::is_nothrow_move_assignable_v<aliased> && !std::is_copy_constructible_v<aliased>);
static_assert(std::is_constructible_v<aliased, asio::io_context&, ssl::context&>);
static_assert(std::is_constructible_v<aliased, tcp::socket, tls_async::context&>);
static_assert(std::is_constructible_v<aliased, tcp::socket, SSL*>);
static_assert(std::is_same_v<aliased::lowest_layer_type, tcp::socket::lowest_layer_type>);
static_assert(a_library::traits<aliased>::has_tls);
static_assert(!a_library::traits<tcp::socket>::has_tls);

using streams = boost::mpl::list<aliased, ssl::stream<tcp::socket&>, ssl::stream<beast::tcp_stream>,
                                 ssl::stream<ssl::stream<tcp::socket>>>;

void rethrow(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

BOOST_AUTO_TEST_SUITE(asio_ssl)

BOOST_AUTO_TEST_CASE(library_connects_with_our_stream) {
  asio::io_context io;
  contexts with;
  auto [a, b] = connected_sockets<tcp::socket>(io);
  a_library::client client(std::move(a), with.client);
  aliased server(std::move(b), with.server);
  std::string line, answer;
  server.async_handshake(aliased::server, [&](error_code ec) {
    require(ec, "server handshake");
    asio::async_read_until(server, asio::dynamic_buffer(line), '\n', [&](error_code read, auto) {
      require(read, "server read");
      asio::async_write(server, asio::buffer(line), [](error_code, auto) {});
    });
  });
  client.async_ask("who is inside?\n", [&](error_code ec, std::string got) {
    require(ec, "question");
    answer = std::move(got);
  });
  io.run();
  BOOST_TEST(answer == "who is inside?\n");
  BOOST_TEST(a_library::kind_of(client.next_layer()) == "TLS");
  BOOST_TEST(client.next_layer().stats().records_sealed == 1U);
}

// As it is written for Asio's.
BOOST_AUTO_TEST_CASE_TEMPLATE(coroutines_echo, Stream, streams) {
  connection<Stream> over;
  int ended = 0;
  auto const end = [&ended](std::exception_ptr thrown) {
    rethrow(thrown);
    ++ended;
  };
  asio::co_spawn(over.io, coroutine_echo_server(over.server.stream), end);
  asio::co_spawn(over.io, coroutine_echo_client(over.client.stream), end);
  run(over.io);
  BOOST_TEST(ended == 2);
}

BOOST_AUTO_TEST_CASE(our_verbs_take_it) {
  connection<aliased> over;
  std::array<char, 10> place{};
  std::string_view received;
  error_code ended;
  tls_handshake(over.client.stream, as_client{"localhost"}, [&](error_code ec) {
    require(ec, "client handshake");
    tls_write(over.client.stream, asio::buffer("five5", 5), [&](error_code written, auto) {
      require(written, "client write");
      tls_shutdown(over.client.stream, [&](error_code shut) { ended = shut; });
    });
  });
  tls_handshake(over.server.stream, as_server{}, [&](error_code ec) {
    require(ec, "server handshake");
    tls_read_some(over.server.stream, asio::buffer(place), [&](error_code read, std::size_t n) {
      require(read, "server read");
      received = {place.data(), n};
      tls_shutdown(over.server.stream, [](error_code) {});
    });
  });
  over.io.run();
  BOOST_TEST(received == "five5");
  BOOST_TEST(!ended);
}

// The teardown is Beast's own, for Asio's stream: no other header is needed.
BOOST_AUTO_TEST_CASE(websocket_of_beast_closes_it) {
  using websocket = beast::websocket::stream<ssl::stream<beast::tcp_stream>>;
  connection<ssl::stream<beast::tcp_stream>> over;
  handshake(over);
  websocket client(std::move(over.client.stream)), server(std::move(over.server.stream));
  error_code closed;
  server.async_accept([&](error_code ec) {
    require(ec, "accept");
    server.async_close({}, [](error_code) {});
  });
  beast::flat_buffer buffer;
  client.async_handshake("localhost", "/", [&](error_code ec) {
    require(ec, "upgrade");
    client.async_read(buffer, [&](error_code read, auto) { closed = read; });
  });
  over.io.run();
  BOOST_TEST((closed == beast::websocket::error::closed), closed.message());
  int const both = SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN;
  BOOST_TEST(SSL_get_shutdown(client.next_layer().native_handle()) == both);
}

BOOST_AUTO_TEST_CASE(ssl_stream_of_beast_stands_on_it) {
  using wrapped = beast::ssl_stream<tcp::socket>;
  asio::io_context io;
  contexts with;
  auto [a, b] = connected_sockets<tcp::socket>(io);
  wrapped client(std::move(a), with.client), server(std::move(b), with.server);
  handshake(io, client, server);
  std::array<char, 5> place{};
  std::size_t read = 0;
  client.async_write_some(asio::buffer("hello", 5), [](error_code ec, auto) { require(ec, "w"); });
  server.async_read_some(asio::buffer(place), [&](error_code, std::size_t n) { read = n; });
  io.run();
  BOOST_TEST(read == 5U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
