// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Tickets that a server sends with the first record: how many, when, and that nothing waits for
// them.
#include "core/engine_pair.hpp"

#include <tls_async/tls_async.hpp>

#include <tls_async_test/certificates.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using socket_type = asio::local::stream_protocol::socket;
using moment = context::ticket_moment;

struct session_release {
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using kept = std::vector<std::unique_ptr<SSL_SESSION, session_release>>;

int keep(SSL* ssl, SSL_SESSION* session) {
  static_cast<kept*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))
      ->emplace_back(SSL_SESSION_dup(session));
  return 0;
}

struct first_write_fixture {
  first_write_fixture() {
    server.use_certificate_chain(server_identity().certificate_chain);
    server.use_private_key(server_identity().private_key);
  }

  /// A client that keeps what it gets in `got`.
  SSL_CTX* make_client(tls_settings const& settings = {}) {
    client = make_context(role::client, settings);
    SSL_CTX_set_session_cache_mode(client.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(client.get(), &got);
    SSL_CTX_sess_set_new_cb(client.get(), keep);
    return client.get();
  }

  /// The handshake is done, and what came behind it was read.
  std::unique_ptr<engine_pair> connect(tls_settings const& settings = {},
                                       stream_options const& options = plain_options) {
    auto pair =
        std::make_unique<engine_pair>(make_client(settings), server.native_handle(), options);
    pair->client.be_client();
    if (resumed) SSL_set_session(pair->client.native_handle(), resumed.get());
    pair->handshake();
    BOOST_TEST_REQUIRE(pair->server.handshake_done());
    BOOST_TEST_REQUIRE(pair->client.handshake_done());
    return pair;
  }

  context server{context::role::server};
  context_ptr client;
  kept got;
  std::unique_ptr<SSL_SESSION, session_release> resumed;  // what the next client offers
};

BOOST_FIXTURE_TEST_SUITE(first_write, first_write_fixture)

BOOST_AUTO_TEST_CASE(takes_the_tickets_with_it) {
  server.set_tickets(3, moment::with_first_write);
  auto const pair = connect();
  BOOST_TEST(got.empty());
  seal_all(pair->server, "answer");
  BOOST_TEST(deliver_all(pair->server, pair->client) == "answer");
  BOOST_TEST(got.size() == 3U);
  seal_all(pair->server, "more");
  BOOST_TEST(deliver_all(pair->server, pair->client) == "more");
  BOOST_TEST(got.size() == 3U);
}

BOOST_AUTO_TEST_CASE(of_a_resumed_session_takes_one) {
  server.set_tickets(4, moment::with_first_write);
  for (std::size_t const wanted : {4U, 1U, 1U}) {
    got.clear();
    auto const pair = connect();
    BOOST_TEST(pair->server.is_resumed() == (resumed != nullptr));
    seal_all(pair->server, "x");
    BOOST_TEST(deliver_all(pair->server, pair->client) == "x");
    BOOST_TEST_REQUIRE(got.size() == wanted);
    resumed = std::move(got.front());
  }
}

BOOST_AUTO_TEST_CASE(takes_none_where_none_are_wanted) {
  server.set_tickets(0, moment::with_first_write);
  auto const pair = connect();
  seal_all(pair->server, "x");
  BOOST_TEST(deliver_all(pair->server, pair->client) == "x");
  BOOST_TEST(got.empty());
}

BOOST_AUTO_TEST_CASE(takes_none_where_they_came_behind_the_handshake) {
  for (bool const is_told : {false, true}) {
    context other(context::role::server);
    other.use_certificate_chain(server_identity().certificate_chain);
    other.use_private_key(server_identity().private_key);
    if (is_told) {
      other.set_tickets(2, moment::with_first_write);
      other.set_tickets(2, moment::after_handshake);
    }
    got.clear();
    engine_pair pair(make_client(), other.native_handle());
    pair.client.be_client();
    pair.handshake();
    BOOST_TEST(got.size() == 2U);
    seal_all(pair.server, "x");
    BOOST_TEST(deliver_all(pair.server, pair.client) == "x");
    BOOST_TEST(got.size() == 2U);
  }
}

BOOST_AUTO_TEST_CASE(of_tls_1_2_takes_none) {
  server.set_tickets(2, moment::with_first_write);
  auto const pair = connect(version_settings(TLS1_2_VERSION));
  BOOST_TEST(got.size() == 1U);
  seal_all(pair->server, "x");
  BOOST_TEST(deliver_all(pair->server, pair->client) == "x");
  BOOST_TEST(got.size() == 1U);
}

BOOST_AUTO_TEST_CASE(that_never_comes_leaves_a_clean_end) {
  server.set_tickets(2, moment::with_first_write);
  auto const pair = connect();
  BOOST_TEST(pair->server.close_notify() == step{});
  want end = want::nothing;
  deliver_all(pair->server, pair->client, &end);
  BOOST_TEST(end == want::closed);
  BOOST_TEST(got.empty());
}

BOOST_AUTO_TEST_CASE(goes_with_new_keys_on_either_side) {
  server.set_tickets(2, moment::with_first_write);
  for (bool const is_first : {false, true}) {
    got.clear();
    auto const pair = connect();
    if (is_first) BOOST_TEST(pair->server.key_update(true) == step{});
    seal_all(pair->server, "x");
    if (!is_first) BOOST_TEST(pair->server.key_update(true) == step{});
    seal_all(pair->server, "y");
    BOOST_TEST(deliver_all(pair->server, pair->client) == "xy");
    seal_all(pair->client, "z");
    BOOST_TEST(deliver_all(pair->client, pair->server) == "z");
    BOOST_TEST(got.size() == 2U);
  }
}

// With the certificate of the client in each they take more than one record's room.
constexpr std::size_t many = 60;

BOOST_AUTO_TEST_CASE(waits_for_room_for_the_tickets) {
  server.trust(client_identity().authority);
  server.require_client_certificate();
  server.set_tickets(16, moment::with_first_write);
  SSL_CTX_set_num_tickets(server.native_handle(), many);
  auto one_record = plain_options;
  one_record.ring_records = 1;
  auto const pair = connect({.client_certificate = true}, one_record);
  std::string plaintext;
  int flushes = 0;
  for (step sealed{want::flush, 0}; sealed.next == want::flush;) {
    sealed = pair->server.seal(bytes_of("answer"));
    if (sealed.bytes != 0) BOOST_TEST(sealed == (step{want::nothing, 6}));
    ++flushes;
    plaintext += deliver_all(pair->server, pair->client);
    BOOST_TEST_REQUIRE(flushes < 100);
  }
  BOOST_TEST(plaintext == "answer");
  BOOST_TEST(flushes > 1);
  BOOST_TEST(got.size() == many);
}

// A record that OpenSSL has begun would be in the way of answers to KeyUpdates.
BOOST_AUTO_TEST_CASE(is_not_begun_where_tickets_have_taken_its_room) {
  server.trust(client_identity().authority);
  server.require_client_certificate();
  server.set_tickets(2, moment::with_first_write);
  auto one_record = plain_options;
  one_record.ring_records = 1;
  auto const pair = connect({.client_certificate = true}, one_record);
  std::string const text(max_record_plaintext, 'x');
  BOOST_TEST(pair->server.seal(bytes_of(text)) == (step{want::flush, 0}));
  BOOST_TEST(!pair->server.record_pending());
  BOOST_TEST(pair->client.key_update(true) == step());
  BOOST_TEST(pair->client.key_update(true) == step());
  BOOST_TEST(deliver_all(pair->client, pair->server).empty());
  std::string came;
  for (int flushes = 0; came.size() != text.size(); ++flushes) {
    BOOST_TEST_REQUIRE(flushes < 10);
    came += deliver_all(pair->server, pair->client);
    if (flushes == 0) seal_all(pair->server, text);
  }
  BOOST_TEST(came == text);
  BOOST_TEST(got.size() == 2U);
}

BOOST_AUTO_TEST_CASE(leaves_tickets_for_authentication_behind_the_handshake) {
  server.trust(client_identity().authority);
  server.set_tickets(2, moment::with_first_write);
  auto* const with_certificate = make_client({.client_certificate = true});
  SSL_CTX_set_post_handshake_auth(with_certificate, 1);
  engine_pair pair(with_certificate, server.native_handle());
  pair.client.be_client();
  pair.handshake();
  seal_all(pair.server, "x");
  BOOST_TEST(deliver_all(pair.server, pair.client) == "x");
  BOOST_TEST(got.size() == 2U);
  SSL_set_verify(pair.server.native_handle(), SSL_VERIFY_PEER, nullptr);
  BOOST_TEST(SSL_verify_client_post_handshake(pair.server.native_handle()) == 1);
  seal_all(pair.server, "y");
  BOOST_TEST(deliver_all(pair.server, pair.client) == "y");
  seal_all(pair.client, "z");
  BOOST_TEST(deliver_all(pair.client, pair.server) == "z");
  BOOST_TEST(SSL_get0_peer_certificate(pair.server.native_handle()) != nullptr);
  BOOST_TEST(deliver_all(pair.server, pair.client).empty());
  BOOST_TEST(got.size() == 4U);
}

// A read must not keep the write from going on with tickets that found no room; nor may it wait for
// a write that was cancelled in their midst.
BOOST_DATA_TEST_CASE(goes_on_beside_a_read, boost::unit_test::data::make({false, true}), cancels) {
  server.trust(client_identity().authority);
  server.require_client_certificate();
  server.set_tickets(16, moment::with_first_write);
  SSL_CTX_set_num_tickets(server.native_handle(), many);
  asio::io_context io;
  socket_type near(io), far(io);
  asio::local::connect_pair(near, far);
  far.set_option(asio::socket_base::send_buffer_size(1));  // the least that the system has
  stream<socket_type> ours(std::move(near), SSL_new(make_client({.client_certificate = true})),
                           plain_options);
  stream<socket_type> theirs(std::move(far), server, {.ring_records = 1});

  asio::cancellation_signal cancel;
  error_code written = asio::error::would_block, read_end = written;
  std::array<char, 1> came{};
  tls_handshake(theirs, as_server{}, [&](error_code failed) {
    BOOST_TEST(!failed, failed.message());
    tls_read_some(theirs, asio::buffer(came), [&](error_code ec, std::size_t) {
      read_end = ec;
      tls_shutdown(theirs, [](error_code) {});
    });
    auto const note = [&](error_code ec, std::size_t) { written = ec; };
    tls_write(theirs, asio::buffer("answer", 6), asio::bind_cancellation_slot(cancel.slot(), note));
    if (cancels) cancel.emit(asio::cancellation_type::total);
  });
  std::string answer(6, ' ');
  std::size_t answered = 0;
  tls_handshake(ours, as_client{"localhost"}, [&](error_code failed) {
    BOOST_TEST(!failed, failed.message());
    asio::async_read(ours, asio::buffer(answer), [&](error_code, std::size_t n) {
      answered = n;
      tls_shutdown(ours, [](error_code) {});
    });
    if (cancels) tls_write(ours, asio::buffer("z", 1), [](error_code, std::size_t) {});
  });
  if (!cancels) {
    // Only when the answer is there: what the client sends would wake the server.
    while (answered == 0 && io.run_one() != 0) {
    }
    BOOST_TEST(!written, written.message());
    BOOST_TEST(answer.substr(0, answered) == "answer");
  }
  io.run();
  BOOST_TEST((read_end == (cancels ? error_code() : asio::error::eof)), read_end.message());
  BOOST_TEST((written == (cancels ? asio::error::operation_aborted : error_code())),
             written.message());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
