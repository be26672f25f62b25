// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A stream on kernel TLS, with a peer in user space that says what came out of it.
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "io/memory_session.hpp"
#include "io/pattern.hpp"
#include "io/socket_loop.hpp"
#include "kernel_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;
using asio::ip::tcp;

constexpr std::size_t mebibyte = 1 << 20;

auto const offloaded = data::make(
    {tls13_aes128, tls13_aes256, tls13_chacha, tls12_aes128, tls12_aes256, tls12_chacha});

// The server asks for kernel TLS, the client does not.
struct stream_pair : socket_loop {
  using tls = stream<tcp::socket>;

  explicit stream_pair(kernel_suite const& suite = tls13_aes128, ktls way = ktls::tx,
                       stream_options options = {}, context& of_server = known_server()) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    tcp::socket near(io), far(io);
    far.connect(acceptor.local_endpoint());
    acceptor.accept(near);
    options.ktls = way;
    client.emplace(std::move(far), trusting_client(), patient_options());
    server.emplace(std::move(near), of_server, options);
    for (SSL* const ssl : {client->native_handle(), server->native_handle()}) {
      SSL_set_min_proto_version(ssl, suite.version);
      SSL_set_max_proto_version(ssl, suite.version);
      if (suite.version == TLS1_3_VERSION) {
        SSL_set_ciphersuites(ssl, suite.cipher);
      } else {
        SSL_set_cipher_list(ssl, suite.cipher);
      }
    }
    shake_hands(*client, *server);
    keep_reading(*client, at_client);
  }
  ending send_file(unnamed_file const& file, std::uint64_t offset, std::uint64_t length) {
    ending sent;
    tls_sendfile(*server, file.descriptor(), offset, length, sent.token());
    run_until([&] { return sent.done; });
    return sent;
  }
  ending write(std::string const& bytes) {
    ending written;
    tls_write(*server, asio::buffer(bytes), written.token());
    run_until([&] { return written.done; });
    return written;
  }
  void wait_for(std::size_t length) {
    run_until([&] { return at_client.plaintext.size() >= length || at_client.ended; });
  }

  std::optional<tls> client, server;
  sink at_client;
};

BOOST_AUTO_TEST_SUITE(stream_ktls)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W2"))
BOOST_DATA_TEST_CASE(status_says_that_it_is_on, offloaded) {
  if (!kernel_tls()) return;
  stream_pair pair(sample);
  BOOST_TEST(pair.server->ktls_status().sending == ktls_state::on);
  BOOST_TEST(pair.server->ktls_status().receiving == ktls_state::not_asked_for);
  BOOST_TEST(pair.client->ktls_status().sending == ktls_state::not_asked_for);
}

BOOST_AUTO_TEST_CASE(status_says_why_it_is_off) {
  stream_pair cbc(tls12_cbc, ktls::tx_rx);
  if (!kernel_tls()) {
    BOOST_TEST(cbc.server->ktls_status().sending == ktls_state::not_in_kernel);
    BOOST_TEST(cbc.server->ktls_status().receiving == ktls_state::not_in_kernel);
    return;
  }
  BOOST_TEST(cbc.server->ktls_status().sending == ktls_state::not_for_cipher);
  stream_pair both(tls13_aes128, ktls::tx_rx);
  BOOST_TEST(both.server->ktls_status().sending == ktls_state::on);
  BOOST_TEST(both.server->ktls_status().receiving ==
             (since_openssl_32() ? ktls_state::on : ktls_state::not_for_version));
  stream_pair older(tls12_aes128, ktls::tx_rx);
  BOOST_TEST(older.server->ktls_status().receiving == ktls_state::on);
}

// With kernel TLS and, on a host without it, in user space: the same bytes.
BOOST_DATA_TEST_CASE(carries_all_both_ways_at_once, offloaded* data::make({ktls::tx, ktls::tx_rx}),
                     suite, way) {
  stream_pair pair(suite, way);
  sink at_server;
  keep_reading(*pair.server, at_server);
  std::string sent;
  for (std::size_t const size : {1U, 16'385U, 1'000'000U}) {
    auto const message = numbered_plaintext(size);
    sent += message;
    ending by_client, by_server;
    tls_write(*pair.client, asio::buffer(message), by_client.token());
    tls_write(*pair.server, asio::buffer(message), by_server.token());
    pair.run_until([&] {
      return by_client.done && by_server.done && pair.at_client.plaintext.size() == sent.size() &&
             at_server.plaintext.size() == sent.size();
    });
  }
  BOOST_TEST((pair.at_client.plaintext == sent));
  BOOST_TEST((at_server.plaintext == sent));
  ending closed, shut;
  tls_shutdown(*pair.server, shut.token());
  pair.run_until([&] { return pair.at_client.ended; });
  BOOST_TEST(pair.at_client.end == asio::error::eof);
  tls_close_write(*pair.client, closed.token());
  pair.run_until([&] { return shut.done; });
  BOOST_TEST(shut.ec == error_code());
}

// Whatever that first one is, and whoever seals it.
BOOST_DATA_TEST_CASE(tickets_with_the_first_write_go_before_it,
                     data::make({ktls::tx, ktls::tx_rx}) * data::make({true, false}), way,
                     is_file) {
  context of_server(context::role::server);
  of_server.use_certificate_chain(server_identity().certificate_chain);
  of_server.use_private_key(server_identity().private_key);
  of_server.set_tickets(2, context::ticket_moment::with_first_write);
  stream_pair pair(tls13_aes128, way, {}, of_server);
  SSL* const client = pair.client->native_handle();
  unnamed_file const file(100'000);
  auto const& bytes = file.content();
  for (std::size_t sent = bytes.size(); sent != 3 * bytes.size(); sent += bytes.size()) {
    BOOST_TEST(SSL_SESSION_has_ticket(SSL_get_session(client)) == (sent != bytes.size()));
    auto const was = is_file ? pair.send_file(file, 0, bytes.size()) : pair.write(bytes);
    BOOST_TEST(was.ec == error_code());
    pair.wait_for(sent);
    BOOST_TEST(SSL_SESSION_has_ticket(SSL_get_session(client)) == 1);
  }
  BOOST_TEST((pair.at_client.plaintext == bytes + bytes));
}

std::string sha256_of(std::string const& bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &length,
             EVP_sha256(), nullptr);
  return digest.substr(0, length);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W2"))
BOOST_AUTO_TEST_CASE(file_of_64_mebibyte_takes_a_call_for_64_kibibyte_at_most) {
  if (!kernel_tls()) return;
  stream_pair pair;
  unnamed_file const file(64 * mebibyte);
  pair.at_client.plaintext.reserve(file.content().size());
  auto const sent = pair.send_file(file, 0, file.content().size());
  BOOST_TEST(sent.ec == error_code());
  BOOST_TEST(sent.bytes == file.content().size());
  pair.wait_for(sent.bytes);
  BOOST_TEST((sha256_of(pair.at_client.plaintext) == sha256_of(file.content())));
  auto const& stats = pair.server->stats();
  BOOST_TEST_MESSAGE(stats.flushes << " calls that sent, " << stats.suspended_for_flush
                                   << " that found no room");
  BOOST_TEST(stats.flushes + stats.suspended_for_flush <= file.content().size() / 65'536);
}

BOOST_DATA_TEST_CASE(file_and_writes_keep_their_order, offloaded) {
  stream_pair pair(sample);
  unnamed_file const file(3 * mebibyte);
  std::string expected;
  std::vector<ending> done(9);
  for (std::size_t i = 0; i != 3; ++i) {
    std::size_t const offset = i * 100'001;
    tls_write(*pair.server, std::string("before "), done[3 * i].token());
    tls_sendfile(*pair.server, file.descriptor(), offset, mebibyte, done[3 * i + 1].token());
    tls_write(*pair.server, std::string(" after"), done[3 * i + 2].token());
    expected += "before " + file.content().substr(offset, mebibyte) + " after";
  }
  pair.wait_for(expected.size());
  pair.run_until([&] { return done.back().done; });
  BOOST_TEST((pair.at_client.plaintext == expected));
  for (auto const& each : done)
    BOOST_TEST(each.ec == error_code());
}

BOOST_AUTO_TEST_CASE(ranges_are_as_without_the_kernel) {
  stream_pair pair;
  unnamed_file const file(100'000);
  BOOST_TEST(pair.send_file(file, 0, 0).ec == error_code());
  BOOST_TEST(pair.send_file(file, 99'990, to_the_end).bytes == 10U);
  BOOST_TEST(pair.send_file(file, 100'000, to_the_end).ec == error_code());
  BOOST_TEST(pair.send_file(file, 200'000, to_the_end).bytes == 0U);
  auto const beyond = pair.send_file(file, 99'995, 10);
  BOOST_TEST(beyond.ec == errc::file_ended);
  BOOST_TEST(beyond.bytes == 5U);
  BOOST_TEST(pair.write("and on").ec == error_code());
  std::string const expected =
      file.content().substr(99'990) + file.content().substr(99'995) + "and on";
  pair.wait_for(expected.size());
  BOOST_TEST(pair.at_client.plaintext == expected);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W18"))
BOOST_AUTO_TEST_CASE(file_that_shrinks_is_an_error_behind_what_was_there) {
  stream_pair pair;
  unnamed_file file(16 * mebibyte);
  ending sent;
  tls_sendfile(*pair.server, file.descriptor(), 0, 16 * mebibyte, sent.token());
  BOOST_TEST(!sent.done);
  file.shrink_to(8 * mebibyte);
  pair.run_until([&] { return sent.done; });
  BOOST_TEST(sent.ec == errc::file_ended);
  BOOST_TEST(pair.write("and on").ec == error_code());
  pair.wait_for(sent.bytes + 6);
  BOOST_TEST((pair.at_client.plaintext == file.content().substr(0, sent.bytes) + "and on"));
}

BOOST_AUTO_TEST_CASE(bad_files_are_named_by_the_system) {
  stream_pair pair;
  int ends[2];
  BOOST_REQUIRE_EQUAL(::pipe(ends), 0);
  unnamed_file const file(10);
  auto const code = [&](int descriptor, std::uint64_t offset) {
    ending sent;
    tls_sendfile(*pair.server, descriptor, offset, 10, sent.token());
    pair.run_until([&] { return sent.done; });
    BOOST_TEST(sent.bytes == 0U);
    return sent.ec.value();
  };
  BOOST_TEST(code(-1, 0) == EBADF);
  BOOST_TEST(code(ends[0], 0) == ESPIPE);
  BOOST_TEST(code(file.descriptor(), UINT64_MAX - 1) == EINVAL);
  ::close(ends[0]);
  ::close(ends[1]);
  BOOST_TEST(pair.write("and on").ec == error_code());
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W18"))
BOOST_AUTO_TEST_CASE(cancelled_file_ends_where_it_says) {
  stream_pair pair;
  unnamed_file const file(32 * mebibyte);
  asio::cancellation_signal cancel;
  ending sent;
  tls_sendfile(*pair.server, file.descriptor(), 0, 32 * mebibyte,
               asio::bind_cancellation_slot(cancel.slot(), sent.token()));
  pair.run_until([&] { return pair.at_client.plaintext.size() > mebibyte; });
  cancel.emit(asio::cancellation_type::partial);
  pair.run_until([&] { return sent.done; });
  BOOST_TEST(sent.ec == asio::error::operation_aborted);
  BOOST_TEST(pair.write("and on").ec == error_code());
  pair.wait_for(sent.bytes + 6);
  BOOST_TEST((pair.at_client.plaintext == file.content().substr(0, sent.bytes) + "and on"));
}

// The kernel can't change its keys: never a corrupt stream.
BOOST_AUTO_TEST_CASE(own_key_update_is_refused_and_the_stream_goes_on) {
  if (!kernel_tls()) return;
  stream_pair pair;
  ending updated;
  tls_key_update(*pair.server, new_keys::ours, updated.token());
  pair.run_until([&] { return updated.done; });
  BOOST_TEST(updated.ec == errc::ktls_fixed_keys);
  BOOST_TEST(pair.write("and on").ec == error_code());
  pair.wait_for(6);
  BOOST_TEST(pair.at_client.plaintext == "and on");
}

BOOST_DATA_TEST_CASE(key_update_that_the_peer_asks_for_ends_the_session_cleanly,
                     data::make({1, 2, 3}), requests) {
  if (!kernel_tls()) return;
  stream_pair pair;
  unnamed_file const file(mebibyte);
  pair.send_file(file, 0, mebibyte);
  pair.wait_for(mebibyte);
  sink at_server;
  keep_reading(*pair.server, at_server);
  for (int i = 0; i != requests; ++i) {
    ending asked;
    tls_key_update(*pair.client, new_keys::both, asked.token());
    pair.run_until([&] { return asked.done; });
  }
  pair.run_until([&] { return at_server.ended && pair.at_client.ended; });
  BOOST_TEST(at_server.end == errc::ktls_fixed_keys);
  BOOST_TEST(pair.at_client.end == asio::error::eof);
  BOOST_TEST((pair.at_client.plaintext == file.content()));
  BOOST_TEST(pair.write("too late").ec == errc::ktls_fixed_keys);
}

BOOST_AUTO_TEST_CASE(key_update_that_the_peer_asks_for_does_no_harm_behind_close_notify) {
  if (!kernel_tls()) return;
  stream_pair pair;
  sink at_server;
  keep_reading(*pair.server, at_server);
  ending closed;
  tls_close_write(*pair.server, closed.token());
  pair.run_until([&] { return closed.done && pair.at_client.ended; });
  BOOST_TEST(pair.at_client.end == asio::error::eof);
  for (int i = 0; i != 3; ++i) {
    ending asked, written;
    tls_key_update(*pair.client, new_keys::both, asked.token());
    tls_write(*pair.client, asio::buffer("new keys", 8), written.token());
    pair.run_until([&] { return asked.done && written.done; });
  }
  pair.run_until([&] { return at_server.ended || at_server.plaintext.size() == 24; });
  if (since_openssl_32()) {  // whose own answer fails, though it goes nowhere
    BOOST_TEST(at_server.end == errc::ktls_fixed_keys);
    return;
  }
  BOOST_TEST(at_server.plaintext == "new keysnew keysnew keys");
  ending closed_too;
  tls_close_write(*pair.client, closed_too.token());
  pair.run_until([&] { return at_server.ended; });
  BOOST_TEST(at_server.end == asio::error::eof);
}

BOOST_AUTO_TEST_CASE(limit_of_a_key_ends_the_session_cleanly) {
  if (!kernel_tls()) return;
  stream_options options;
  options.rekey_after_records = 3;
  stream_pair pair(tls13_aes128, ktls::tx, options);
  for (int i = 0; i != 3; ++i)
    BOOST_TEST(pair.write("one").ec == error_code());
  BOOST_TEST(pair.write("one too many").ec == errc::ktls_fixed_keys);
  pair.run_until([&] { return pair.at_client.ended; });
  BOOST_TEST(pair.at_client.end == asio::error::eof);
  BOOST_TEST(pair.at_client.plaintext == "oneoneone");
}

BOOST_AUTO_TEST_CASE(key_update_without_a_request_does_no_harm) {
  if (!kernel_tls()) return;
  stream_pair pair;
  sink at_server;
  keep_reading(*pair.server, at_server);
  for (int i = 0; i != 3; ++i) {
    ending updated, written;
    tls_key_update(*pair.client, new_keys::ours, updated.token());
    tls_write(*pair.client, asio::buffer("new keys", 8), written.token());
    pair.run_until([&] { return updated.done && written.done; });
    BOOST_TEST(pair.write("old keys").ec == error_code());
  }
  pair.run_until([&] { return at_server.plaintext.size() == 24; });
  pair.wait_for(24);
  BOOST_TEST(pair.at_client.plaintext == "old keysold keysold keys");
}

// With SIGPIPE as it is by default the program would end.
BOOST_DATA_TEST_CASE(reset_in_the_middle_of_a_file_is_an_error_and_no_signal,
                     data::make({true, false}), by_reset) {
  auto* const before = std::signal(SIGPIPE, SIG_DFL);
  stream_pair pair;
  unnamed_file const file(32 * mebibyte);
  ending sent;
  tls_sendfile(*pair.server, file.descriptor(), 0, 32 * mebibyte, sent.token());
  pair.run_until([&] { return pair.at_client.plaintext.size() > mebibyte; });
  if (by_reset) pair.client->next_layer().set_option(asio::socket_base::linger(true, 0));
  pair.client.reset();
  pair.run_until([&] { return sent.done; });
  BOOST_TEST((sent.ec == asio::error::broken_pipe || sent.ec == asio::error::connection_reset));
  BOOST_TEST(pair.write("too late").ec.failed());
  pair.server.reset();
  std::signal(SIGPIPE, before);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
