// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A whole session, run once for each operation of its next layer, which then fails: every verb
// ends, with the right error, and nothing is delivered that was not sent.
#include <boost/asio/ssl/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <vector>

#include "scripted_side.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

// What one side received the other one has sent, in this order.
void check_delivery(scripted_side const& receiver, scripted_side const& sender) {
  BOOST_TEST(sender.sent.compare(0, receiver.received.size(), receiver.received) == 0);
}

// The whole session of the fault tests: a handshake, a few messages each way, and a shutdown.
asio::awaitable<void> play_through(scripted_side& me, std::size_t expected) {
  co_await me.handshake();
  if (me.is_client) co_await me.write_all();
  co_await me.read(expected);
  if (!me.is_client) co_await me.write_all();
  co_await me.shutdown();
}

asio::awaitable<void> play(scripted_side& me, std::size_t expected) {
  co_await play_through(me, expected);
  if (!me.first) co_return;
  if (!me.shaken) {
    me.doing = "another handshake";
    me.handshake_again = co_await me.shake_hands();
  }
  me.doing = "another write";
  char place = '?';
  me.sent += place;
  auto const [write_error, written] = co_await tls_write(me.s, asio::buffer(&place, 1), as_value);
  me.write_again = write_error;
  me.doing = "another shutdown";
  auto const [shutdown_error] = co_await tls_shutdown(me.s, as_value);
  me.shutdown_again = shutdown_error;
  // While only sending has failed, a read of a live session goes on waiting for the peer.
  me.has_session = SSL_is_init_finished(me.s.native_handle()) == 1;
  if (!me.has_session || me.s.next_layer().read_fault) {
    me.doing = "another read";
    auto const [read_error, read] = co_await tls_read_some(me.s, asio::buffer(&place, 1), as_value);
    me.read_again = read_error;
  }
  me.s.next_layer().close();
}

struct kind {
  char const* name;
  bool is_read;
  error_code injected;
  error_code expected;
};
std::ostream& operator<<(std::ostream& out, kind const& shown) { return out << shown.name; }

std::vector<kind> const kinds{
    {"reset on read", true, asio::error::connection_reset, asio::error::connection_reset},
    {"end on read", true, asio::error::eof, asio::ssl::error::stream_truncated},
    {"zero on read", true, {}, asio::ssl::error::stream_truncated},
    {"reset on write", false, asio::error::connection_reset, asio::error::connection_reset},
    {"end on write", false, asio::error::eof, asio::error::broken_pipe},
    {"zero on write", false, {}, asio::error::broken_pipe}};

// Lets the n-th operation of one side fail. True if there was no n-th.
bool passes_with_fault(kind const& fault, bool client_fails, std::size_t nth,
                       context& client_context) {
  memory_session s({}, client_context);
  for (auto* const e : {&s.client_end(), &s.server_end()}) {
    e->outgoing().capacity = 30'000;
    e->outgoing().largest_transfer = 7'000;
  }
  auto& end = client_fails ? s.client_end() : s.server_end();
  (fault.is_read ? end.read_fault : end.write_fault) = {nth, fault.injected};
  std::vector<std::string> const messages{"x", numbered_plaintext(40'000), numbered_plaintext(100)};
  scripted_side client(s.client, true, messages);
  scripted_side server(s.server, false, messages);
  spawn(s.io, client, play(client, size_of(messages)));
  spawn(s.io, server, play(server, size_of(messages)));
  s.settle();
  for (auto const* party : {&client, &server}) {
    BOOST_REQUIRE_MESSAGE(party->finished, (party->is_client ? "client" : "server")
                                               << " hangs in " << party->doing);
  }
  check_delivery(client, server);
  check_delivery(server, client);
  BOOST_TEST(s.has_no_work());
  bool const untouched = nth >= (fault.is_read ? end.reads() : end.writes());
  scripted_side& failing = client_fails ? client : server;
  scripted_side& other = client_fails ? server : client;
  if (untouched && !failing.first) {
    BOOST_TEST(other.first == error_code());
    BOOST_TEST(client.received.size() == size_of(messages));
    BOOST_TEST(server.received.size() == size_of(messages));
    return true;
  }
  BOOST_TEST(failing.first == fault.expected);
  BOOST_TEST(failing.s.error_info().text() != "");
  if (!failing.shaken) BOOST_TEST(failing.handshake_again == fault.expected);
  if (!failing.has_session) {
    BOOST_TEST(failing.write_again == fault.expected);
    BOOST_TEST(failing.read_again == fault.expected);
    BOOST_TEST(failing.shutdown_again == errc::handshake_not_done);
  } else if (fault.is_read) {
    BOOST_TEST(failing.read_again == fault.expected);
    BOOST_TEST(failing.shutdown_again == fault.expected);
  } else {
    BOOST_TEST(failing.write_again == fault.expected);
    BOOST_TEST(failing.shutdown_again == fault.expected);
  }
  bool const is_consequence = !other.first || other.first == asio::ssl::error::stream_truncated ||
                              other.first == asio::error::eof ||
                              other.first == asio::error::broken_pipe;
  BOOST_TEST(is_consequence, other.first.message());
  return false;
}

BOOST_AUTO_TEST_SUITE(fault)

BOOST_TEST_DECORATOR(*boost::unit_test::label("M9"))
BOOST_DATA_TEST_CASE(each_operation_of_the_next_layer_fails_once,
                     data::make(kinds) * data::make({true, false}) * data::make({2, 3}), fault,
                     client_fails, minor) {
  auto client_context = client_of_tls_1(minor);
  std::size_t nth = 0;
  for (bool untouched = false; !untouched; ++nth) {
    BOOST_TEST_CONTEXT("operation " << nth) {
      untouched = passes_with_fault(fault, client_fails, nth, client_context);
    }
    BOOST_REQUIRE_LT(nth, 1'000U);
  }
  BOOST_TEST_MESSAGE(fault.name << ": " << nth - 1 << " operations failed");
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M9"))
BOOST_DATA_TEST_CASE(session_passes_through_1_byte_transfers, data::make({2, 3}), minor) {
  auto client_context = client_of_tls_1(minor);
  memory_session s({}, client_context);
  for (auto* const end : {&s.client_end(), &s.server_end()})
    end->outgoing().largest_transfer = 1;
  std::vector<std::string> const messages{numbered_plaintext(65'536)};
  scripted_side client(s.client, true, messages);
  scripted_side server(s.server, false, messages);
  spawn(s.io, client, play(client, size_of(messages)));
  spawn(s.io, server, play(server, size_of(messages)));
  s.settle();
  for (auto const* party : {&client, &server}) {
    BOOST_REQUIRE_MESSAGE(party->finished, (party->is_client ? "client" : "server")
                                               << " hangs in " << party->doing);
    BOOST_TEST(party->first == error_code());
    BOOST_TEST((party->received == messages.front()));
  }
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
