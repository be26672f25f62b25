// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The Beast WebSocket server and client in each style. Beast finds the teardown of our stream,
// which closes the TLS session and then the socket, by argument-dependent lookup.
#include "websocket.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <future>
#include <utility>

namespace tls_async::test {
namespace {

// That the programs are ones for Asio's stream is shown by the first. Other next layers are those
// of next_layer_test and http_test, and other tokens those of http_test: each of these pairs takes
// the compiler half a minute.
using usual = our_stream<beast::tcp_stream>;

template <class Stream>
struct websocket_connection : connection<Stream> {
  using stream_type = websocket::stream<Stream>;
  stream_type client_side{std::move(this->client.stream)};
  stream_type server_side{std::move(this->server.stream)};
};

// The session has been ended both ways: without a close_notify it would not have been.
template <class Stream>
bool was_closed(websocket::stream<Stream>& side) {
  int const both = SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN;
  return SSL_get_shutdown(side.next_layer().native_handle()) == both;
}

BOOST_AUTO_TEST_SUITE(beast_websocket)

template <class Stream>
void talk(bool records_are_short = false) {
  websocket_connection<Stream> over;
  if (records_are_short) {
    SSL* const client = over.client_side.next_layer().native_handle();
    BOOST_REQUIRE_EQUAL(SSL_set_tlsext_max_fragment_length(client, TLSEXT_max_fragment_length_512),
                        1);
  }
  int ended = 0;
  auto const end = [&ended](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
    ++ended;
  };
  asio::co_spawn(over.io, coroutine_websocket_server(over.server_side), end);
  asio::co_spawn(over.io, coroutine_websocket_client(over.client_side), end);
  run(over.io);
  BOOST_TEST(ended == 2);
  BOOST_TEST(was_closed(over.client_side));
  BOOST_TEST(was_closed(over.server_side));
  BOOST_TEST(!over.client_side.is_open());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(works_with_use_awaitable, Stream, both_streams<beast::tcp_stream>) {
  talk<Stream>();
}

// max_fragment_length (RFC 6066 section 4).
BOOST_AUTO_TEST_CASE_TEMPLATE(works_where_a_client_wants_short_records, Stream,
                              both_streams<beast::tcp_stream>) {
  talk<Stream>(true);
}

BOOST_AUTO_TEST_CASE(works_with_callbacks) {
  websocket_connection<usual> over;
  callback_websocket_server server(over.server_side);
  callback_websocket_client client(over.client_side);
  server.start();
  client.start();
  run(over.io);
  BOOST_TEST(client.closed);
  BOOST_TEST(server.closed);
  BOOST_TEST(was_closed(over.client_side));
}

BOOST_AUTO_TEST_CASE(works_with_blocking_calls) {
  websocket_connection<usual> over;
  auto server =
      std::async(std::launch::async, [&] { blocking_websocket_server(over.server_side); });
  BOOST_CHECK_NO_THROW(blocking_websocket_client(over.client_side));
  BOOST_CHECK_NO_THROW(server.get());
  BOOST_TEST(was_closed(over.client_side));
}

// What is compressed above TLS arrives as it was, in fewer bytes.
BOOST_AUTO_TEST_CASE(works_with_permessage_deflate) {
  websocket_connection<usual> over;
  websocket::permessage_deflate deflate;
  deflate.client_enable = deflate.server_enable = true;
  over.client_side.set_option(deflate);
  over.server_side.set_option(deflate);
  int ended = 0;
  auto const end = [&ended](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
    ++ended;
  };
  asio::co_spawn(over.io, coroutine_websocket_server(over.server_side), end);
  asio::co_spawn(over.io, coroutine_websocket_client(over.client_side), end);
  run(over.io);
  BOOST_TEST(ended == 2);
  BOOST_TEST(was_closed(over.client_side));
  BOOST_TEST(over.client_side.next_layer().stats().plaintext_sealed < 100'000U);
}

// The peer goes away without a word: the close ends by itself, at the latest with the deadline of
// the WebSocket stream.
BOOST_AUTO_TEST_CASE_TEMPLATE(close_ends_when_the_peer_is_gone, Stream,
                              both_streams<beast::tcp_stream>) {
  websocket_connection<Stream> over;
  error_code result;
  auto const chat = [&]() -> asio::awaitable<void> {
    co_await over.client_side.next_layer().async_handshake(ssl::stream_base::client,
                                                           asio::use_awaitable);
    co_await over.client_side.async_handshake("localhost", "/", asio::use_awaitable);
    over.server_side.next_layer().lowest_layer().close();
    co_await over.client_side.async_close(websocket::close_code::normal,
                                          asio::redirect_error(asio::use_awaitable, result));
  };
  auto const serve = [&]() -> asio::awaitable<void> {
    co_await over.server_side.next_layer().async_handshake(ssl::stream_base::server,
                                                           asio::use_awaitable);
    co_await over.server_side.async_accept(asio::use_awaitable);
  };
  auto const end = [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  };
  asio::co_spawn(over.io, serve, end);
  asio::co_spawn(over.io, chat, end);
  run(over.io);
  BOOST_TEST(result);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
