// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_sendfile without kernel TLS: every part of a file arrives as it is, in its turn, and what
// can't be read is an error with the count of what was sent.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "memory_session.hpp"
#include "temporary_file.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

struct sending : connected_session {
  explicit sending(std::size_t size, stream_options const& options = {})
      : connected_session(options), content(numbered_plaintext(size)), file(content) {
    keep_reading(server, received);
    settle();
  }
  ending send(std::uint64_t offset, std::uint64_t length) {
    ending sent;
    tls_sendfile(client, file.descriptor(), offset, length, sent.token());
    BOOST_TEST(!sent.done);
    settle();
    BOOST_REQUIRE(sent.done);
    return sent;
  }

  /// Nothing arrives until `release`, and no more than `capacity` bytes are on their way.
  void hold(std::size_t capacity) {
    client_end().deliver(0);
    client_end().outgoing().capacity = capacity;
  }
  void release() {
    client_end().deliver(unbounded / 2);
    settle();
  }

  std::string content;
  temporary_file file;
  sink received;
};

BOOST_AUTO_TEST_SUITE(sendfile)

BOOST_AUTO_TEST_CASE(file_arrives_whole_in_full_records_four_a_write) {
  sending s(1 << 20);
  auto const writes = s.client_end().writes();
  auto const sent = s.send(0, to_the_end);
  BOOST_TEST(sent.ec == error_code());
  BOOST_TEST(sent.bytes == s.content.size());
  BOOST_TEST((s.received.plaintext == s.content));
  BOOST_TEST(s.client_end().writes() - writes == 16U);
  BOOST_TEST(s.client.stats().records_sealed == 64U);
}

BOOST_AUTO_TEST_CASE(any_part_of_a_file_arrives) {
  constexpr std::size_t size = 150'000;
  for (std::size_t const offset : {0U, 1U, 16'384U, 65'535U, 65'536U, 149'999U}) {
    for (std::size_t const length : {1U, 16'384U, 16'385U, 65'536U, 65'537U, 150'000U}) {
      std::size_t const there = std::min(length, size - offset);
      sending s(size);
      auto const sent = s.send(offset, there);
      BOOST_TEST(sent.ec == error_code());
      BOOST_TEST(sent.bytes == there);
      BOOST_TEST((s.received.plaintext == s.content.substr(offset, there)));
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_to_send_sends_nothing) {
  sending s(100);
  auto const writes = s.client_end().writes();
  for (auto const& [offset, length] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {0, 0}, {50, 0}, {1'000, 0}, {100, to_the_end}, {1'000, to_the_end}}) {
    auto const sent = s.send(offset, length);
    BOOST_TEST(sent.ec == error_code());
    BOOST_TEST(sent.bytes == 0U);
  }
  BOOST_TEST(s.client_end().writes() == writes);
}

BOOST_AUTO_TEST_CASE(files_and_writes_go_out_in_the_order_they_were_started) {
  sending s(100'000);
  temporary_file const other("the other file");
  std::vector<ending> ends(5);
  tls_write(s.client, asio::buffer("before ", 7), ends[0].token());
  tls_sendfile(s.client, s.file.descriptor(), 0, to_the_end, ends[1].token());
  tls_write(s.client, asio::buffer(" between ", 9), ends[2].token());
  tls_sendfile(s.client, other.descriptor(), 4, 5, ends[3].token());
  tls_sendfile(s.client, s.file.descriptor(), 0, 10, ends[4].token());
  s.settle();
  for (auto const& ended : ends)
    BOOST_TEST((ended.done && !ended.ec));
  BOOST_TEST(
      (s.received.plaintext == "before " + s.content + " between other" + s.content.substr(0, 10)));
}

// Two files share the thread's window: each is read again where it stood.
BOOST_AUTO_TEST_CASE(two_streams_send_different_files_in_turns) {
  sending a(300'000), b(290'000);
  for (auto* const s : {&a, &b}) {
    s->client_end().outgoing().capacity = 30'000;
    s->client_end().outgoing().largest_transfer = 9'000;
  }
  ending of_a, of_b;
  tls_sendfile(a.client, a.file.descriptor(), 1, to_the_end, of_a.token());
  tls_sendfile(b.client, b.file.descriptor(), 2, to_the_end, of_b.token());
  while (!of_a.done || !of_b.done) {
    a.io.restart();
    b.io.restart();
    BOOST_REQUIRE(a.io.poll_one() + b.io.poll_one() != 0U);
  }
  a.settle();
  b.settle();
  BOOST_TEST((a.received.plaintext == a.content.substr(1)));
  BOOST_TEST((b.received.plaintext == b.content.substr(2)));
}

BOOST_AUTO_TEST_CASE(file_that_is_shorter_than_asked_for_is_an_error_with_the_count) {
  sending s(20'000);
  auto const sent = s.send(0, 30'000);
  BOOST_TEST(sent.ec == errc::file_ended);
  BOOST_TEST(sent.bytes == 20'000U);
  BOOST_TEST((s.received.plaintext == s.content));
  auto const beyond = s.send(20'001, 1);
  BOOST_TEST(beyond.ec == errc::file_ended);
  BOOST_TEST(beyond.bytes == 0U);
  BOOST_TEST(write_now(s, s.client, "goes on").ec == error_code());
  BOOST_TEST((s.received.plaintext == s.content + "goes on"));
}

BOOST_AUTO_TEST_CASE(file_that_shrinks_meanwhile_is_an_error_with_the_count) {
  sending s(1'000'000);
  s.hold(70'000);
  ending sent;
  tls_sendfile(s.client, s.file.descriptor(), 0, 1'000'000, sent.token());
  s.settle();
  BOOST_TEST(!sent.done);
  s.file.shrink_to(200'000);
  s.release();
  BOOST_TEST(sent.ec == errc::file_ended);
  BOOST_TEST(sent.bytes == 200'000U);
  BOOST_TEST((s.received.plaintext == s.content.substr(0, 200'000)));
}

BOOST_AUTO_TEST_CASE(file_overwritten_meanwhile_goes_out_as_it_is_when_it_is_read) {
  sending s(1'000'000);
  s.hold(70'000);
  ending sent;
  tls_sendfile(s.client, s.file.descriptor(), 0, 1'000'000, sent.token());
  s.settle();
  BOOST_TEST(!sent.done);
  std::string const newer(100'000, '#');
  s.file.overwrite(newer, 0);  // sealed already, its first part
  s.file.overwrite(newer, 900'000);
  s.release();
  BOOST_TEST(sent.ec == error_code());
  BOOST_TEST(sent.bytes == 1'000'000U);
  BOOST_TEST((s.received.plaintext.substr(0, 65'536) == s.content.substr(0, 65'536)));
  BOOST_TEST((s.received.plaintext.substr(900'000) == newer));
}

BOOST_AUTO_TEST_CASE(file_that_cannot_be_read_is_the_systems_error) {
  sending s(10);
  ending of_none, of_directory;
  int const directory = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  tls_sendfile(s.client, -1, 0, 1, of_none.token());
  tls_sendfile(s.client, directory, 0, to_the_end, of_directory.token());
  s.settle();
  ::close(directory);
  BOOST_TEST(of_none.ec == error_code(EBADF, boost::system::system_category()));
  BOOST_TEST(of_directory.ec == error_code(EISDIR, boost::system::system_category()));
  BOOST_TEST(s.send(0, 10).ec == error_code());
  BOOST_TEST((s.received.plaintext == s.content));
}

BOOST_AUTO_TEST_CASE(cancelled_file_reports_what_arrives_and_the_next_write_is_right) {
  sending s(1'000'000);
  s.hold(40'000);
  asio::cancellation_signal cancel;
  ending sent;
  tls_sendfile(s.client, s.file.descriptor(), 0, to_the_end,
               asio::bind_cancellation_slot(cancel.slot(), sent.token()));
  s.settle();
  cancel.emit(asio::cancellation_type::partial);
  s.settle();
  BOOST_TEST(sent.ec == asio::error::operation_aborted);
  BOOST_TEST(sent.bytes % 16'384 == 0U);
  s.release();
  BOOST_TEST(write_now(s, s.client, "next").ec == error_code());
  BOOST_TEST((s.received.plaintext == s.content.substr(0, sent.bytes) + "next"));
}

BOOST_AUTO_TEST_CASE(deadline_ends_a_file_and_keeps_the_stream) {
  sending s(1'000'000);
  s.hold(40'000);
  ending sent;
  tls_sendfile(s.client, s.file.descriptor(), 0, to_the_end, 3s, sent.token());
  s.settle();
  s.pass(3s);
  BOOST_TEST(sent.ec == asio::error::timed_out);
  s.release();
  BOOST_TEST((s.received.plaintext == s.content.substr(0, sent.bytes)));
}

BOOST_AUTO_TEST_CASE(file_after_close_write_is_refused) {
  sending s(10);
  ending closed;
  tls_close_write(s.client, closed.token());
  s.settle();
  auto const sent = s.send(0, 10);
  BOOST_TEST(sent.ec == errc::closed_for_writing);
  BOOST_TEST(sent.bytes == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
