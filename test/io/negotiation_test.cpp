// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What changes a session after it was made, or makes it on the way: implicit negotiation,
// renegotiation, KeyUpdate, and the limits on a peer that overdoes it.
#include <boost/test/unit_test.hpp>

#include <array>
#include <string>

#include "memory_session.hpp"
#include "raw_peer.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

stream_options renegotiating() {
  stream_options options;
  options.allow_renegotiation = true;
  return options;
}

struct tls_1_2_session {
  explicit tls_1_2_session(stream_options const& options)
      : client_context(client_of_tls_1(2)), session(options, client_context) {}
  context client_context;
  connected_session session;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(negotiation)

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

BOOST_AUTO_TEST_CASE(W5_without_a_role_a_write_says_so) {
  memory_session session;
  ending written;
  tls_write(session.client, std::string("x"), written.token());
  session.settle();
  BOOST_TEST(written.ec == make_error_code(errc::no_role));
  session.handshake();  // and nothing was lost
}

BOOST_AUTO_TEST_CASE(renegotiation_is_refused_and_a_peer_that_insists_says_so) {
  tls_1_2_session both({});
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

BOOST_AUTO_TEST_CASE(renegotiation_asked_for_again_ends_the_session_with_a_reason) {
  boost::asio::io_context io(1);
  auto ends = memory_stream::make(io.get_executor());
  raw_peer client(io, std::move(ends.first), role::client, {.version = TLS1_2_VERSION});
  memory_tls server(std::move(ends.second), known_server());
  ending done;
  tls_handshake(server, as_server{}, done.token());
  for (int i = 0; i < 20 && !done.done; ++i) {
    (void)client.tls().handshake();
    client.send();
    settle(io);
    client.receive();
  }
  BOOST_REQUIRE(done.ec == error_code());
  (void)client.tls().handshake();
  sink at_server;
  keep_reading(server, at_server);
  for (int attempt = 0; attempt < 2 && !at_server.ended; ++attempt) {
    SSL_renegotiate(client.tls().ssl());
    (void)client.tls().handshake();
    client.send();
    settle(io);
    client.receive();
    std::string nothing;
    (void)client.tls().read(nothing, 1);
    SSL_renegotiate_abbreviated(client.tls().ssl());
  }
  BOOST_TEST(server.stats().renegotiations_refused >= 1U);
  if (at_server.ended) {
    BOOST_TEST(at_server.end != error_code());
    BOOST_TEST_MESSAGE(server.error_info().text());
  }
}

BOOST_AUTO_TEST_CASE(W4_W8_with_the_opt_in_renegotiation_is_transparent_while_reads_are_parked) {
  for (bool const client_asks : {true, false}) {
    tls_1_2_session both(renegotiating());
    auto& session = both.session;
    auto& asking = client_asks ? session.client : session.server;
    sink at_server, at_client;
    // The one that asks does it from its read, as a peer has to that has plaintext in flight to it.
    keep_reading(client_asks ? session.server : session.client,
                 client_asks ? at_server : at_client);
    SSL_renegotiate(asking.native_handle());
    keep_reading(asking, client_asks ? at_client : at_server);
    // An OpenSSL server that asks takes no plaintext before it has its answer: its limit.
    if (!client_asks) session.settle();
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
    if (client_asks) BOOST_TEST(SSL_num_renegotiations(session.client.native_handle()) == 1);
    BOOST_TEST(session.client.error_info().text().empty());
  }
}

BOOST_AUTO_TEST_CASE(key_update_keeps_its_place_between_writes) {
  connected_session session;
  sink at_server, at_client;
  keep_reading(session.server, at_server);
  keep_reading(session.client, at_client);
  ending before, update, after;
  session.client_end().outgoing().capacity = 10'000;
  std::string const message = numbered_plaintext(100'000);
  tls_write(session.client, asio::buffer(message), before.token());
  tls_key_update(session.client, new_keys::both, update.token());
  tls_write(session.client, std::string("after"), after.token());
  session.settle();
  BOOST_TEST(update.ec == error_code());
  BOOST_TEST((at_server.plaintext == message + "after"));
  BOOST_TEST(session.server.stats().key_updates_received == 1U);
  BOOST_TEST(session.client.stats().key_updates_sent == 1U);
  // The answer leaves in front of the peer's next record.
  ending back;
  tls_write(session.server, std::string("back"), back.token());
  session.settle();
  BOOST_TEST(at_client.plaintext == "back");
  BOOST_TEST(session.client.stats().key_updates_received == 1U);
}

BOOST_AUTO_TEST_CASE(key_update_says_what_it_can_not) {
  tls_1_2_session both({});
  ending update;
  tls_key_update(both.session.client, new_keys::ours, update.token());
  both.session.settle();
  BOOST_TEST(update.ec == make_error_code(errc::not_supported));
  connected_session session;
  ending closed, late;
  tls_close_write(session.client, closed.token());
  tls_key_update(session.client, new_keys::ours, late.token());
  session.settle();
  BOOST_TEST(late.ec == make_error_code(errc::closed_for_writing));
}

BOOST_AUTO_TEST_CASE(keys_are_changed_by_themselves_after_so_many_records_or_bytes) {
  for (bool const by_bytes : {true, false}) {
    stream_options options;
    options.rekey_after_records = by_bytes ? 0 : 10;
    options.rekey_after_bytes = by_bytes ? 160'000 : 0;
    connected_session session(options);
    sink at_server;
    keep_reading(session.server, at_server);
    std::string const message = numbered_plaintext(1'000'000);
    ending written;
    tls_write(session.client, asio::buffer(message), written.token());
    session.settle();
    BOOST_TEST(written.ec == error_code());
    BOOST_TEST((at_server.plaintext == message));
    BOOST_TEST(session.client.stats().key_updates_sent == 6U);  // 62 records
    BOOST_TEST(session.server.stats().key_updates_received == 6U);
  }
}

BOOST_AUTO_TEST_CASE(key_updates_without_plaintext_beyond_the_limit_end_the_session) {
  connected_session session;
  sink at_server;
  keep_reading(session.server, at_server);
  for (int i = 0; i < 40; ++i) {
    ending update;
    tls_key_update(session.client, new_keys::ours, update.token());
    session.settle();
  }
  BOOST_TEST(at_server.end == make_error_code(errc::peer_limit_exceeded));
  BOOST_TEST(session.server.error_info().text().find("KeyUpdate") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(key_updates_with_plaintext_between_them_are_limited_by_the_second) {
  stream_options options;
  connected_session session(options);
  sink at_server;
  keep_reading(session.server, at_server);
  auto const update_once = [&session] {
    ending update, written;
    tls_key_update(session.client, new_keys::ours, update.token());
    tls_write(session.client, std::string("x"), written.token());
    session.settle();
  };
  // As many as are earned: this goes on for ever.
  for (int i = 0; i < 200; ++i) {
    virtual_clock::advance(100ms);
    update_once();
  }
  BOOST_TEST(!at_server.ended);
  // Faster than that ends when the burst is spent.
  int sent = 0;
  for (; sent < 200 && !at_server.ended; ++sent)
    update_once();
  BOOST_TEST(at_server.end == make_error_code(errc::peer_limit_exceeded));
  BOOST_TEST(sent > 30);
  BOOST_TEST(sent < 40);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(statistics)

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
