// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Handshakes that fail, each triggered as a program meets it; what both sides are told then.
#pragma once

#include "context/trial.hpp"
#include "errors_page.hpp"
#include "io/memory_session.hpp"

#include <tls_async/io/hooks.hpp>

#include <openssl/ssl.h>

#include <string>

namespace tls_async::test::failing {

namespace asio = boost::asio;

inline context server_with(identity_kind kind) {
  context made(context::role::server);
  made.use_certificate_chain(make_identity(kind).certificate_chain);
  made.use_private_key(make_identity(kind).private_key);
  return made;
}

inline std::string told_side(std::string const& who, memory_tls const& side, ending const& end) {
  if (!end.done) return who + " -> still waits\n";
  return told(who, end.ec, end.ec ? side.error_info().text() : "");
}
inline std::string told_client(memory_session const& s, char const* verb, ending const& end) {
  return told_side(std::string("client: ") + verb, s.client, end);
}
inline std::string told_server(memory_session const& s, char const* verb, ending const& end) {
  return told_side(std::string("server: ") + verb, s.server, end);
}

/// Both sides' tls_handshake, to the end. Who fails closes the connection, as programs do. What the
/// client's first read adds, if it alone got through.
inline std::string handshakes(context& for_client, context& for_server,
                              char const* host = "localhost") {
  memory_session s({}, for_client, for_server);
  ending of_client, of_server;
  tls_handshake(s.client, as_client{host}, of_client.token());
  tls_handshake(s.server, as_server{}, of_server.token());
  s.settle();
  if (of_client.ec && !of_server.done) s.client_end().close();
  if (of_server.ec && !of_client.done) s.server_end().close();
  s.settle();
  std::string all = told_client(s, "tls_handshake", of_client);
  if (!of_client.ec) {
    ending read;
    char place = 0;
    tls_read_some(s.client, asio::buffer(&place, 1), read.token());
    s.settle();
    all += told_client(s, "tls_read_some", read);
  }
  return all + told_server(s, "tls_handshake", of_server);
}
inline std::string handshakes(context&& for_client, context&& for_server) {
  return handshakes(for_client, for_server);
}
inline std::string against(identity_kind kind) {
  return handshakes(client_of_tls_1(3), server_with(kind));
}

inline std::string wrong_host() { return against(identity_kind::wrong_host); }
inline std::string expired() { return against(identity_kind::expired); }
inline std::string not_yet_valid() { return against(identity_kind::not_yet_valid); }
inline std::string unknown_authority() { return against(identity_kind::untrusted); }

inline std::string self_signed() {
  auto const own = make_rsa(2048, "localhost");
  context server(context::role::server);
  server.use_certificate_chain(own.certificate);
  server.use_private_key(own.key);
  return handshakes(trusting_client(), server);
}

inline std::string empty_trust_store() {
  context client(context::role::client);
  return handshakes(client, known_server());
}

inline std::string no_host_name() { return handshakes(trusting_client(), known_server(), ""); }

inline std::string no_host() {
  auto& client = trusting_client();
  auto& server = known_server();
  return handshakes(client, server, "https://localhost:443");
}

inline std::string not_verified() {
  auto& client = trusting_client();
  auto& server = known_server();
  memory_session s({}, client, server);
  s.handshake();
  ending again;
  tls_handshake(s.client, as_client{"other.test"}, again.token());
  s.settle();
  return told_client(s, "tls_handshake", again);
}

/// The server's authority was made again, under its old name.
inline std::string authority_of_another_key() {
  auto const old = make_rsa(2048, "tls_async test authority");
  context client(context::role::client);
  client.trust(old.certificate);
  auto server = server_with(identity_kind::server);
  return handshakes(client, server);
}

inline std::string no_common_version() {
  auto server = server_with(identity_kind::server);
  server.set_versions(context::version::tls1_2, context::version::tls1_2);
  auto client = client_of_tls_1(3);
  return handshakes(client, server);
}

inline std::string no_common_suite() {
  auto client = client_of_tls_1(3);
  client.set_ciphersuites_tls13("TLS_AES_256_GCM_SHA384");
  auto server = server_with(identity_kind::server);
  server.set_ciphersuites_tls13("TLS_CHACHA20_POLY1305_SHA256");
  return handshakes(client, server);
}

inline std::string no_common_group() {
  auto client = client_of_tls_1(3);
  client.set_groups("X25519");
  auto server = server_with(identity_kind::server);
  server.set_groups("P-256");
  return handshakes(client, server);
}

inline std::string alpn_mismatch() {
  auto client = client_of_tls_1(3);
  client.set_alpn({"h2"});
  auto server = server_with(identity_kind::server);
  server.set_alpn({"http/1.1"});
  return handshakes(client, server);
}

inline std::string server_without_certificate() {
  return handshakes(client_of_tls_1(3), context(context::role::server));
}

inline std::string chain_without_key() {
  context server(context::role::server);
  server.use_certificate_chain(server_identity().certificate_chain);
  return handshakes(trusting_client(), server);
}

inline context demanding_server() {
  auto made = server_with(identity_kind::server);
  made.trust(client_identity().authority);
  made.require_client_certificate();
  return made;
}

inline std::string client_certificate_missing() {
  return handshakes(client_of_tls_1(3), demanding_server());
}

inline std::string client_certificate_refused() {
  auto client = client_of_tls_1(3);
  client.use_certificate_chain(make_identity(identity_kind::untrusted).certificate_chain);
  client.use_private_key(make_identity(identity_kind::untrusted).private_key);
  auto server = demanding_server();
  return handshakes(client, server);
}

/// An end that speaks something else than TLS.
inline void say(memory_session& s, memory_stream& end, std::string const& plaintext) {
  ending written;
  end.async_write_some(asio::buffer(plaintext), written.token());
  s.settle();
}
inline std::size_t heard(memory_session& s, memory_stream& end) {
  std::array<char, 16'384> place{};
  ending read;
  end.async_read_some(asio::buffer(place), read.token());
  s.settle();
  end.cancel();
  s.settle();
  return read.bytes;
}

inline std::string plain_http_to_a_tls_port() {
  memory_session s;
  ending shaken;
  tls_handshake(s.server, as_server{}, shaken.token());
  say(s, s.client_end(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return told_server(s, "tls_handshake", shaken) + "plain client -> hears " +
         (heard(s, s.client_end()) == 0 ? "nothing" : "something") + '\n';
}

inline std::string tls_to_a_plain_port() {
  memory_session s;
  ending shaken;
  tls_handshake(s.client, as_client{"localhost"}, shaken.token());
  s.settle();
  std::string const first = heard(s, s.server_end()) > 0 ? "bytes that are no text" : "nothing";
  say(s, s.server_end(), "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  return told_client(s, "tls_handshake", shaken) + "plain server -> hears " + first + '\n';
}

inline std::string peer_gone_mid_handshake() {
  memory_session s;
  ending shaken;
  tls_handshake(s.client, as_client{"localhost"}, shaken.token());
  s.settle();
  s.server_end().close();
  s.settle();
  return told_client(s, "tls_handshake", shaken);
}

inline std::string closed_mid_handshake() {
  memory_session s;
  ending shaken;
  tls_handshake(s.client, as_client{"localhost"}, shaken.token());
  s.settle();
  constexpr std::string_view close_notify("\x15\x03\x03\x00\x02\x01\x00", 7);
  s.server_end().async_write_some(boost::asio::buffer(close_notify), [](auto&&...) {});
  s.settle();
  return told_client(s, "tls_handshake", shaken);
}

inline std::string handshake_deadline() {
  memory_session s;
  ending shaken;
  tls_handshake(s.client, as_client{"localhost"}, shaken.token());
  s.settle();
  s.pass(10s);
  return told_client(s, "tls_handshake", shaken);
}

/// The client has no certificate, which this one's server need not mind.
inline std::string hook_that_refuses() {
  memory_session s;
  ending of_client, of_server, read;
  tls_handshake(s.client, as_client{"localhost"}, of_client.token());
  hooks asking;
  asking.peer = [](peer_certificates const&) { return verdict::refuse("not on the list"); };
  tls_handshake(s.server, as_server{asking}, of_server.token());
  s.settle();
  char place = 0;
  tls_read_some(s.client, asio::buffer(&place, 1), read.token());
  s.settle();
  return told_client(s, "tls_handshake", of_client) + told_client(s, "tls_read_some", read) +
         told_server(s, "tls_handshake", of_server);
}

inline std::string signature_that_does_not_fit() {
  context server(context::role::server);
  identities all;
  all.add_chain(server_identity().certificate_chain);
  server.use_identities(all);
  memory_session s({}, trusting_client(), server);
  ending of_client, of_server;
  tls_handshake(s.client, as_client{"localhost"}, of_client.token());
  hooks asking;
  asking.signature = [](signature_request const&) {
    return verdict::sign(std::vector(70, std::byte{'s'}));
  };
  tls_handshake(s.server, as_server{asking}, of_server.token());
  s.settle();
  return told_client(s, "tls_handshake", of_client) + told_server(s, "tls_handshake", of_server);
}

/// A callback of the application asks OpenSSL to wait for it, which is not how streams wait.
inline std::string callback_that_waits() {
  auto server = server_with(identity_kind::server);
  SSL_CTX_set_cert_cb(
      server.native_handle(), [](SSL*, void*) { return -1; }, nullptr);
  return handshakes(trusting_client(), server);
}

}  // namespace tls_async::test::failing
