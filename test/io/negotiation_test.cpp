// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What makes a session on the way, or makes it anew: implicit negotiation and renegotiation, and
// messages of the session itself that come in part; and what a stream counts.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <utility>

#include "memory_session.hpp"
#include "raw_peer.hpp"
#include "support/engine_of.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

stream_options renegotiating() {
  stream_options options;
  options.allow_renegotiation = true;
  return options;
}

// The client's Finished message of the last handshake, as either side saw it.
std::string last_finished(memory_tls& s) {
  std::string message(64, '\0');
  SSL* const ssl = s.native_handle();
  message.resize(SSL_is_server(ssl) != 0 ? SSL_get_peer_finished(ssl, message.data(), 64)
                                         : SSL_get_finished(ssl, message.data(), 64));
  return message;
}

// The client has read "hello", and with it the first record of a ticket that comes in two.
struct half_a_ticket : rude_session {
  half_a_ticket() : rude_session(role::server, {}, with_long_tickets()) {
    handshake();
    auto& tls = peer.tls();
    BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(tls.ssl(), 512), 1);
    BOOST_REQUIRE(tls.write("hello"));
    std::string const first = tls.take();
    give(first + begin_ticket());
    ending read;
    std::string place(100, '\0');
    tls_read_some(stream, asio::buffer(place), read.token());
    settle(io);
    BOOST_REQUIRE(read.done);
    BOOST_REQUIRE_EQUAL(place.substr(0, read.bytes), "hello");
    BOOST_REQUIRE(engine_of(stream).in_handshake());
  }
  static tls_settings with_long_tickets() {
    tls_settings settings;
    settings.long_tickets = true;
    return settings;
  }

  /// The first record of one more; the others are given later.
  std::string begin_ticket() {
    auto& tls = peer.tls();
    BOOST_REQUIRE_EQUAL(SSL_new_session_ticket(tls.ssl()), 1);
    BOOST_REQUIRE(tls.handshake());
    rest_ = tls.take();
    auto const records = record_lengths(rest_);
    BOOST_REQUIRE_GE(records.size(), 2U);
    std::string const begun = rest_.substr(0, records.front());
    rest_.erase(0, records.front());
    return begun;
  }
  std::string take_rest() { return std::exchange(rest_, {}); }

  void give(std::string const& ciphertext) {
    peer.link().async_write_some(asio::buffer(ciphertext), [](error_code, std::size_t) {});
    settle(io);
  }
  void give_rest() { give(rest_); }
  [[nodiscard]] bool has_sent_nothing() {
    return stream.next_layer().undelivered() == 0 && engine_of(stream).ring().output_bytes() == 0;
  }

private:
  std::string rest_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(negotiation)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W3"))
BOOST_AUTO_TEST_CASE(W3_the_first_write_or_read_negotiates_and_one_handshake_serves_both) {
  context client(context::role::client);
  client.insecure_skip_verification();
  memory_session session({}, client);
  session.client.set_role(memory_tls::client);
  session.server.set_role(memory_tls::server);
  ending written, written_back;
  sink at_client, at_server;
  keep_reading(session.client, at_client);
  keep_reading(session.server, at_server);
  tls_write(session.client, std::string("there"), written.token());
  tls_write(session.server, std::string("back"), written_back.token());
  session.settle();
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(written_back.ec == error_code());
  BOOST_TEST(at_server.plaintext == "there");
  BOOST_TEST(at_client.plaintext == "back");
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W5"))
BOOST_AUTO_TEST_CASE(W5_without_a_role_a_write_says_so) {
  memory_session session;
  ending written;
  tls_write(session.client, std::string("x"), written.token());
  session.settle();
  BOOST_TEST(written.ec == make_error_code(errc::no_role));
  session.handshake();  // and nothing was lost
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W4"))
BOOST_AUTO_TEST_CASE(renegotiation_is_refused_and_a_peer_that_insists_says_so) {
  tls_1_2_session both;
  auto& session = both.session;
  SSL_clear_options(session.client.native_handle(), SSL_OP_NO_RENEGOTIATION);
  sink at_server, at_client;
  keep_reading(session.server, at_server);
  SSL_renegotiate(session.client.native_handle());
  keep_reading(session.client, at_client);
  session.settle();
  BOOST_TEST(session.server.stats().renegotiations_refused == 1U);
  // OpenSSL takes the warning for a failure of the handshake it asked for.
  BOOST_TEST(at_client.ended);
  BOOST_TEST(at_server.ended);
  BOOST_TEST(session.server.error_info().text().find("handshake failure") != std::string::npos);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W4"))
BOOST_AUTO_TEST_CASE(renegotiation_asked_for_once_too_often_ends_the_session_with_a_reason) {
  for (std::uint32_t const limit : {1U, 3U}) {
    stream_options options;
    options.most_renegotiation_attempts = limit;
    // Of OpenSSL's peers only a server can ask again after it was refused: its request needs no
    // answer, as long as it does not read the alert.
    rude_session s(role::server, options, {.version = TLS1_2_VERSION});
    s.handshake();
    SSL_clear_options(s.peer.tls().ssl(), SSL_OP_NO_RENEGOTIATION);
    sink at_client;
    keep_reading(s.stream, at_client);
    auto const ask = [&s] {
      BOOST_REQUIRE_EQUAL(SSL_renegotiate(s.peer.tls().ssl()), 1);
      BOOST_REQUIRE(s.peer.tls().handshake());
      BOOST_REQUIRE(s.peer.send());
    };
    std::string expected;
    for (std::uint32_t attempt = 1; attempt <= limit; ++attempt) {
      ask();
      BOOST_REQUIRE(s.peer.tls().write("still there"));
      BOOST_REQUIRE(s.peer.send());
      expected += "still there";
      BOOST_TEST(s.stream.stats().renegotiations_refused == attempt);
      BOOST_TEST(!at_client.ended);
      BOOST_TEST(at_client.plaintext == expected);
    }
    ask();
    BOOST_TEST(at_client.ended);
    BOOST_TEST(at_client.end == errc::peer_limit_exceeded);
    BOOST_TEST(s.stream.error_info().text().find("tried again to renegotiate") !=
               std::string::npos);
    BOOST_TEST(has_no_work(s.io));
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W4") * boost::unit_test::label("W8"))
BOOST_AUTO_TEST_CASE(W4_W8_with_the_opt_in_renegotiation_is_transparent_while_reads_are_parked) {
  for (bool const client_asks : {true, false}) {
    tls_1_2_session both(renegotiating());
    auto& session = both.session;
    auto& asking = client_asks ? session.client : session.server;
    auto const first = last_finished(session.client);
    sink at_server, at_client;
    // The one that asks does it from its read, as a peer has to that has plaintext in flight to it.
    keep_reading(client_asks ? session.server : session.client,
                 client_asks ? at_server : at_client);
    SSL_renegotiate(asking.native_handle());
    keep_reading(asking, client_asks ? at_client : at_server);
    std::string const message = numbered_plaintext(50'000);
    std::array<ending, 3> up, down;
    for (std::size_t round = 0; round < 3; ++round) {
      tls_write(session.client, asio::buffer(message), up[round].token());
      tls_write(session.server, asio::buffer(message), down[round].token());
      session.settle();
      BOOST_TEST(up[round].done);
      BOOST_TEST(down[round].done);
      BOOST_TEST(up[round].ec == error_code());
      BOOST_TEST(down[round].ec == error_code());
    }
    BOOST_TEST((at_server.plaintext == message + message + message));
    BOOST_TEST((at_client.plaintext == message + message + message));
    BOOST_TEST(SSL_total_renegotiations(asking.native_handle()) == 1);
    BOOST_TEST(last_finished(session.client) != first);
    BOOST_TEST(last_finished(session.server) == last_finished(session.client));
    BOOST_TEST(session.client.error_info().text().empty());
  }
}

// T28: whichever of the two has begun first, and however little leaves at once.
BOOST_DATA_TEST_CASE(read_and_write_of_a_renegotiation_do_not_wait_for_each_other,
                     data::make({true, false}) * data::make({true, false}) *
                         data::make({std::size_t{300}, std::size_t{20'000}, unbounded}),
                     client_asks, write_is_first, capacity) {
  tls_1_2_session both(renegotiating());
  auto& session = both.session;
  session.client_end().outgoing().capacity = session.server_end().outgoing().capacity = capacity;
  auto& asking = client_asks ? session.client : session.server;
  auto& asked = client_asks ? session.server : session.client;
  std::string const message = numbered_plaintext(100'000);
  ending from_asking, from_asked;
  sink at_asking, at_asked;
  auto const write = [&] { tls_write(asked, asio::buffer(message), from_asked.token()); };
  if (write_is_first) write();
  BOOST_REQUIRE_EQUAL(SSL_renegotiate(asking.native_handle()), 1);
  keep_reading(asking, at_asking);
  keep_reading(asked, at_asked);
  if (!write_is_first) write();
  tls_write(asking, asio::buffer(message), from_asking.token());
  session.settle();
  if (from_asking.ec || from_asked.ec)
    BOOST_TEST_MESSAGE(
        "ASKING " << from_asking.ec << " " << asking.error_info().text() << " ASKED "
                  << from_asked.ec << " " << asked.error_info().text() << " stats "
                  << asking.stats().records_sealed << " " << asking.stats().records_opened << " / "
                  << asked.stats().records_sealed << " " << asked.stats().records_opened);
  for (ending const* written : {&from_asking, &from_asked}) {
    BOOST_TEST(written->done);
    BOOST_TEST(written->ec == error_code());
  }
  BOOST_TEST((at_asking.plaintext == message));
  BOOST_TEST((at_asked.plaintext == message));
  BOOST_TEST(SSL_total_renegotiations(asking.native_handle()) == 1);
}

// OpenSSL says so by failing without a reason, and ends the session if it is not obeyed.
BOOST_AUTO_TEST_CASE(write_in_a_renegotiation_waits_until_the_plaintext_before_it_is_read) {
  tls_1_2_session both(renegotiating());
  auto& s = both.session;
  auto const message = numbered_plaintext(100'000);
  ending sent, read, written;
  tls_write(s.server, asio::buffer(message), sent.token());
  BOOST_REQUIRE_EQUAL(SSL_renegotiate(s.client.native_handle()), 1);
  std::string first(16'384, '\0');
  tls_read_some(s.client, asio::buffer(first), read.token());
  s.settle();
  BOOST_REQUIRE(read.done);
  tls_write(s.client, asio::buffer("behind it", 9), written.token());
  s.settle();
  BOOST_TEST(!written.done);
  sink at_client, at_server;
  keep_reading(s.server, at_server);
  keep_reading(s.client, at_client);
  s.settle();
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(sent.ec == error_code());
  BOOST_TEST((first + at_client.plaintext == message));
  BOOST_TEST(at_server.plaintext == "behind it");
}

// OpenSSL seals nothing before it has the rest.
BOOST_AUTO_TEST_CASE(write_receives_the_rest_of_a_message_that_came_in_part) {
  half_a_ticket s;
  ending first, second, keys;
  tls_write(s.stream, asio::buffer("first ", 6), first.token());
  tls_write(s.stream, asio::buffer("second", 6), second.token());
  tls_key_update(s.stream, new_keys::ours, keys.token());
  settle(s.io);
  BOOST_TEST(s.has_sent_nothing());
  BOOST_TEST(!first.done);
  BOOST_TEST(!second.done);
  BOOST_TEST(!keys.done);
  s.give_rest();
  for (ending const* verb : {&first, &second, &keys}) {
    BOOST_TEST(verb->done);
    BOOST_TEST(verb->ec == error_code());
  }
  s.peer.receive();
  BOOST_TEST(s.peer.plaintext() == "first second");
}

BOOST_AUTO_TEST_CASE(write_that_waits_for_the_rest_of_a_message_is_cancelled_whole) {
  half_a_ticket s;
  ending first, second;
  asio::cancellation_signal cancel;
  tls_write(s.stream, asio::buffer("first", 5),
            asio::bind_cancellation_slot(cancel.slot(), first.token()));
  tls_write(s.stream, asio::buffer("second", 6), second.token());
  settle(s.io);
  cancel.emit(asio::cancellation_type::total);
  settle(s.io);
  BOOST_TEST(first.ec == asio::error::operation_aborted);
  BOOST_TEST(first.bytes == 0U);
  s.give_rest();
  BOOST_TEST(second.done);
  BOOST_TEST(second.ec == error_code());
  s.peer.receive();
  BOOST_TEST(s.peer.plaintext() == "second");
}

BOOST_AUTO_TEST_CASE(write_that_waits_for_the_rest_of_a_message_ends_with_the_next_layers_cancel) {
  half_a_ticket s;
  ending first, second;
  tls_write(s.stream, asio::buffer("first", 5), first.token());
  settle(s.io);
  s.stream.lowest_layer().cancel();
  settle(s.io);
  BOOST_TEST(first.ec == asio::error::operation_aborted);
  BOOST_TEST(first.bytes == 0U);
  tls_write(s.stream, asio::buffer("second", 6), second.token());
  s.give_rest();
  BOOST_TEST(second.done);
  BOOST_TEST(second.ec == error_code());
  s.peer.receive();
  BOOST_TEST(s.peer.plaintext() == "second");
}

BOOST_AUTO_TEST_CASE(write_that_waits_for_the_rest_of_a_message_meets_the_end_of_the_connection) {
  half_a_ticket s;
  ending written;
  tls_write(s.stream, asio::buffer("never", 5), written.token());
  settle(s.io);
  s.peer.link().close();
  settle(s.io);
  BOOST_TEST(written.ec == asio::ssl::error::stream_truncated);
  BOOST_TEST(written.bytes == 0U);
}

// The write leaves it to the read to receive the message, and goes on by itself when that has
// ended.
BOOST_AUTO_TEST_CASE(write_beside_a_read_that_ends_in_a_message_meets_the_end_of_the_connection) {
  half_a_ticket s;
  ending written, read;
  std::string place(100, '\0');
  tls_read_some(s.stream, asio::buffer(place), read.token());
  s.stream.async_write_some(asio::buffer("never", 5), written.token());
  settle(s.io);
  BOOST_TEST(!written.done);
  s.peer.link().close();
  settle(s.io);
  BOOST_TEST(read.ec == asio::ssl::error::stream_truncated);
  BOOST_TEST(written.done);
  BOOST_TEST(written.ec == asio::ssl::error::stream_truncated);
  BOOST_TEST(written.bytes == 0U);
}

BOOST_AUTO_TEST_CASE(write_beside_a_read_that_ends_in_the_next_message_receives_the_rest_of_it) {
  half_a_ticket s;
  ending written, read;
  std::string place(100, '\0');
  tls_read_some(s.stream, asio::buffer(place), read.token());
  s.stream.async_write_some(asio::buffer("at last", 7), written.token());
  settle(s.io);
  std::string ciphertext = s.take_rest();
  BOOST_REQUIRE(s.peer.tls().write("and"));
  ciphertext += s.peer.tls().take();
  s.give(ciphertext + s.begin_ticket());
  BOOST_TEST(read.done);
  BOOST_TEST(place.substr(0, read.bytes) == "and");
  BOOST_TEST(!written.done);
  s.give_rest();
  BOOST_TEST(written.done);
  BOOST_TEST(written.ec == error_code());
  s.peer.receive();
  BOOST_TEST(s.peer.plaintext() == "at last");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(statistics)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W7"))
BOOST_AUTO_TEST_CASE(counters_agree_on_both_sides) {
  connected_session session;
  auto const before = session.client.stats();
  sink at_server;
  keep_reading(session.server, at_server);
  std::string const message = numbered_plaintext(100'000);
  ending written;
  tls_write(session.client, asio::buffer(message), written.token());
  session.settle();
  auto const& client = session.client.stats();
  auto const& server = session.server.stats();
  BOOST_TEST(client.plaintext_sealed == 100'000U);
  BOOST_TEST(client.records_sealed == 7U);
  BOOST_TEST(client.messages == 1U);
  BOOST_TEST(client.flushes - before.flushes == 2U);
  BOOST_TEST(client.largest_batch == 4U);
  BOOST_TEST(server.plaintext_opened == 100'000U);
  BOOST_TEST(server.records_opened == 7U);
  BOOST_TEST(server.ciphertext_filled == client.ciphertext_flushed);
  BOOST_TEST(server.suspended_for_fill > 0U);
}

BOOST_AUTO_TEST_CASE(merged_messages_are_counted) {
  connected_session session;
  session.client_end().outgoing().capacity = 0;
  std::array<ending, 10> written;
  for (auto& one : written)
    tls_write(session.client, std::string(100, 'm'), one.token());
  session.client_end().outgoing().capacity = unbounded;
  session.client_end().settle();
  session.settle();
  BOOST_TEST(session.client.stats().messages == 10U);
  BOOST_TEST(session.client.stats().messages_merged == 9U);  // the first left at once
  BOOST_TEST(session.client.stats().records_sealed == 2U);
  BOOST_TEST(session.client.stats().largest_queue == 9U);
}

BOOST_AUTO_TEST_CASE(context_has_the_sum_of_its_streams) {
  context client(context::role::client);
  client.trust(server_identity().authority);
  for (int i = 0; i < 3; ++i) {
    connected_session session({}, client);
    ending written;
    tls_write(session.client, std::string(1'000, 'x'), written.token());
    session.settle();
  }
  BOOST_TEST(client.stats().plaintext_sealed == 3'000U);
  BOOST_TEST(client.stats().messages == 3U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tls_async::test
