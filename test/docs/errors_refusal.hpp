// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the library refuses by itself: settings of a context, and verbs at the wrong time.
#pragma once

#include "errors_session.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace tls_async::test::failing {

inline std::string key_that_does_not_match() {
  context server(context::role::server);
  server.use_certificate_chain(server_identity().certificate_chain);
  return told_by("use_private_key", [&] { server.use_private_key(client_identity().private_key); });
}

inline std::string file_that_cannot_be_read() {
  context client(context::role::client);
  return told_by("trust_file", [&] { client.trust_file("/nonexistent/authority.pem"); });
}

inline std::string certificate_that_is_none() {
  context server(context::role::server);
  return told_by("use_certificate_chain",
                 [&] { server.use_certificate_chain(server_identity().private_key); });
}

inline std::string key_that_is_encrypted() {
  context server(context::role::server);
  auto const key = encrypted_key(server_identity().private_key, "secret");
  return told_by("use_private_key", [&] { server.use_private_key(key); }) +
         told_by("use_private_key", [&] { server.use_private_key(key, "guess"); });
}

inline std::string system_trusts_nobody() {
  temporary_directory const empty;
  ::setenv("SSL_CERT_FILE", (empty.path() / "none.pem").c_str(), 1);
  ::setenv("SSL_CERT_DIR", empty.path().c_str(), 1);
  context client(context::role::client);
  auto all = told_by("trust_system", [&] { client.trust_system(); });
  ::unsetenv("SSL_CERT_FILE");
  ::unsetenv("SSL_CERT_DIR");
  for (auto at = all.find(empty.path()); at != std::string::npos; at = all.find(empty.path()))
    all.replace(at, empty.path().native().size(), "/empty");
  return all;
}

inline std::string option_that_is_refused() {
  context client(context::role::client);
  return told_by("ciphers_tls12", [&] { client.set_ciphers_tls12("HIGH:RC4-MD5"); });
}

inline std::string sessions_that_are_damaged() {
  session_store store;
  auto saved = store.save();
  saved.back() = static_cast<char>(saved.back() ^ 1);
  return told_by("session_store::load", [&] { store.load(saved); });
}

inline std::string wrong_role() {
  context client(context::role::client);
  return told_by("require_client_certificate", [&] { client.require_client_certificate(); });
}

inline std::string verbs_before_a_handshake() {
  memory_session s;
  auto all = told_client(s, "tls_write", write_now(s, s.client, "x"));
  ending shut;
  tls_shutdown(s.client, shut.token());
  s.settle();
  return all + told_client(s, "tls_shutdown", shut);
}

inline std::string second_read() {
  connected_session s;
  ending first, second;
  char a = 0, b = 0;
  tls_read_some(s.client, asio::buffer(&a, 1), first.token());
  tls_read_some(s.client, asio::buffer(&b, 1), second.token());
  s.settle();
  return told_client(s, "tls_read_some", second);
}

inline std::string operation_in_progress() {
  memory_session s;
  ending first, second;
  tls_handshake(s.client, as_client{"localhost"}, first.token());
  tls_handshake(s.client, as_client{"localhost"}, second.token());
  s.settle();
  return told_client(s, "tls_handshake", second);
}

inline std::string closed_for_writing() {
  connected_session s;
  ending closed;
  tls_close_write(s.client, closed.token());
  s.settle();
  return told_client(s, "tls_write", write_now(s, s.client, "one more thing")) +
         told_server(s, "tls_read_some", read_now(s, s.server));
}

inline std::string not_supported() {
  auto client_context = client_of_tls_1(2);
  connected_session s({}, client_context);
  ending updated;
  tls_key_update(s.client, new_keys::ours, updated.token());
  s.settle();
  return told_client(s, "tls_key_update", updated);
}

inline std::string queue_full() {
  connected_session s;
  s.client_end().outgoing().capacity = 0;
  std::string const message((1 << 20) + 1, 'm');
  return told("client: tls_try_write", tls_try_write(s.client, asio::buffer(message)));
}

/// Two buffers, of which the write is given the other one as soon as it has to wait.
inline std::string buffer_that_moves() {
  connected_session s;
  s.client_end().outgoing().capacity = 20'000;
  s.client.clear_mode(mode::accept_moving_write_buffer);
  std::string const first(200'000, 'm'), second = first;
  auto const* now = &first;
  ending written;
  tls_write(
      s.client, [&now] { return asio::buffer(*now); }, written.token());
  s.settle();
  now = &second;
  sink all;
  keep_reading(s.server, all);
  s.settle();
  return told_client(s, "tls_write", written);
}

inline std::string buffer_that_shrinks() {
  connected_session s;
  s.client_end().outgoing().capacity = 20'000;
  std::string content(200'000, 'm');
  ending written;
  tls_write(
      s.client, [&content] { return asio::buffer(content); }, written.token());
  s.settle();
  content.resize(190'000);
  sink all;
  keep_reading(s.server, all);
  s.settle();
  return told_client(s, "tls_write", written);
}

inline std::string buffer_that_throws() {
  connected_session s;
  auto const locate = []() -> asio::const_buffer { throw std::runtime_error("it is gone"); };
  ending written;
  tls_write(s.client, locate, written.token());
  s.settle();
  return told_client(s, "tls_write", written);
}

inline std::string file_that_is_too_short() {
  connected_session s;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::tmpfile(), &std::fclose);
  BOOST_REQUIRE(file != nullptr);
  BOOST_REQUIRE(std::fputs("short", file.get()) >= 0);
  BOOST_REQUIRE_EQUAL(std::fflush(file.get()), 0);
  ending sent;
  tls_sendfile(s.client, fileno(file.get()), 0, 100, sent.token());
  s.settle();
  return told_client(s, "tls_sendfile", sent);
}

/// Its trigger needs a kernel with TLS: test/ktls/stream_ktls_test.cpp has it.
inline std::string fixed_keys() { return told("server: tls_read_some", errc::ktls_fixed_keys); }

}  // namespace tls_async::test::failing
