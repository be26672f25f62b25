// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The concept of what a stream can stand on. It is asked when a stream is made, not when one is
// named.
#include <tls_async/tls_async.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
template <class Executor>
using socket_on = asio::basic_stream_socket<tcp, Executor>;

struct of_a_layer_to_come {
  std::unique_ptr<stream<class layer_to_come>> s;  // not complete yet, and not asked about
};

BOOST_AUTO_TEST_SUITE(what_a_stream_stands_on)

BOOST_AUTO_TEST_CASE(what_asio_reads_from_and_writes_to_is_an_async_stream) {
  static_assert(async_stream<tcp::socket>);
  static_assert(async_stream<tcp::socket&>);
  static_assert(async_stream<socket_on<asio::io_context::executor_type>>);
  static_assert(async_stream<socket_on<asio::thread_pool::executor_type>>);
  static_assert(async_stream<socket_on<asio::strand<asio::any_io_executor>>>);
  static_assert(async_stream<asio::local::stream_protocol::socket>);
  static_assert(async_stream<asio::posix::stream_descriptor>);
  static_assert(async_stream<boost::beast::tcp_stream>);
  static_assert(async_stream<asio::ssl::stream<tcp::socket>>);
}

BOOST_AUTO_TEST_CASE(a_stream_is_an_async_stream) {
  static_assert(async_stream<stream<tcp::socket>>);
  static_assert(async_stream<stream<tcp::socket&>>);
  static_assert(async_stream<stream<stream<boost::beast::tcp_stream>&>>);
}

BOOST_AUTO_TEST_CASE(what_does_half_of_it_is_none) {
  static_assert(!async_stream<int>);
  static_assert(!async_stream<asio::io_context>);
  static_assert(!async_stream<tcp::acceptor>);
  static_assert(!async_stream<asio::ip::udp::socket>);
  static_assert(!async_stream<asio::readable_pipe>);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
