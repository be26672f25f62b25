// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Handshakes that fail, and what each side is told: an error code, and a text that names the
// cause.
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/verify_context.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "memory_session.hpp"
#include "support/engine_of.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

// The text of `who` has all of `words`.
void check_text(memory_tls const& who, std::initializer_list<char const*> words) {
  auto const text = who.error_info().text();
  BOOST_TEST_MESSAGE(text);
  for (auto const* word : words) {
    BOOST_TEST(text.find(word) != std::string::npos, "'" << word << "' is not in: " << text);
  }
}
void check_ssl(ending const& ended) {
  BOOST_TEST(ended.done);
  BOOST_TEST(ended.ec.category().name() == asio::error::get_ssl_category().name());
}

// Both sides' tls_handshake, to the end.
struct failed_handshake {
  failed_handshake(context& for_client, context& for_server, char const* host = "localhost")
      : s({}, for_client, for_server) {
    tls_handshake(s.client, as_client{host}, of_client.token());
    tls_handshake(s.server, as_server{}, of_server.token());
    s.settle();
  }

  memory_session s;
  ending of_client, of_server;
};

context server_with(identity_kind kind) {
  context made(context::role::server);
  made.use_certificate_chain(make_identity(kind).certificate_chain);
  made.use_private_key(make_identity(kind).private_key);
  return made;
}

BOOST_AUTO_TEST_SUITE(handshake_failure)

BOOST_AUTO_TEST_CASE(wrong_host_names_the_host_that_was_wanted_and_whose_certificate_came) {
  auto server = server_with(identity_kind::wrong_host);
  failed_handshake failed(trusting_client(), server);
  check_ssl(failed.of_client);
  check_text(failed.s.client, {"hostname mismatch", "'localhost'", "tls_async test server"});
  auto const& info = failed.s.client.error_info();
  BOOST_TEST(info.expected_host == "localhost");
  BOOST_TEST((info.verify_error && info.verify_error->code == X509_V_ERR_HOSTNAME_MISMATCH));
}

BOOST_AUTO_TEST_CASE(expired_certificate_is_named_on_both_sides) {
  auto server = server_with(identity_kind::expired);
  failed_handshake failed(trusting_client(), server);
  check_ssl(failed.of_client);
  check_ssl(failed.of_server);
  check_text(failed.s.client, {"certificate has expired", "tls_async test server"});
  check_text(failed.s.server, {"the peer ended the session", "certificate expired"});
}

BOOST_AUTO_TEST_CASE(unknown_authority_is_named_on_both_sides) {
  auto server = server_with(identity_kind::untrusted);
  failed_handshake failed(trusting_client(), server);
  check_ssl(failed.of_client);
  check_ssl(failed.of_server);
  check_text(failed.s.client,
             {"unable to get local issuer certificate", "tls_async unknown authority"});
  check_text(failed.s.server, {"unknown CA"});
}

BOOST_AUTO_TEST_CASE(empty_trust_store_is_named_before_anything_is_sent) {
  context client(context::role::client);
  failed_handshake failed(client, known_server());
  BOOST_TEST(failed.of_client.ec == errc::empty_trust_store);
  BOOST_TEST(failed.s.client_end().written().empty());
  check_text(failed.s.client, {"trust store is empty"});
  BOOST_TEST(failed.of_client.ec.message().find("trust_system()") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_version_in_both_is_named_on_both_sides) {
  auto client = client_of_tls_1(3);
  auto server = server_with(identity_kind::server);
  server.set_versions(context::version::tls1_2, context::version::tls1_2);
  failed_handshake failed(client, server);
  check_ssl(failed.of_client);
  check_ssl(failed.of_server);
  check_text(failed.s.client, {"the peer sent the alert 'protocol version'"});
  check_text(failed.s.server, {"unsupported protocol", "we sent the alert 'protocol version'"});
}

// Reasons of OpenSSL's libraries overlap: this one is SSL's for a connection that ended.
BOOST_AUTO_TEST_CASE(reason_of_another_library_is_not_taken_for_truncation) {
  memory_session s;
  s.client.set_verify_callback([](bool, asio::ssl::verify_context&) {
    ERR_raise(ERR_LIB_USER, SSL_R_UNEXPECTED_EOF_WHILE_READING);
    return false;
  });
  ending of_client, of_server;
  tls_handshake(s.client, as_client{"localhost"}, of_client.token());
  tls_handshake(s.server, as_server{}, of_server.token());
  s.settle();
  check_ssl(of_client);
}

BOOST_AUTO_TEST_CASE(peer_that_goes_away_is_named_with_the_step_it_left_in) {
  memory_session s;
  ending shaken;
  tls_handshake(s.client, as_client{"localhost"}, shaken.token());
  s.settle();
  BOOST_TEST(!shaken.done);
  s.server_end().close();
  s.settle();
  BOOST_TEST(shaken.ec == asio::ssl::error::stream_truncated);
  check_text(s.client, {"the peer closed the connection", "handshake step: the ServerHello"});
}

// An alert of level warning, in the clear.
constexpr std::string_view close_notify("\x15\x03\x03\x00\x02\x01\x00", 7);

void close_session(memory_session& s, memory_stream& from) {
  from.async_write_some(asio::buffer(close_notify), [](error_code, std::size_t) {});
  s.settle();
}

BOOST_AUTO_TEST_CASE(close_notify_in_place_of_an_answer_is_no_handshake) {
  for (bool const by_a_write : {false, true}) {
    memory_session s;
    ending verb;
    if (by_a_write) {
      BOOST_REQUIRE(!engine_of(s.client).be_client_of("localhost"));
      tls_write(s.client, asio::buffer("secret", 6), verb.token());
    } else {
      tls_handshake(s.client, as_client{"localhost"}, verb.token());
    }
    s.settle();
    close_session(s, s.server_end());
    BOOST_TEST(verb.done);
    BOOST_TEST(verb.ec == asio::ssl::error::stream_truncated);
    BOOST_TEST(verb.bytes == 0U);
    check_text(s.client, {"the peer closed the session in the middle of a handshake"});
    ending after;
    tls_handshake(s.client, as_client{"localhost"}, after.token());
    s.settle();
    BOOST_TEST(after.ec == asio::ssl::error::stream_truncated);
  }
}

BOOST_DATA_TEST_CASE(close_notify_of_a_client_is_no_handshake, boost::unit_test::data::make({2, 3}),
                     minor) {
  auto client = client_of_tls_1(minor);
  for (bool const after_its_hello : {true, false}) {
    memory_session s({}, client);
    ending of_server, of_client, read;
    if (after_its_hello) {
      tls_handshake(s.client, as_client{"localhost"}, of_client.token());
      s.settle();
    }
    tls_handshake(s.server, as_server{}, of_server.token());
    std::array<char, 10> place{};
    tls_read_some(s.server, asio::buffer(place), read.token());
    close_session(s, s.client_end());
    BOOST_TEST(of_server.ec == read.ec);
    if (!after_its_hello) {
      check_ssl(of_server);  // unexpected message
      continue;
    }
    BOOST_TEST(of_server.ec == asio::ssl::error::stream_truncated);
    check_text(s.server, {"the peer closed the session in the middle of a handshake"});
  }
}

BOOST_AUTO_TEST_CASE(refused_certificate_is_what_later_verbs_say_too) {
  auto server = server_with(identity_kind::expired);
  failed_handshake failed(trusting_client(), server);
  ending written;
  tls_write(failed.s.client, asio::buffer("x", 1), written.token());
  failed.s.settle();
  BOOST_TEST(written.ec == failed.of_client.ec);
  BOOST_TEST(failed.s.has_no_work());
}

BOOST_AUTO_TEST_CASE(client_certificate_that_is_missing_is_the_error_of_the_next_read_in_tls_1_3) {
  auto server = server_with(identity_kind::server);
  server.trust(client_identity().authority);
  server.require_client_certificate();
  failed_handshake failed(trusting_client(), server);
  check_ssl(failed.of_server);
  BOOST_TEST(failed.of_client.ec == error_code());
  check_text(failed.s.server, {"peer did not return a certificate"});
  sink received;
  keep_reading(failed.s.client, received);
  failed.s.settle();
  BOOST_TEST(received.ended);
  check_text(failed.s.client, {"the peer ended the session", "certificate required"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
