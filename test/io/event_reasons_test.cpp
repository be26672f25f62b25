// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Each reason by a real handshake or session that ends so, as far as one can be made; the table of
// docs/errors.md; what OpenSSL says in rare cases.
#include <boost/asio/ssl/verify_context.hpp>
#include <boost/system/errc.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <string>

#include "event_log.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

struct expectation {
  char const* name;
  std::function<void(context& client, context& server)> prepare;
  end_reason of_client;
  end_reason of_server;
};

void only(context& of, context::version version) { of.set_versions(version, version); }

void use(context& of, identity_kind kind) {
  of.use_certificate_chain(make_identity(kind).certificate_chain);
  of.use_private_key(make_identity(kind).private_key);
}

void check(expectation const& expected) {
  context client = client_context();
  context server = server_context();
  expected.prepare(client, server);
  watched_session w(std::move(client), std::move(server));
  w.negotiate();
  // In TLS 1.3 a client is done before the server has judged its certificate.
  std::array<char, 1> place{};
  ending read;
  tls_read_some(w.s.client, asio::buffer(place), read.token());
  w.s.settle();
  w.destroy(w.s.client);
  w.s.settle();
  BOOST_TEST_CONTEXT(expected.name) {
    BOOST_REQUIRE(!w.client.events().empty());
    BOOST_REQUIRE_EQUAL(w.server.events().size(), 1U);
    auto const of_client = w.client.events().back();
    auto const of_server = w.server.events().back();
    BOOST_TEST(to_string(of_client.reason) == to_string(expected.of_client));
    BOOST_TEST(to_string(of_server.reason) == to_string(expected.of_server));
    BOOST_TEST(of_client.result.failed());
    BOOST_TEST(of_client.text != "");
    BOOST_TEST(of_client.text.find('\n') == std::string::npos);
    BOOST_TEST(failures(w.server_context.counters().as_server, expected.of_server) == 1U);
    if (expected.of_server != end_reason::peer_alert) return;
    BOOST_REQUIRE(of_server.alert.has_value());
    BOOST_TEST(!of_server.alert->sent);
    BOOST_REQUIRE(of_client.alert.has_value());
    BOOST_TEST(of_client.alert->sent);
    BOOST_TEST(of_client.alert->number == of_server.alert->number);
  }
}

BOOST_AUTO_TEST_SUITE(event_reasons)

BOOST_AUTO_TEST_CASE(certificate_of_the_server_that_is_refused_says_why) {
  auto const with = [](identity_kind kind) {
    return [kind](context&, context& server) { use(server, kind); };
  };
  for (auto const& each : {
           expectation{"expired", with(identity_kind::expired), end_reason::certificate_expired,
                       end_reason::peer_alert},
           {"not yet valid", with(identity_kind::not_yet_valid),
            end_reason::certificate_not_yet_valid, end_reason::peer_alert},
           {"wrong host", with(identity_kind::wrong_host), end_reason::host_mismatch,
            end_reason::peer_alert},
           {"untrusted", with(identity_kind::untrusted), end_reason::unknown_authority,
            end_reason::peer_alert},
           {"self-signed", with(identity_kind::self_signed), end_reason::unknown_authority,
            end_reason::peer_alert},
           {"of a client", with(identity_kind::client), end_reason::certificate_refused,
            end_reason::peer_alert},
       })
    check(each);
}

BOOST_AUTO_TEST_CASE(nothing_in_common_says_what) {
  using enum context::version;
  for (auto const &each : {
           expectation{"version",
                       [](context&client, context&server) {
                         only(client, tls1_3);
                         only(server, tls1_2);
                       },
                       end_reason::peer_alert, end_reason::no_shared_version},
           {"suite of TLS 1.3",
            [](context&client, context&server) {
              only(server, tls1_3);
              client.set_ciphersuites_tls13("TLS_AES_128_GCM_SHA256");
              server.set_ciphersuites_tls13("TLS_AES_256_GCM_SHA384");
            },
            end_reason::peer_alert, end_reason::no_shared_suite},
           {"suite of TLS 1.2",
            [](context&client, context&server) {
              only(server, tls1_2);
              client.set_ciphers_tls12("ECDHE-ECDSA-AES128-GCM-SHA256");
              server.set_ciphers_tls12("ECDHE-ECDSA-AES256-GCM-SHA384");
            },
            end_reason::peer_alert, end_reason::no_shared_suite},
           {"group",
            [](context&client, context&server) {
              only(server, tls1_3);
              client.set_groups("P-256");
              server.set_groups("X25519");
            },
            end_reason::peer_alert, end_reason::no_shared_group},
           {"signature algorithm",
            [](context&client, context&) {
              SSL_CTX_set1_sigalgs_list(client.native_handle(), "RSA-PSS+SHA256");
            },
            end_reason::peer_alert, end_reason::no_shared_signature},
           {"protocol of ALPN",
            [](context&client, context&server) {
              client.set_alpn({"h2"});
              server.set_alpn({"http/1.1"});
            },
            end_reason::peer_alert, end_reason::no_shared_alpn},
           {"host",
            [](context&, context&server) {
              identities others;
              auto const& other = make_identity(identity_kind::wrong_host);
              others.add(other.certificate_chain, other.private_key);
              others.refuse_others();
              server.use_identities(others);
            },
            end_reason::peer_alert, end_reason::unknown_host},
       }) {
    check(each);
  }
}

BOOST_AUTO_TEST_CASE(certificate_of_the_client_that_is_missing_or_refused_says_so) {
  auto const require = [](context& server) {
    server.trust(server_identity().authority);
    server.require_client_certificate();
  };
  check({"none", [&](context&, context& server) { require(server); }, end_reason::peer_alert,
         end_reason::no_certificate});
  check({"untrusted",
         [&](context& client, context& server) {
           require(server);
           use(client, identity_kind::untrusted);
         },
         end_reason::peer_alert, end_reason::unknown_authority});
}

BOOST_AUTO_TEST_CASE(callback_that_refuses_is_a_certificate_refused) {
  watched_session w;
  w.s.client.set_verify_callback([](bool, asio::ssl::verify_context&) { return false; });
  w.negotiate();
  BOOST_TEST(w.client.story() == "handshake certificate_refused");
  BOOST_TEST(w.server.story() == "handshake peer_alert");
}

// A client's stream whose peer is played by hand.
struct raw_server {
  raw_server() {
    tls_handshake(tls, as_client{"localhost"}, shaken.token());
    settle(io);
  }
  void send(std::string const& bytes) {
    link.second.async_write_some(asio::buffer(bytes), [](error_code, std::size_t) {});
    settle(io);
  }

  context client = client_context();
  event_log log{client};
  asio::io_context io;
  std::pair<memory_stream, memory_stream> link = memory_stream::make(io.get_executor());
  memory_tls tls{std::move(link.first), client};
  ending shaken;
};

BOOST_AUTO_TEST_CASE(what_is_no_tls_says_so) {
  raw_server peer;
  peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  BOOST_TEST(peer.log.story() == "handshake not_tls");
}

BOOST_AUTO_TEST_CASE(record_that_may_not_come_is_a_protocol_error) {
  raw_server peer;
  peer.send(std::string("\x17\x03\x03\x00\x01x", 6));
  BOOST_TEST(peer.log.story() == "handshake protocol_error");
}

BOOST_AUTO_TEST_CASE(alert_of_the_peer_has_its_number) {
  raw_server peer;
  peer.send(std::string("\x15\x03\x03\x00\x02\x02\x28", 7));
  BOOST_TEST(peer.log.story() == "handshake peer_alert");
  BOOST_REQUIRE(peer.log.events().at(0).alert.has_value());
  BOOST_TEST(peer.log.events().at(0).alert->number == SSL_AD_HANDSHAKE_FAILURE);
  BOOST_TEST(peer.client.counters().alerts_received.at(SSL_AD_HANDSHAKE_FAILURE) == 1U);
}

BOOST_AUTO_TEST_CASE(close_notify_and_the_end_within_a_handshake_are_truncation) {
  raw_server closed;
  closed.send(std::string("\x15\x03\x03\x00\x02\x01\x00", 7));
  BOOST_TEST(closed.log.story() == "handshake truncated");
  raw_server cut;
  cut.link.second.close();
  settle(cut.io);
  BOOST_TEST(cut.log.story() == "handshake truncated");
}

BOOST_AUTO_TEST_CASE(error_of_the_next_layer_is_a_failed_connection) {
  watched_session w;
  w.s.server_end().outgoing().cut_at = 100;
  w.s.server_end().outgoing().cut_with = asio::error::connection_reset;
  w.negotiate();
  BOOST_TEST(w.client.story() == "handshake connection_failed");
  BOOST_TEST(w.client.events().at(0).result == asio::error::connection_reset);
}

BOOST_AUTO_TEST_CASE(context_that_is_not_complete_is_not_configured) {
  watched_session w(context(context::role::client), server_context());
  w.negotiate();
  BOOST_TEST(w.client.story() == "handshake not_configured");
}

BOOST_AUTO_TEST_CASE(peer_that_asks_too_much_is_over_its_limit) {
  watched_session w;
  w.negotiate();
  std::array<char, 8> place{};
  ending read;
  tls_read_some(w.s.client, asio::buffer(place), read.token());
  for (int i = 0; i < 200 && !read.done; ++i) {
    ending updated;
    tls_key_update(w.s.server, updated.token());
    w.s.settle();
  }
  BOOST_TEST(read.ec == errc::peer_limit_exceeded);
  BOOST_TEST(w.client.story() == "handshake ok, session peer_limit");
}

// What takes a broken machine, another OpenSSL, or a kernel.
BOOST_AUTO_TEST_CASE(rare_failures_have_their_reason) {
  auto const of_openssl = [](int library, int reason, bool in_handshake = true) {
    auto const code =
        ERR_PACK(static_cast<unsigned long>(library), 0UL, static_cast<unsigned long>(reason));
    return to_string(reason_of(failure(code), {}, in_handshake));
  };
  auto const of_code = [](error_code code, bool in_handshake = true) {
    return to_string(reason_of(failure(code), {}, in_handshake));
  };
  auto const of_certificate = [](int code) {
    error_info story;
    error_info::verification refused;
    refused.code = code;
    story.verify_error = refused;
    return to_string(reason_of(failure(1UL), story, true));
  };
  using boost::system::errc::make_error_code;
  BOOST_TEST(of_code(make_error_code(boost::system::errc::not_enough_memory)) == "out_of_memory");
  BOOST_TEST(of_code(make_error_code(boost::system::errc::broken_pipe)) == "connection_failed");
  BOOST_TEST(of_code(errc::not_verified) == "not_verified");
  BOOST_TEST(of_code(errc::key_mismatch) == "not_configured");
  BOOST_TEST(of_code(errc::ktls_fixed_keys, false) == "ktls_fixed_keys");
  BOOST_TEST(of_code(errc::unexpected_result) == "internal_error");
  BOOST_TEST(of_certificate(X509_V_ERR_CERT_REVOKED) == "certificate_revoked");
  BOOST_TEST(of_certificate(X509_V_ERR_IP_ADDRESS_MISMATCH) == "host_mismatch");
  BOOST_TEST(of_openssl(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE) == "out_of_memory");
  BOOST_TEST(of_openssl(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR) == "internal_error");
  BOOST_TEST(of_openssl(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER, false) == "protocol_error");
  BOOST_TEST(of_openssl(ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING) == "truncated");
  BOOST_TEST(of_openssl(ERR_LIB_SSL, SSL_R_TLSV1_ALERT_UNKNOWN_CA) == "peer_alert");
  // Another library's reason of the same number.
  BOOST_TEST(of_openssl(ERR_LIB_USER, SSL_R_NO_SHARED_CIPHER) == "protocol_error");
}

BOOST_AUTO_TEST_CASE(every_reason_has_a_code_of_its_own_and_a_row_in_the_page_of_errors) {
  std::ifstream file(ERRORS_PAGE);
  std::stringstream page;
  page << file.rdbuf();
  std::set<std::string> seen;
  for (std::size_t i = 0; i < end_reasons; ++i) {
    std::string const code(to_string(static_cast<end_reason>(i)));
    BOOST_TEST(code.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    BOOST_TEST(seen.insert(code).second, code);
    BOOST_TEST(page.str().find("\n| `" + code + "` | ") != std::string::npos,
               code << " has no row");
  }
  BOOST_TEST(to_string(static_cast<end_reason>(end_reasons)) == "unknown");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
