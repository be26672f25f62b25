// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// How writes become records and sends, and how many records one read takes: counted in memory,
// where the next layer accepts everything.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <vector>

#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

// Counts what one side sends from here on.
class sent {
public:
  explicit sent(memory_stream const& from)
      : from_(from), bytes_(from.written().size()), writes_(from.writes()) {}
  [[nodiscard]] std::vector<std::size_t> records() const { return records_written(from_, bytes_); }
  [[nodiscard]] std::size_t writes() const { return from_.writes() - writes_; }

private:
  memory_stream const& from_;
  std::size_t bytes_, writes_;
};

BOOST_AUTO_TEST_SUITE(batching)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W11"))
BOOST_DATA_TEST_CASE(mebibyte_leaves_in_at_most_17_writes_and_65_records, data::make({2, 3}),
                     minor) {
  auto client_context = client_of_tls_1(minor);
  connected_session s({}, client_context);
  auto const message = numbered_plaintext(1 << 20);
  sink received;
  keep_reading(s.server, received);
  s.settle();
  sent const counted(s.client_end());
  ending written;
  tls_write(s.client, asio::buffer(message), written.token());
  s.settle();
  BOOST_TEST(written.done);
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(written.bytes == message.size());
  BOOST_TEST_MESSAGE(counted.writes() << " writes, " << counted.records().size() << " records");
  BOOST_TEST(counted.writes() <= 17U);
  BOOST_TEST(counted.records().size() <= 65U);
  BOOST_TEST((received.plaintext == message));
}

BOOST_AUTO_TEST_CASE(header_and_body_leave_as_one_record_in_one_write) {
  connected_session s;
  std::string const header(200, 'h');
  std::string const body(10'240, 'b');
  std::array const both{asio::buffer(header), asio::buffer(body)};
  sent const counted(s.client_end());
  ending written;
  tls_write(s.client, both, written.token());
  s.settle();
  BOOST_TEST(written.bytes == header.size() + body.size());
  BOOST_TEST(counted.writes() == 1U);
  BOOST_TEST(counted.records().size() == 1U);
  sink received;
  keep_reading(s.server, received);
  s.settle();
  BOOST_TEST((received.plaintext == header + body));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W1"))
BOOST_DATA_TEST_CASE(message_of_any_size_arrives_whole,
                     data::make({0U, 1U, 16'383U, 16'384U, 16'385U, 32'768U, 65'536U, 65'537U,
                                 1'048'576U}),
                     size) {
  connected_session s;
  auto const message = numbered_plaintext(size);
  sink received;
  keep_reading(s.server, received);
  sent const counted(s.client_end());
  ending written;
  tls_write(s.client, asio::buffer(message), written.token());
  BOOST_TEST(!written.done);
  s.settle();
  BOOST_TEST(written.done);
  BOOST_TEST(written.bytes == size);
  BOOST_TEST(counted.records().size() == (size + max_record_plaintext - 1) / max_record_plaintext);
  BOOST_TEST((received.plaintext == message));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W1"))
BOOST_AUTO_TEST_CASE(sequence_of_any_pieces_arrives_whole) {
  connected_session s;
  auto const message = numbered_plaintext(200'000);
  std::vector<asio::const_buffer> pieces;
  for (std::size_t at = 0, size = 0; at < message.size(); ++size) {
    // Empty ones, small ones, ones around a record, in turn.
    std::size_t const wanted = std::array<std::size_t, 5>{0, 1, 16'383, 700, 16'385}.at(size % 5);
    pieces.push_back(asio::buffer(asio::buffer(message) + at, wanted));
    at += pieces.back().size();
  }
  sink received;
  keep_reading(s.server, received);
  ending written;
  tls_write(s.client, pieces, written.token());
  s.settle();
  BOOST_TEST(written.bytes == message.size());
  BOOST_TEST((received.plaintext == message));
}

BOOST_AUTO_TEST_CASE(one_read_takes_every_record_that_is_there) {
  connected_session s;
  // Session tickets out of the way.
  ending first;
  std::array<char, 65'536> place{};
  tls_read_some(s.client, asio::buffer(place), first.token());
  auto const message = numbered_plaintext(40'000);
  ending written;
  tls_write(s.server, asio::buffer("x", 1), written.token());
  s.settle();
  BOOST_TEST(first.bytes == 1U);

  written = {};
  sent const counted(s.server_end());
  tls_write(s.server, asio::buffer(message), written.token());
  s.settle();
  BOOST_TEST(written.done);
  BOOST_TEST(counted.records().size() == 3U);
  ending read;
  tls_read_some(s.client, asio::buffer(place), read.token());
  s.settle();
  BOOST_TEST(read.bytes == message.size());
  BOOST_TEST((std::string(place.data(), read.bytes) == message));
}

BOOST_AUTO_TEST_CASE(one_read_fills_a_buffer_sequence) {
  connected_session s;
  auto const message = numbered_plaintext(33'000);
  ending written, read;
  tls_write(s.client, asio::buffer(message), written.token());
  s.settle();
  std::string first(5, '\0'), second(20'000, '\0'), third(40'000, '\0');
  std::array<asio::mutable_buffer, 4> const places{asio::buffer(first), asio::mutable_buffer(),
                                                   asio::buffer(second), asio::buffer(third)};
  tls_read_some(s.server, places, read.token());
  s.settle();
  BOOST_TEST(read.bytes == message.size());
  BOOST_TEST((first + second + third.substr(0, read.bytes - 20'005) == message));
}

BOOST_AUTO_TEST_CASE(read_takes_what_fits_and_the_next_the_rest_without_the_next_layer) {
  connected_session s;
  auto const message = numbered_plaintext(33'000);
  ending written;
  tls_write(s.client, asio::buffer(message), written.token());
  s.settle();
  std::string received;
  std::array<char, 10'000> place{};
  std::size_t reads = 0;
  for (; received.size() < message.size(); ++reads) {
    ending read;
    tls_read_some(s.server, asio::buffer(place), read.token());
    s.settle();
    BOOST_REQUIRE(read.done);
    BOOST_REQUIRE_EQUAL(read.ec, error_code());
    received.append(place.data(), read.bytes);
  }
  BOOST_TEST((received == message));
  BOOST_TEST(reads == 4U);
}

// Dynamic record size: small ones at the start and after a pause, and one send a batch all the
// same.
BOOST_AUTO_TEST_CASE(records_are_small_at_the_start_and_after_a_pause) {
  stream_options options;
  options.small_record_bytes = 1'300;
  options.small_records_until = 10'000;
  options.small_records_after = 1s;
  connected_session s(options);
  sink received;
  keep_reading(s.server, received);
  auto const records_of = [&](std::size_t size) {
    auto const begin = s.client_end().written().size();
    auto const writes = s.client_end().writes();
    BOOST_TEST(write_now(s, s.client, numbered_plaintext(size)).ec == error_code());
    BOOST_TEST(s.client_end().writes() == writes + 1);
    auto records = records_written(s.client_end(), begin);
    for (std::size_t& record : records)
      record -= 22;  // header, tag and content type (RFC 8446 section 5.2)
    return records;
  };
  std::vector<std::size_t> const eight_small_then_the_rest{1'300, 1'300, 1'300, 1'300, 1'300,
                                                           1'300, 1'300, 1'300, 9'600};
  BOOST_TEST(records_of(20'000) == eight_small_then_the_rest, boost::test_tools::per_element());
  BOOST_TEST(records_of(3'000) == std::vector<std::size_t>{3'000},
             boost::test_tools::per_element());
  s.pass(1s);
  std::vector<std::size_t> const small_again{1'300, 1'300, 400};
  BOOST_TEST(records_of(3'000) == small_again, boost::test_tools::per_element());
  BOOST_TEST(received.plaintext.size() == 26'000U);
}

BOOST_AUTO_TEST_CASE(read_completes_with_whole_records_and_waits_for_no_more) {
  connected_session s;
  s.client_end().deliver(0);
  auto const message = numbered_plaintext(20'000);
  ending written, read;
  tls_write(s.client, asio::buffer(message), written.token());
  std::array<char, 65'536> place{};
  tls_read_some(s.server, asio::buffer(place), read.token());
  s.settle();
  BOOST_TEST(!read.done);
  // One byte is missing in the first record; then one and a half are there.
  s.client_end().deliver(16'405);
  s.settle();
  BOOST_TEST(!read.done);
  s.client_end().deliver(1'000);
  s.settle();
  BOOST_TEST(read.done);
  BOOST_TEST(read.bytes == 16'384U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W14"))
BOOST_AUTO_TEST_CASE(empty_read_and_empty_write_complete_without_the_next_layer) {
  connected_session s;
  auto const reads = s.client_end().reads();
  auto const writes = s.client_end().writes();
  ending read, written;
  tls_read_some(s.client, asio::mutable_buffer(), read.token());
  tls_write(s.client, asio::const_buffer(), written.token());
  BOOST_TEST(!read.done);
  BOOST_TEST(!written.done);
  s.settle();
  BOOST_TEST(read.done);
  BOOST_TEST(written.done);
  BOOST_TEST(read.ec == error_code());
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(s.client_end().reads() == reads);
  BOOST_TEST(s.client_end().writes() == writes);
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
