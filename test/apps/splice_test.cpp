// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The pipe between two sockets of tls_proxy, and the count of records behind it.
#include "splice.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>

#include <sys/resource.h>

namespace tls_proxy {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

struct between_sockets {
  between_sockets() {
    tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
    source.connect(acceptor.local_endpoint());
    acceptor.accept(from);
    acceptor.set_option(asio::socket_base::receive_buffer_size(16'384));
    to.connect(acceptor.local_endpoint());
    acceptor.accept(target);
    for (auto* const each : {&from, &to})
      each->non_blocking(true);
    BOOST_REQUIRE(pipe.borrow());
  }
  // Waits for something.
  std::size_t fill() {
    from.wait(tcp::socket::wait_read);
    return pipe.fill(from.native_handle(), error);
  }
  std::size_t drain() { return pipe.drain(to.native_handle(), error); }

  asio::io_context io;
  tcp::socket source{io}, from{io}, to{io}, target{io};
  lent_pipe pipe;
  error_code error;
};

BOOST_FIXTURE_TEST_SUITE(spliced, between_sockets)

BOOST_AUTO_TEST_CASE(carries_bytes_and_says_when_there_are_none) {
  BOOST_TEST(pipe.fill(from.native_handle(), error) == 0u);
  BOOST_TEST(error == asio::error::would_block);
  asio::write(source, asio::buffer("bytes", 5));
  BOOST_TEST(fill() == 5u);
  BOOST_TEST(error == error_code());
  BOOST_TEST(drain() == 5u);
  BOOST_TEST(error == error_code());
  std::string read(5, '\0');
  asio::read(target, asio::buffer(read));
  BOOST_TEST(read == "bytes");
  source.close();
  BOOST_TEST(fill() == 0u);
  BOOST_TEST(error == asio::error::eof);
}

BOOST_AUTO_TEST_CASE(keeps_what_a_full_socket_does_not_take) {
  to.set_option(asio::socket_base::send_buffer_size(16'384));
  std::string sent;
  std::size_t filled = 0, drained = 0;
  for (int i = 0; !error; ++i) {
    auto const part = std::to_string(i) + std::string(60'000, '.');
    asio::write(source, asio::buffer(part));
    sent += part;
    while (!error && filled != sent.size()) {
      filled += fill();
      BOOST_TEST_REQUIRE(error == error_code());
      drained += drain();
    }
  }
  BOOST_TEST(error == asio::error::would_block);
  BOOST_TEST(drained < filled);
  std::string read(filled, '\0');
  for (std::size_t at = 0; at != filled;) {
    at += target.read_some(asio::buffer(read) + at);
    if (at == drained) to.wait(tcp::socket::wait_write);
    drained += drain();
    BOOST_TEST_REQUIRE((at < drained || at == filled), "bytes were lost");
  }
  BOOST_TEST(drained == filled);
  BOOST_TEST((read == sent.substr(0, filled)));
}

// Whoever borrows next must not send another connection's bytes.
BOOST_AUTO_TEST_CASE(is_empty_when_it_is_borrowed_again) {
  asio::write(source, asio::buffer("secret", 6));
  BOOST_TEST(fill() == 6u);
  pipe.give_back();
  BOOST_REQUIRE(pipe.borrow());
  asio::write(source, asio::buffer("mine", 4));
  BOOST_TEST(fill() == 4u);
  BOOST_TEST(drain() == 4u);
  std::string read(64, '\0');
  BOOST_TEST(target.read_some(asio::buffer(read)) == 4u);
  BOOST_TEST(read.substr(0, 4) == "mine");
}

BOOST_AUTO_TEST_CASE(is_kept_by_the_thread_for_the_next_one) {
  auto const before = open_descriptors();
  pipe.give_back();
  lent_pipe next;
  BOOST_REQUIRE(next.borrow());
  BOOST_TEST(open_descriptors() == before);
  lent_pipe many[lent_pipe::most_kept + 3];
  for (auto& each : many)
    BOOST_REQUIRE(each.borrow());
  for (auto& each : many)
    each.give_back();
  auto const kept = static_cast<std::ptrdiff_t>(2 * lent_pipe::most_kept);
  BOOST_TEST(open_descriptors() == before + kept);
}

BOOST_AUTO_TEST_CASE(is_not_to_be_had_without_descriptors) {
  lent_pipe all[lent_pipe::most_kept];  // nothing is kept then
  for (auto& each : all)
    BOOST_REQUIRE(each.borrow());
  rlimit before{};
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit const none{3, before.rlim_max};
  lent_pipe one_more;
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  bool const is_there = one_more.borrow();
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  BOOST_TEST(!is_there);
  BOOST_TEST(one_more.borrow());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(each_key_seals_as_many_records_as_are_safe) {
  sealed_records count;
  for (std::size_t i = 0; i != (std::size_t{1} << 24) - 1; ++i)
    count.add(1);
  BOOST_TEST(!count.are_all_that_are_safe());
  count.add(1);
  BOOST_TEST(count.are_all_that_are_safe());
  sealed_records of_bytes;
  of_bytes.add(std::size_t{1} << 38);
  BOOST_TEST(of_bytes.are_all_that_are_safe());
}

}  // namespace
}  // namespace tls_proxy
