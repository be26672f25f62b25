// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The rest of the surface of boost::asio::ssl::stream: types, construction, moving, received bytes,
// tokens, buffers, errors.
#include "connection.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/detect_ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tls_async::test {
namespace {

template <class NextLayer>
constexpr bool has_the_types_of_asio() {
  using ours = our_stream<NextLayer>;
  using theirs = asio_stream<NextLayer>;
  return std::is_same_v<typename ours::next_layer_type, typename theirs::next_layer_type> &&
         std::is_same_v<typename ours::lowest_layer_type, typename theirs::lowest_layer_type> &&
         std::is_same_v<typename ours::executor_type, typename theirs::executor_type> &&
         std::is_same_v<typename ours::native_handle_type, typename theirs::native_handle_type> &&
         std::is_same_v<beast::lowest_layer_type<ours>, beast::lowest_layer_type<theirs>> &&
         std::is_base_of_v<ssl::stream_base, ours> && std::is_move_constructible_v<ours> &&
         std::is_move_assignable_v<ours> && !std::is_copy_constructible_v<ours> &&
         std::is_constructible_v<ours, NextLayer, ssl::context&> &&
         beast::is_async_stream<ours>::value && beast::is_sync_stream<ours>::value;
}
static_assert(has_the_types_of_asio<tcp::socket>());
static_assert(has_the_types_of_asio<tcp::socket&>());
static_assert(has_the_types_of_asio<beast::tcp_stream>());
static_assert(has_the_types_of_asio<local_socket>());
static_assert(has_the_types_of_asio<asio_stream<tcp::socket>>());
static_assert(std::is_constructible_v<our_stream<tcp::socket>, asio::io_context&, ssl::context&>);
static_assert(
    std::is_constructible_v<our_stream<tcp::socket>, asio::any_io_executor, ssl::context&>);
static_assert(std::is_constructible_v<our_stream<tcp::socket>, tcp::socket, SSL*>);

// A line through both, to see that they are usable.
template <class Stream>
std::string pass(asio::io_context& io, Stream& from, Stream& to, std::string line) {
  std::string received;
  line += '\n';
  asio::async_write(from, asio::buffer(line),
                    [](error_code ec, std::size_t) { require(ec, "write"); });
  asio::async_read_until(to, asio::dynamic_buffer(received), '\n',
                         [](error_code ec, std::size_t) { require(ec, "read"); });
  io.run();
  io.restart();
  if (!received.empty()) received.pop_back();
  return received;
}

BOOST_AUTO_TEST_SUITE(surface)

BOOST_AUTO_TEST_CASE_TEMPLATE(layers_and_executor_are_those_below, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  auto& stream = over.client.stream;
  auto const& fixed = stream;
  BOOST_TEST(&stream.next_layer() == &fixed.next_layer());
  BOOST_TEST(&stream.lowest_layer() == &stream.next_layer().lowest_layer());
  BOOST_TEST(&fixed.lowest_layer() == &stream.lowest_layer());
  BOOST_TEST(&beast::get_lowest_layer(stream) == &stream.next_layer());
  BOOST_TEST((stream.get_executor() == over.io.get_executor()));
  BOOST_TEST(stream.lowest_layer().is_open());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(socket_made_by_the_stream_connects, Stream,
                              both_streams<tcp::socket>) {
  asio::io_context io;
  contexts with;
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  Stream client(io, with.client), server(io.get_executor(), with.server);
  client.lowest_layer().connect(acceptor.local_endpoint());
  acceptor.accept(server.lowest_layer());
  handshake(io, client, server);
  BOOST_TEST(pass(io, client, server, "hello") == "hello");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(session_of_the_application_is_taken_over, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  SSL* const session = SSL_new(over.with.client.native_handle());
  Stream client(std::move(over.client.stream.next_layer()), session);
  BOOST_TEST(client.native_handle() == session);
  handshake(over.io, client, over.server.stream);
  BOOST_TEST(pass(over.io, client, over.server.stream, "hello") == "hello");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(native_handle_sets_and_tells, Stream, both_streams<tcp::socket>) {
  connection<Stream> over;
  SSL* const client = over.client.stream.native_handle();
  BOOST_TEST(SSL_set_tlsext_host_name(client, "example.test") == 1);
  SSL_set_max_proto_version(client, TLS1_2_VERSION);
  SSL_set_app_data(client, &over);
  handshake(over);
  BOOST_TEST(SSL_version(client) == TLS1_2_VERSION);
  BOOST_TEST(SSL_get_app_data(client) == &over);
  SSL_set_app_data(client, nullptr);  // asio::ssl::stream takes it for its own, and deletes it
  BOOST_TEST(SSL_get_servername(over.server.stream.native_handle(), TLSEXT_NAMETYPE_host_name) ==
             std::string("example.test"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stream_is_moved_in_mid_session, Stream, both_streams<tcp::socket>) {
  connection<Stream> over;
  handshake(over);
  Stream moved(std::move(over.client.stream));
  BOOST_TEST(pass(over.io, moved, over.server.stream, "hello") == "hello");
  over.client.stream = std::move(moved);
  BOOST_TEST(pass(over.io, over.server.stream, over.client.stream, "again") == "again");
}

// How Asio's programs reconnect.
BOOST_AUTO_TEST_CASE_TEMPLATE(assigned_stream_makes_a_new_session, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  handshake(over);
  for (int again = 0; again != 2; ++again) {
    auto [a, b] = connected_sockets<tcp::socket>(over.io);
    over.client.stream = Stream(std::move(a), over.with.client);
    over.server.stream = Stream(std::move(b), over.with.server);
    handshake(over);
    BOOST_TEST(pass(over.io, over.client.stream, over.server.stream, "hello") == "hello");
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(server_that_detects_tls_gives_its_bytes_to_the_handshake, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  beast::flat_buffer received;
  auto& server = over.server.stream;
  bool done = false;
  beast::async_detect_ssl(server.next_layer(), received, [&](error_code ec, bool is_tls) {
    require(ec, "detection");
    BOOST_TEST(is_tls);
    server.async_handshake(Stream::server, received.data(), [&](error_code end, std::size_t used) {
      require(end, "server handshake");
      received.consume(used);
      done = true;
    });
  });
  over.client.stream.async_handshake(Stream::client,
                                     [](error_code ec) { require(ec, "client handshake"); });
  over.io.run();
  over.io.restart();
  BOOST_TEST(done);
  BOOST_TEST(received.size() == 0);
  BOOST_TEST(pass(over.io, over.client.stream, server, "hello") == "hello");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(buffer_sequence_may_be_a_temporary, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  handshake(over);
  std::string const head = "head ", body = "body ", tail = "tail";
  auto const pieces = [&] {
    return std::vector<asio::const_buffer>{
        asio::buffer(head), asio::buffer(body), {}, asio::buffer(tail)};
  };
  std::string received(14, '\0');
  auto const places = [&] {
    return std::vector<asio::mutable_buffer>{
        asio::buffer(received.data(), 3), {}, asio::buffer(received.data() + 3, 11)};
  };
  asio::async_write(over.client.stream, pieces(), [](error_code ec, std::size_t n) {
    require(ec, "write");
    BOOST_TEST(n == 14);
  });
  asio::async_read(over.server.stream, places(), [](error_code ec, std::size_t n) {
    require(ec, "read");
    BOOST_TEST(n == 14);
  });
  over.io.run();
  over.io.restart();
  BOOST_TEST(received == "head body tail");

  std::size_t written = 0, read = 0;
  over.client.stream.async_write_some(pieces(), [&](error_code, std::size_t n) { written = n; });
  over.server.stream.async_read_some(places(), [&](error_code, std::size_t n) { read = n; });
  over.io.run();
  BOOST_TEST(written > 0);
  BOOST_TEST(read > 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(empty_buffers_complete_without_io, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  handshake(over);
  int done = 0;
  auto const count = [&](error_code ec, std::size_t n) {
    BOOST_TEST(!ec);
    BOOST_TEST(n == 0);
    ++done;
  };
  over.client.stream.async_write_some(asio::const_buffer(), count);
  over.client.stream.async_read_some(asio::mutable_buffer(), count);
  BOOST_TEST(done == 0);  // never from the initiating function
  over.io.run();
  BOOST_TEST(done == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(end_of_the_stream_has_asios_errors, Stream,
                              both_streams<tcp::socket>) {
  for (bool const says_goodbye : {true, false}) {
    connection<Stream> over;
    handshake(over);
    auto& server = over.server.stream;
    if (says_goodbye) {
      server.async_shutdown([](error_code) {});
    } else {
      server.lowest_layer().close();
    }
    std::array<char, 10> place{};
    error_code result;
    over.client.stream.async_read_some(asio::buffer(place), [&](error_code ec, std::size_t) {
      result = ec;
      over.client.stream.async_shutdown([](error_code) {});
    });
    over.io.run();
    if (says_goodbye) {
      BOOST_TEST(result == asio::error::eof);
    } else {
      BOOST_TEST(result == ssl::error::stream_truncated);
    }
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(any_completion_handler_is_a_token, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  handshake(over);
  std::string const sent = "type-erased";
  std::string received(sent.size(), '\0');
  std::size_t done = 0;
  asio::any_completion_handler<void(error_code, std::size_t)> written =
      [&](error_code ec, std::size_t n) { done += ec ? 0 : n; };
  asio::any_completion_handler<void(error_code, std::size_t)> read =
      [&](error_code ec, std::size_t n) { done += ec ? 0 : n; };
  asio::any_completion_handler<void(error_code)> ended = [&](error_code ec) { done += ec ? 0 : 1; };
  over.client.stream.async_write_some(asio::buffer(sent), std::move(written));
  over.server.stream.async_read_some(asio::buffer(received), std::move(read));
  over.io.run();
  over.io.restart();
  BOOST_TEST(done == 2 * sent.size());
  over.client.stream.async_shutdown(std::move(ended));
  over.server.stream.async_shutdown(asio::detached);
  over.io.run();
  BOOST_TEST(done == 2 * sent.size() + 1);
  BOOST_TEST(received == sent);
}

// The executor of the next layer may name the token to use when none is given.
BOOST_AUTO_TEST_CASE(default_token_is_the_executors) {
  using socket = asio::use_awaitable_t<>::as_default_on_t<tcp::socket>;
  auto const talk = []<class Stream>(
                        Stream& stream,
                        ssl::stream_base::handshake_type role) -> asio::awaitable<void> {
    co_await stream.async_handshake(role);
    std::array<char, 5> bytes{'h', 'e', 'l', 'l', 'o'};
    if (role == Stream::client) {
      co_await stream.async_write_some(asio::buffer(bytes));
    } else {
      std::size_t const n = co_await stream.async_read_some(asio::buffer(bytes));
      BOOST_TEST(n == 5);
    }
    co_await stream.async_shutdown();
  };
  auto const both = [&]<class Stream>(std::type_identity<Stream>) {
    asio::io_context io;
    contexts with;
    auto [a, b] = connected_sockets<tcp::socket>(io);
    Stream client(socket(std::move(a)), with.client), server(socket(std::move(b)), with.server);
    int ended = 0;
    auto const end = [&ended](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
      ++ended;
    };
    asio::co_spawn(io, talk(client, Stream::client), end);
    asio::co_spawn(io, talk(server, Stream::server), end);
    io.run();
    BOOST_TEST(ended == 2);
  };
  both(std::type_identity<asio_stream<socket>>());
  both(std::type_identity<our_stream<socket>>());
}

// Asio leaves what a handler throws to the caller of run(), and goes on with the next run().
BOOST_AUTO_TEST_CASE_TEMPLATE(handler_that_throws_leaves_the_stream_usable, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  handshake(over);
  auto& client = over.client.stream;
  std::array<char, 10> place{};
  client.async_read_some(asio::buffer(place),
                         [](error_code, std::size_t) { throw std::runtime_error("handler"); });
  over.server.stream.async_write_some(asio::buffer("x", 1), asio::detached);
  BOOST_CHECK_THROW(over.io.run(), std::runtime_error);
  over.io.run();
  over.io.restart();
  BOOST_TEST(pass(over.io, client, over.server.stream, "still there") == "still there");
  BOOST_TEST(pass(over.io, over.server.stream, client, "still there") == "still there");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
