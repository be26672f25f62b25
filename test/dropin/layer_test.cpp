// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Next layers that are no sockets of Asio's, and the layers' names as Beast's examples use them.
#include "connection.hpp"

#include <tls_async/beast.hpp>

#include <boost/asio/deferred.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <type_traits>

namespace tls_async::test {
namespace {

using test_stream = beast::test::stream;

BOOST_AUTO_TEST_SUITE(layer)

BOOST_AUTO_TEST_CASE_TEMPLATE(test_stream_of_beast_carries_a_session, Stream,
                              both_streams<test_stream>) {
  asio::io_context io;
  contexts with;
  Stream client(io, with.client), server(io, with.server);
  client.next_layer().connect(server.next_layer());
  int done = 0;
  client.async_handshake(Stream::client, [&](error_code ec) { done += !ec; });
  server.async_handshake(Stream::server, [&](error_code ec) { done += !ec; });
  io.run();
  io.restart();
  BOOST_TEST_REQUIRE(done == 2);
  std::string const sent(100'000, 'x');
  std::string received(sent.size(), '\0');
  asio::async_write(client, asio::buffer(sent), [&](error_code ec, std::size_t) { done += !ec; });
  asio::async_read(server, asio::buffer(received), [&](error_code ec, std::size_t) {
    done += !ec;
    server.async_shutdown([&](error_code end) { done += !end; });
    client.async_shutdown([&](error_code end) { done += !end; });
  });
  io.run();
  BOOST_TEST(done == 6);
  BOOST_TEST((received == sent));
  BOOST_TEST(&client.lowest_layer() == &client.next_layer());
}

// It knows no cancellation: closing it is what ends the read that waits in it.
BOOST_AUTO_TEST_CASE(test_stream_goes_with_its_stream) {
  asio::io_context io;
  contexts with;
  auto ended = error_code();
  {
    our_stream<test_stream> server(io, with.server);
    test_stream peer(io);
    peer.connect(server.next_layer());
    server.async_handshake(ssl::stream_base::server, [&](error_code ec) { ended = ec; });
    io.poll();
  }
  io.restart();
  io.run();
  BOOST_TEST(ended == asio::error::operation_aborted);
}

// As in Beast's examples, which have `namespace beast = boost::beast` and call it like this.
BOOST_AUTO_TEST_CASE(lowest_layer_is_found_without_a_namespace) {
  connection<our_stream<beast::tcp_stream>> over;
  auto& stream = over.client.stream;
  BOOST_TEST(&get_lowest_layer(stream) == &stream.next_layer());
  BOOST_TEST(&beast::get_lowest_layer(stream) == &stream.next_layer());
}

template <class Stream>
void start_all_without_a_token(Stream& s) {
  std::array<char, 5> place{};
  std::array const buffers{asio::const_buffer("hello", 5), asio::const_buffer()};
  std::array const places{asio::buffer(place)};
  (void)s.async_handshake(Stream::client);
  (void)s.async_handshake(Stream::client, asio::const_buffer());
  (void)s.async_handshake(Stream::client, buffers);
  (void)s.async_read_some(asio::buffer(place));
  (void)s.async_read_some(places);
  (void)s.async_write_some(asio::const_buffer());
  (void)s.async_write_some(buffers);
  (void)s.async_shutdown();
}

// What is deferred and not launched does nothing.
BOOST_AUTO_TEST_CASE(each_operation_has_a_default_token) {
  using named = asio::deferred_t::as_default_on_t<tcp::socket>;
  asio::io_context io;
  contexts with;
  our_stream<tcp::socket> usual(io, with.client);
  our_stream<named> with_name(io, with.client);
  asio_stream<named> theirs(io, with.client);
  start_all_without_a_token(usual);
  start_all_without_a_token(with_name);
  start_all_without_a_token(theirs);
  BOOST_TEST(io.poll() == 0U);
}

// Asio's stream knows no other executor: libraries that change the default token of a client make
// an exception for it by name, and for nothing else.
template <class Stream>
using with_deferred = asio::deferred_t::as_default_on_t<Stream>;
using named_socket = with_deferred<tcp::socket>;
using named_layer = with_deferred<beast::tcp_stream>;
static_assert(std::is_same_v<with_deferred<our_stream<tcp::socket>>, our_stream<named_socket>>);
static_assert(std::is_same_v<with_deferred<our_stream<tcp::socket&>>, our_stream<named_socket&>>);
static_assert(std::is_same_v<with_deferred<our_stream<our_stream<tcp::socket>>>,
                             our_stream<our_stream<named_socket>>>);
static_assert(std::is_same_v<with_deferred<beast::websocket::stream<our_stream<beast::tcp_stream>>>,
                             beast::websocket::stream<our_stream<named_layer>>>);

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
