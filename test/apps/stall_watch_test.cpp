// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What counts as progress of a peer, and when there is none.
#include "serving/stall_watch.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <vector>

namespace serving {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

BOOST_AUTO_TEST_SUITE(stall)

BOOST_AUTO_TEST_CASE(is_a_whole_limit_without_a_change) {
  stall_count count;
  for (std::uint64_t step = 1; step < 100; ++step) {
    BOOST_TEST(!count.is_stalled(step));
    for (int look = 1; look < stall_count::looks_in_limit; ++look)
      BOOST_TEST(!count.is_stalled(step));  // as seldom as may be
  }
  BOOST_TEST(count.is_stalled(99));
}

BOOST_AUTO_TEST_CASE(is_told_at_most_a_look_late) {
  stall_count count;
  for (int look = 0; look < stall_count::looks_in_limit; ++look)
    BOOST_TEST(!count.is_stalled(7));
  BOOST_TEST(count.is_stalled(7));
}

BOOST_AUTO_TEST_CASE(is_none_of_what_was_before_a_restart) {
  stall_count count;
  for (int round = 0; round < 3; ++round) {
    for (int look = 0; look < stall_count::looks_in_limit; ++look)
      BOOST_TEST(!count.is_stalled(0));
    count.restart();
  }
}

BOOST_AUTO_TEST_CASE(is_told_once_and_not_after_the_end) {
  asio::io_context io;
  int told = 0;
  auto const owner = std::make_shared<int>();
  stall_watch watch{io.get_executor(), std::chrono::nanoseconds(4), [] { return 7u; },
                    [&] { ++told; }};
  auto watched = watch.begin(owner);
  io.run();
  BOOST_TEST(told == 1);
  io.restart();
  watched.reset();
  watched = watch.begin(owner);
  watched.reset();
  io.run();
  BOOST_TEST(told == 1);
}

BOOST_AUTO_TEST_CASE(is_never_told_while_there_is_progress) {
  asio::io_context io;
  std::uint64_t progress = 0;
  auto const owner = std::make_shared<int>();
  stall_watch watch{io.get_executor(), std::chrono::nanoseconds(4), [&] { return ++progress / 2; },
                    [] { BOOST_ERROR("it goes on"); }};
  auto const watched = watch.begin(owner);
  while (progress < 1000)
    io.run_one();
}

BOOST_AUTO_TEST_CASE(is_told_to_nobody_who_is_gone) {
  asio::io_context io;
  auto owner = std::make_shared<int>();
  stall_watch watch{io.get_executor(), std::chrono::nanoseconds(4), [] { return 0u; },
                    [] { BOOST_ERROR("it is gone"); }};
  auto const watched = watch.begin(owner);
  owner.reset();
  io.run();
}

// The case that a completed write says nothing about: the kernel holds it all, and the peer reads
// piece by piece.
BOOST_AUTO_TEST_CASE(is_not_where_the_peer_reads_on_without_a_write) {
  asio::io_context io;
  tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  tcp::socket reader{io}, writer{io};
  reader.open(tcp::v4());
  reader.set_option(asio::socket_base::receive_buffer_size(16'384));
  reader.connect(acceptor.local_endpoint());
  acceptor.accept(writer);
  writer.non_blocking(true);
  std::string const content(65'536, 'x');
  boost::system::error_code full;
  std::size_t written = 0;
  while (!full)
    written += writer.write_some(asio::buffer(content), full);
  BOOST_TEST(full == asio::error::would_block);

  // Nothing is written any more. Each change is waited for, however long it takes.
  std::vector<char> piece(1024);
  std::size_t read = 0;
  for (int change = 0; change < 5; ++change) {
    auto const before = acknowledged_bytes(writer);
    while (acknowledged_bytes(writer) == before) {
      BOOST_TEST_REQUIRE(read + piece.size() < written);
      boost::system::error_code none;
      reader.non_blocking(true);
      read += reader.read_some(asio::buffer(piece), none);
    }
  }
  BOOST_TEST(acknowledged_bytes(writer) > 0u);
  writer.close();
  BOOST_TEST(acknowledged_bytes(writer) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace serving
