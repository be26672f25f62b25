// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Sessions that end badly, and deadlines that are met; what each side is told then.
#pragma once

#include "errors_handshake.hpp"
#include "io/raw_peer.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

namespace tls_async::test::failing {

inline ending read_now(memory_session& s, memory_tls& from) {
  ending read;
  std::array<char, 100> place{};
  tls_read_some(from, asio::buffer(place), read.token());
  s.settle();
  return read;
}

inline std::string truncated() {
  connected_session s;
  write_now(s, s.client, "half of what was to c");
  s.client_end().close();
  std::string all = "server: tls_read_some -> " + std::to_string(read_now(s, s.server).bytes) +
                    " bytes, and then\n";
  return all + told_server(s, "tls_read_some", read_now(s, s.server));
}

inline std::string reset_while_reading() {
  connected_session s;
  s.client_end().outgoing().cut_at = s.client_end().written().size();
  s.client_end().outgoing().cut_with = asio::error::connection_reset;
  return told_server(s, "tls_read_some", read_now(s, s.server));
}

inline std::string write_to_a_peer_that_is_gone() {
  connected_session s;
  s.server_end().close();
  return told_client(s, "tls_write", write_now(s, s.client, "hello?"));
}

inline std::string use_after_failure() {
  connected_session s;
  s.client_end().write_fault = {s.client_end().writes(), asio::error::connection_reset};
  write_now(s, s.client, "x");
  std::string all = told_client(s, "tls_write", write_now(s, s.client, "x")) +
                    told_client(s, "tls_read_some", read_now(s, s.client));
  ending shut;
  tls_shutdown(s.client, shut.token());
  s.settle();
  return all + told_client(s, "tls_shutdown", shut);
}

inline std::string damaged_ciphertext() {
  rude_session s(role::client);
  s.handshake();
  ending read;
  char place = 0;
  tls_read_some(s.stream, asio::buffer(&place, 1), read.token());
  // A record of application data that nobody sealed.
  std::string garbage(5 + 32, 'g');
  garbage.replace(0, 5, {'\x17', '\x03', '\x03', '\x00', '\x20'});
  s.peer.link().async_write_some(asio::buffer(garbage), [](error_code, std::size_t) {});
  settle(s.io);
  return told("server: tls_read_some", read.ec, s.stream.error_info().text());
}

inline std::string read_deadline() {
  connected_session s;
  ending read;
  char place = 0;
  tls_read_some(s.client, asio::buffer(&place, 1), 5s, read.token());
  s.settle();
  s.pass(5s);
  return told_client(s, "tls_read_some(5 s)", read);
}

inline std::string write_deadline() {
  connected_session s;
  s.client_end().outgoing().capacity = 0;
  ending stalled, timed;
  std::string const message(100'000, 'm');
  tls_write(s.client, asio::buffer(message), stalled.token());
  tls_write(s.client, asio::buffer(message), 5s, timed.token());
  s.settle();
  s.pass(5s);
  std::string all = told_client(s, "tls_write(5 s)", timed);
  s.pass(25s);
  return all + told_client(s, "tls_write", stalled);
}

inline std::string shutdown_deadline() {
  connected_session s;
  ending shut;
  tls_shutdown(s.client, shut.token());
  s.settle();
  s.pass(2s);
  return told_client(s, "tls_shutdown", shut) +
         told_server(s, "tls_read_some", read_now(s, s.server));
}

inline std::string cancelled() {
  connected_session s;
  asio::cancellation_signal cancel;
  ending read;
  char place = 0;
  tls_read_some(s.client, asio::buffer(&place, 1),
                asio::bind_cancellation_slot(cancel.slot(), read.token()));
  s.settle();
  cancel.emit(asio::cancellation_type::terminal);
  s.settle();
  return told_client(s, "tls_read_some", read);
}

inline std::string renegotiation_refused() {
  auto client_context = client_of_tls_1(2);
  connected_session s({}, client_context);
  SSL_clear_options(s.client.native_handle(), SSL_OP_NO_RENEGOTIATION);
  ending at_server;
  char place = 0;
  tls_read_some(s.server, asio::buffer(&place, 1), at_server.token());
  SSL_renegotiate(s.client.native_handle());
  auto const at_client = read_now(s, s.client);
  s.settle();
  return told_client(s, "tls_read_some", at_client) + told_server(s, "tls_read_some", at_server);
}

inline std::string too_many_renegotiations() {
  rude_session s(role::server, {}, {.version = TLS1_2_VERSION});
  s.handshake();
  SSL_clear_options(s.peer.tls().ssl(), SSL_OP_NO_RENEGOTIATION);
  ending read;
  char place = 0;
  tls_read_some(s.stream, asio::buffer(&place, 1), read.token());
  for (int attempt = 0; attempt != 2; ++attempt) {
    BOOST_REQUIRE_EQUAL(SSL_renegotiate(s.peer.tls().ssl()), 1);
    BOOST_REQUIRE(s.peer.tls().handshake());
    BOOST_REQUIRE(s.peer.send());
  }
  settle(s.io);
  return told("client: tls_read_some", read.ec, s.stream.error_info().text());
}

}  // namespace tls_async::test::failing
