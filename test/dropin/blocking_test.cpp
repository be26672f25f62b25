// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The blocking forms, each end on a thread of its own.
#include "connection.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <future>
#include <string>

namespace tls_async::test {
namespace {

using streams = boost::mpl::list<asio_stream<tcp::socket>,             //
                                 our_stream<tcp::socket>,              //
                                 our_stream<tcp::socket&>,             //
                                 our_stream<beast::tcp_stream>,        //
                                 our_stream<local_socket>,             //
                                 our_stream<our_stream<tcp::socket>>,  //
                                 our_stream<asio_stream<tcp::socket>>>;

auto apart(auto work) { return std::async(std::launch::async, work); }

BOOST_AUTO_TEST_SUITE(blocking)

BOOST_AUTO_TEST_CASE_TEMPLATE(echo_works, Stream, streams) {
  connection<Stream> over;
  auto server = apart([&stream = over.server.stream] {
    stream.handshake(Stream::server);
    std::string line;
    for (;;) {
      error_code ec;
      std::size_t const n = asio::read_until(stream, asio::dynamic_buffer(line), '\n', ec);
      if (ec == asio::error::eof) break;
      require(ec, "server read");
      line.erase(0, asio::write(stream, asio::buffer(line, n)));
    }
    stream.shutdown();
  });
  auto& client = over.client.stream;
  client.handshake(Stream::client);
  for (std::size_t const length : {1UL, 16'384UL, 16'385UL, 400'000UL}) {
    std::string sent(length, 'b');
    sent.back() = '\n';
    std::string received(length, '\0');
    BOOST_TEST(asio::write(client, asio::buffer(sent)) == length);
    BOOST_TEST(asio::read(client, asio::buffer(received)) == length);
    BOOST_TEST((sent == received));
  }
  client.shutdown();
  BOOST_CHECK_NO_THROW(server.get());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(read_some_ends_with_eof_behind_what_was_sent, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  auto server = apart([&stream = over.server.stream] {
    error_code ec;
    require(stream.handshake(Stream::server, ec), "server handshake");
    stream.write_some(asio::buffer("bye", 3));
    stream.shutdown(ec);  // waits for the client's
    return ec;
  });
  auto& client = over.client.stream;
  error_code ec;
  client.handshake(Stream::client, ec);
  BOOST_TEST(!ec);
  std::array<char, 100> place{};
  BOOST_TEST(client.read_some(asio::buffer(place), ec) == 3);
  BOOST_TEST(!ec);
  BOOST_TEST(client.read_some(asio::buffer(place), ec) == 0);
  BOOST_TEST(ec == asio::error::eof);
  BOOST_CHECK_THROW(client.read_some(asio::buffer(place)), boost::system::system_error);
  client.shutdown(ec);
  BOOST_TEST(!ec);
  BOOST_TEST(!server.get());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(end_without_close_notify_is_stream_truncated, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  auto server = apart([&stream = over.server.stream] {
    stream.handshake(Stream::server);
    asio::write(stream, asio::buffer("cut", 3));
    stream.lowest_layer().close();
  });
  auto& client = over.client.stream;
  client.handshake(Stream::client);
  std::string received;
  error_code ec;
  asio::read(client, asio::dynamic_buffer(received), ec);
  BOOST_TEST(ec == ssl::error::stream_truncated);
  BOOST_TEST(received == "cut");
  server.get();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(handshake_takes_bytes_that_were_received_before, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  auto server = apart([&stream = over.server.stream] {
    // At least the header of the first record; whatever more there is.
    std::array<char, 1000> received{};
    std::size_t const n =
        asio::read(stream.next_layer(), asio::buffer(received), asio::transfer_at_least(5));
    stream.handshake(Stream::server, asio::buffer(received, n));
    stream.shutdown();
  });
  over.client.stream.handshake(Stream::client);
  over.client.stream.shutdown();
  BOOST_CHECK_NO_THROW(server.get());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(failed_handshake_has_openssls_error, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  asio::write(over.client.stream.next_layer(), asio::buffer("GET / HTTP/1.1\r\n\r\n", 18));
  error_code ec;
  over.server.stream.handshake(Stream::server, ec);
  BOOST_TEST((ec.category() == asio::error::get_ssl_category()), ec);
  BOOST_TEST(ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_HTTP_REQUEST,
             ec.message());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(empty_buffers_are_done_at_once, Stream, both_streams<tcp::socket>) {
  connection<Stream> over;
  auto server = apart([&stream = over.server.stream] { stream.handshake(Stream::server); });
  over.client.stream.handshake(Stream::client);
  server.get();
  BOOST_TEST(over.client.stream.write_some(asio::const_buffer()) == 0);
  BOOST_TEST(over.client.stream.read_some(asio::mutable_buffer()) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
