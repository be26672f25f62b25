// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The Beast HTTP server and client in each style, and that the deadlines of beast::tcp_stream still
// work.
#include "http.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <future>
#include <string>

namespace tls_async::test {
namespace {

// That the programs are ones for Asio's stream is shown by the first. The other styles stay with
// the most usual next layer: each of these pairs takes the compiler seconds.
using over_tcp_streams = boost::mpl::list<asio_stream<beast::tcp_stream>,  //
                                          our_stream<beast::tcp_stream>,   //
                                          our_stream<our_stream<beast::tcp_stream>>>;
using usual = our_stream<beast::tcp_stream>;

BOOST_AUTO_TEST_SUITE(beast_http)

template <class Stream, class Token>
void talk(Token token, bool records_are_short = false) {
  connection<Stream> over;
  if (records_are_short) {
    SSL* const client = over.client.stream.native_handle();
    BOOST_REQUIRE_EQUAL(SSL_set_tlsext_max_fragment_length(client, TLSEXT_max_fragment_length_512),
                        1);
  }
  int ended = 0;
  auto const end = [&ended](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
    ++ended;
  };
  asio::co_spawn(over.io, coroutine_http_server(over.server.stream, token), end);
  asio::co_spawn(over.io, coroutine_http_client(over.client.stream, token), end);
  run(over.io);
  BOOST_TEST(ended == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(works_with_use_awaitable, Stream, over_tcp_streams) {
  talk<Stream>(asio::use_awaitable);
}

// max_fragment_length (RFC 6066 section 4).
BOOST_AUTO_TEST_CASE_TEMPLATE(works_where_a_client_wants_short_records, Stream, over_tcp_streams) {
  talk<Stream>(asio::use_awaitable, true);
}

BOOST_AUTO_TEST_CASE(works_with_deferred) { talk<usual>(asio::deferred); }

BOOST_AUTO_TEST_CASE(works_with_callbacks) {
  connection<usual> over;
  callback_http_server<usual> server(over.server.stream);
  callback_http_client<usual> client(over.client.stream);
  server.start();
  client.start();
  run(over.io);
  BOOST_TEST(client.ended);
  BOOST_TEST(server.ended);
}

BOOST_AUTO_TEST_CASE(works_with_use_future) {
  auto& over = lasting<connection<usual>>();
  bool served = false;
  asio::co_spawn(over.io, coroutine_http_server(over.server.stream, asio::use_awaitable),
                 [&served](std::exception_ptr thrown) { served = !thrown; });
  auto io = std::async(std::launch::async, [&] { run(over.io); });
  BOOST_CHECK_NO_THROW(future_http_client(over.client.stream));
  io.get();
  BOOST_TEST(served);
}

BOOST_AUTO_TEST_CASE(works_with_blocking_calls) {
  connection<usual> over;
  auto server = std::async(std::launch::async, [&] { blocking_http_server(over.server.stream); });
  BOOST_CHECK_NO_THROW(blocking_http_client(over.client.stream));
  BOOST_CHECK_NO_THROW(server.get());
}

BOOST_AUTO_TEST_SUITE_END()

// The deadline of the stream below, as Beast's programs set it. The peer is silent.
BOOST_AUTO_TEST_SUITE(tcp_stream_deadline)

constexpr auto soon = std::chrono::milliseconds(10);

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_a_handshake, Stream, over_tcp_streams) {
  connection<Stream> over;
  error_code result;
  beast::get_lowest_layer(over.client.stream).expires_after(soon);
  over.client.stream.async_handshake(Stream::client, [&](error_code ec) { result = ec; });
  run(over.io);
  BOOST_TEST(result == error_code(beast::error::timeout));
  BOOST_TEST(!beast::get_lowest_layer(over.client.stream).socket().is_open());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_a_read, Stream, over_tcp_streams) {
  connection<Stream> over;
  auto& client = over.client.stream;
  error_code result;
  std::array<char, 10> place{};
  client.async_handshake(Stream::client, [&](error_code ec) {
    require(ec, "client handshake");
    beast::get_lowest_layer(client).expires_after(soon);
    client.async_read_some(asio::buffer(place), [&](error_code end, std::size_t) { result = end; });
  });
  over.server.stream.async_handshake(Stream::server,
                                     [](error_code ec) { require(ec, "server handshake"); });
  run(over.io);
  BOOST_TEST(result == error_code(beast::error::timeout));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_a_write, Stream, over_tcp_streams) {
  connection<Stream> over;
  handshake(over);
  auto& client = over.client.stream;
  error_code result;
  std::string const more_than_the_sockets_hold(std::size_t{64} << 20, 'x');
  beast::get_lowest_layer(client).expires_after(soon);
  asio::async_write(client, asio::buffer(more_than_the_sockets_hold),
                    [&](error_code ec, std::size_t) { result = ec; });
  run(over.io);
  BOOST_TEST(result == error_code(beast::error::timeout));
}

// What Beast's programs do: a deadline for each step, taken back behind the last.
BOOST_AUTO_TEST_CASE_TEMPLATE(does_not_meet_what_ends_in_time, Stream, over_tcp_streams) {
  connection<Stream> over;
  auto& below_client = beast::get_lowest_layer(over.client.stream);
  below_client.expires_after(std::chrono::seconds(30));
  handshake(over);
  below_client.expires_never();
  error_code result = asio::error::would_block;
  over.server.stream.async_write_some(asio::buffer("x", 1), [](error_code, std::size_t) {});
  std::array<char, 10> place{};
  over.client.stream.async_read_some(asio::buffer(place),
                                     [&](error_code ec, std::size_t) { result = ec; });
  run(over.io);
  BOOST_TEST(!result);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
