// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A whole session, run once for every offset at which its bytes can be cut: what was delivered is
// exactly what came whole, and only close_notify makes an end of it.
#include <boost/asio/ssl/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <vector>

#include "scripted_side.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

// The session of the cut tests, in which neither side waits for what the other one says after the
// handshake.
asio::awaitable<void> play_by_itself(scripted_side& me) {
  co_await me.handshake();
  co_await me.write_all();
  co_await me.close_write();
  co_await me.read(everything);
  if (!me.shaken) me.s.next_layer().close();
}

// Cuts one direction behind its first `offset` bytes. True if all came through.
bool passes_cut(bool from_client, std::size_t offset, error_code with, context& client_context) {
  memory_session s({}, client_context);
  auto& end = from_client ? s.client_end() : s.server_end();
  end.outgoing().cut_at = offset;
  end.outgoing().cut_with = with;
  std::vector<std::string> const messages{numbered_plaintext(1), numbered_plaintext(50),
                                          numbered_plaintext(300)};
  scripted_side client(s.client, true, messages);
  scripted_side server(s.server, false, messages);
  spawn(s.io, client, play_by_itself(client));
  spawn(s.io, server, play_by_itself(server));
  s.settle();
  BOOST_REQUIRE_MESSAGE(client.finished, "client hangs in " << client.doing);
  BOOST_REQUIRE_MESSAGE(server.finished, "server hangs in " << server.doing);
  BOOST_TEST(s.has_no_work());

  error_code const cut_error = with == asio::error::eof ? asio::ssl::error::stream_truncated : with;
  scripted_side& receiver = from_client ? server : client;
  scripted_side& sender = from_client ? client : server;
  if (!receiver.shaken || !sender.shaken) {
    BOOST_TEST(receiver.received == "");
    BOOST_TEST(sender.received == "");
    // The client of TLS 1.3 is done before the server is.
    BOOST_TEST(
        (receiver.first == cut_error || receiver.first == asio::ssl::error::stream_truncated),
        receiver.first.message());
    return false;
  }
  // The other direction is whole.
  BOOST_TEST(sender.first == asio::error::eof);
  BOOST_TEST(sender.received.size() == size_of(messages));
  // The last records are the messages and close_notify.
  auto const records = records_written(end);
  BOOST_REQUIRE_GT(records.size(), messages.size());
  std::size_t record_end = end.written().size();
  bool const all = record_end <= offset;
  std::size_t whole = messages.size();
  for (auto record = records.rbegin(); whole != 0 && (record_end -= *record) > offset; ++record)
    --whole;
  std::string expected;
  for (std::size_t i = 0; i != whole; ++i)
    expected += messages[i];
  BOOST_TEST((receiver.received == expected));
  BOOST_TEST(receiver.first == (all ? asio::error::eof : cut_error));
  return all;
}

BOOST_AUTO_TEST_SUITE(cut)

BOOST_DATA_TEST_CASE(session_is_cut_at_every_offset, data::make({true, false}) * data::make({2, 3}),
                     from_client, minor) {
  auto client_context = client_of_tls_1(minor);
  std::size_t offset = 0;
  for (bool all = false; !all; ++offset) {
    BOOST_TEST_CONTEXT("offset " << offset) {
      all = passes_cut(from_client, offset, asio::error::eof, client_context);
    }
    BOOST_REQUIRE_LT(offset, 10'000U);
  }
  BOOST_TEST_MESSAGE(offset - 1 << " offsets");
}

BOOST_DATA_TEST_CASE(session_is_reset_at_many_offsets, data::make({true, false}), from_client) {
  auto client_context = client_of_tls_1(3);
  std::size_t offset = 0;
  for (bool all = false; !all; offset += 7) {
    BOOST_TEST_CONTEXT("offset " << offset) {
      all = passes_cut(from_client, offset, asio::error::connection_reset, client_context);
    }
    BOOST_REQUIRE_LT(offset, 10'000U);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
