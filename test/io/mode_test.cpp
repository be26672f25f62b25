// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The modes of SSL_CTX_set_mode(3), as users of a context and of a stream see them.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

constexpr unsigned long bits(mode m) { return static_cast<unsigned long>(m); }

}  // namespace

BOOST_AUTO_TEST_SUITE(modes)

BOOST_TEST_DECORATOR(*boost::unit_test::label("M1"))
BOOST_AUTO_TEST_CASE(M1_set_mode_adds_and_a_stream_inherits_what_its_context_had) {
  context client(context::role::client);
  client.clear_mode(mode::enable_partial_write);
  client.set_mode(mode::release_buffers_on_idle);
  asio::io_context io;
  auto ends = memory_stream::make(io.get_executor());
  memory_tls const first(std::move(ends.first), client);
  client.set_mode(mode::enable_partial_write);
  memory_tls const second(std::move(ends.second), client);
  BOOST_TEST(!has(first.modes(), mode::enable_partial_write));
  BOOST_TEST(has(first.modes(), mode::release_buffers_on_idle));
  BOOST_TEST(has(first.modes(), mode::accept_moving_write_buffer));
  BOOST_TEST(second.modes() == (first.modes() | bits(mode::enable_partial_write)));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M1"))
BOOST_AUTO_TEST_CASE(M1_options_already_set_are_not_cleared) {
  context server(context::role::server);
  auto const before = server.modes();
  BOOST_TEST(server.set_mode(mode::release_buffers_on_idle) ==
             (before | bits(mode::release_buffers_on_idle)));
  BOOST_TEST(server.set_mode(SSL_MODE_AUTO_RETRY) ==
             (before | bits(mode::release_buffers_on_idle)));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M2"))
BOOST_AUTO_TEST_CASE(M2_set_clear_and_read_back_agree_on_context_and_stream) {
  connected_session session;
  for (mode const m : {mode::enable_partial_write, mode::accept_moving_write_buffer,
                       mode::auto_retry, mode::release_buffers, mode::release_buffers_on_idle}) {
    BOOST_TEST(!has(session.client.clear_mode(m), m));
    BOOST_TEST(!has(session.client.modes(), m));
    BOOST_TEST(has(session.client.set_mode(m), m));
    BOOST_TEST(session.client.set_mode(bits(m)) == session.client.modes());
    context made(context::role::client);
    BOOST_TEST(!has(made.clear_mode(m), m));
    BOOST_TEST(has(made.set_mode(m), m));
    BOOST_TEST(has(made.modes(), m));
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M2"))
BOOST_AUTO_TEST_CASE(M2_bits_that_mean_nothing_are_refused) {
  connected_session session;
  context made(context::role::client);
  auto const is_bad_option = [](boost::system::system_error const& e) {
    return e.code() == make_error_code(errc::bad_option);
  };
  BOOST_CHECK_EXCEPTION(session.client.set_mode(SSL_MODE_ASYNC), boost::system::system_error,
                        is_bad_option);
  BOOST_CHECK_EXCEPTION(made.set_mode(SSL_MODE_SEND_FALLBACK_SCSV), boost::system::system_error,
                        is_bad_option);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M3") * boost::unit_test::label("M5") *
                     boost::unit_test::label("W10") * boost::unit_test::label("W16"))
BOOST_AUTO_TEST_CASE(M3_W10_write_some_answers_after_what_could_be_sealed_at_once) {
  connected_session session;
  std::string const message = numbered_plaintext(300'000);
  ending written;
  session.client.async_write_some(asio::buffer(message), written.token());
  session.settle();
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(written.bytes == 4U * 16'384U);
  // The next call takes the rest; no byte twice, none missing.
  std::size_t sent = written.bytes;
  sink all;
  keep_reading(session.server, all);
  while (sent < message.size()) {
    ending next;
    session.client.async_write_some(asio::buffer(message) + sent, next.token());
    session.settle();
    BOOST_REQUIRE(next.done);
    BOOST_REQUIRE(next.bytes > 0U);
    sent += next.bytes;
  }
  BOOST_TEST((all.plaintext == message));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M5") * boost::unit_test::label("W16"))
BOOST_DATA_TEST_CASE(M5_W16_whatever_part_is_reported_the_rest_follows_and_nothing_twice,
                     data::make({1U, 2U, 3U, 4U}), ring_records) {
  stream_options options;
  options.ring_records = ring_records;
  connected_session session(options);
  sink all;
  keep_reading(session.server, all);
  std::string expected;
  for (std::size_t records = 0; records != 6; ++records) {
    for (std::size_t const more : {1U, 16'383U, 16'384U}) {
      auto const message = numbered_plaintext(records * max_record_plaintext + more);
      for (std::size_t sent = 0; sent != message.size();) {
        ending written;
        session.client.async_write_some(asio::buffer(message) + sent, written.token());
        session.settle();
        BOOST_REQUIRE(written.done);
        BOOST_REQUIRE_EQUAL(written.ec, error_code());
        BOOST_REQUIRE_EQUAL(written.bytes,
                            std::min(message.size() - sent, ring_records * max_record_plaintext));
        sent += written.bytes;
      }
      expected += message;
    }
  }
  BOOST_TEST((all.plaintext == expected));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M4") * boost::unit_test::label("W10"))
BOOST_AUTO_TEST_CASE(M4_W10_without_partial_write_write_some_completes_with_all) {
  connected_session session;
  session.client.clear_mode(mode::enable_partial_write);
  std::string const message = numbered_plaintext(300'000);
  ending written;
  sink all;
  keep_reading(session.server, all);
  session.client.async_write_some(asio::buffer(message), written.token());
  session.settle();
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(written.bytes == message.size());
  BOOST_TEST((all.plaintext == message));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M8") * boost::unit_test::label("M10"))
BOOST_AUTO_TEST_CASE(M8_M10_verbs_never_report_a_retry_with_auto_retry_on_or_off) {
  for (bool const on : {true, false}) {
    context client(context::role::client), server(context::role::server);
    client.trust(server_identity().authority);
    server.use_certificate_chain(server_identity().certificate_chain);
    server.use_private_key(server_identity().private_key);
    if (!on) {
      client.clear_mode(mode::auto_retry);
      server.clear_mode(mode::auto_retry);
    }
    connected_session session({}, client, server);
    BOOST_TEST(has(session.client.modes(), mode::auto_retry) == on);
    // KeyUpdates and tickets come between: reads meet messages that carry no plaintext.
    ending updated, written, updated_again, written_again;
    sink all;
    keep_reading(session.client, all);
    tls_key_update(session.server, new_keys::both, updated.token());
    tls_write(session.server, std::string("one"), written.token());
    tls_key_update(session.server, new_keys::both, updated_again.token());
    tls_write(session.server, std::string("two"), written_again.token());
    session.settle();
    BOOST_TEST(updated.ec == error_code());
    BOOST_TEST(updated_again.ec == error_code());
    BOOST_TEST(all.plaintext == "onetwo");
    BOOST_TEST(!all.ended);
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M11"))
BOOST_AUTO_TEST_CASE(M11_every_release_policy_keeps_the_session_intact) {
  for (bool const always : {false, true}) {
    for (bool const on_idle : {false, true}) {
      connected_session session;
      session.client.clear_mode(mode::release_buffers);
      session.server.clear_mode(mode::release_buffers);
      if (always) session.server.set_mode(mode::release_buffers);
      if (on_idle) session.server.set_mode(mode::release_buffers_on_idle);
      sink at_server, at_client;
      keep_reading(session.server, at_server);
      keep_reading(session.client, at_client);
      std::string const message = numbered_plaintext(40'000);
      for (int round = 0; round < 3; ++round) {
        ending up, down;
        tls_write(session.client, asio::buffer(message), up.token());
        // A record that comes in parts is in OpenSSL's buffer while the read waits.
        session.client_end().deliver(10);
        session.settle();
        tls_write(session.server, asio::buffer(message), down.token());
        session.client_end().outgoing().held = false;
        session.client_end().settle();
        session.settle();
      }
      BOOST_TEST((at_server.plaintext == message + message + message));
      BOOST_TEST((at_client.plaintext == message + message + message));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tls_async::test
