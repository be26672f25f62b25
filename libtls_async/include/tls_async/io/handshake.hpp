// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_handshake: makes a session out of a connection.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/io/stream.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tls_async {

/// The client's side. `host` is the DNS name or IP address literal the certificate must be for; a
/// name is also sent as SNI (RFC 6066 section 3). It is copied when the handshake is called.
struct as_client {
  std::string_view host;  ///< Not empty.
};
/// The server's side.
struct as_server {};

/// Negotiates a session (SSL_do_handshake(3), RFC 8446 section 4).
///
/// Completes when the session is there and what we had to send for it has left, with any context
/// verified: a client's peer has shown a certificate for `host` that the context trusts, now or
/// when the session was made that is resumed; one of another host (SSL_set_session(3)) is not. In
/// TLS 1.3 a client may be done before the server has looked at its certificate; a refusal is then
/// the error of the next read.
///
/// Parameters: `deadline` bounds it in all; without one, `stream_options::handshake_deadline` does.
///
/// Errors: timed_out and operation_aborted leave all as it is, and the next call goes on where this
/// one stopped. no_host_name, empty_trust_store and key_mismatch end the stream before anything was
/// sent: the connection is as new, for another stream. stream_truncated if the peer went away; an
/// SSL error, whose alert has been sent; both are final. `s.error_info().text()` says why in words.
///
/// Concurrency: not beside another handshake (operation_in_progress). Reads and writes started
/// meanwhile wait for it.
///
/// Cancellation: terminal and partial.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_handshake(stream<NextLayer, Clock>& s, as_client client,
                                 Token&& token = Token()) {
  return tls_handshake(s, client, s.state().options().handshake_deadline,
                       std::forward<Token>(token));
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_handshake(stream<NextLayer, Clock>& s, as_client client, time_limit deadline,
                                 Token&& token = Token()) {
  bool const verifiable = s.state().engine().be_client_of(std::string(client.host));
  return detail::initiate(
      s.state(),
      detail::start_handshake{deadline, verifiable ? error_code() : error_code(errc::no_host_name)},
      token);
}
/// Negotiates as server, which verifies a client only if its context says so.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_handshake(stream<NextLayer, Clock>& s, as_server server,
                                 Token&& token = Token()) {
  return tls_handshake(s, server, s.state().options().handshake_deadline,
                       std::forward<Token>(token));
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_handshake(stream<NextLayer, Clock>& s, as_server, time_limit deadline,
                                 Token&& token = Token()) {
  s.state().engine().be_server();
  return detail::initiate(s.state(), detail::start_handshake{deadline}, token);
}

namespace detail {

template <class T>
concept no_side = !std::convertible_to<T, as_client> && !std::convertible_to<T, as_server>;

}  // namespace detail

// What is written by mistake.
template <class NextLayer, class Clock>
auto tls_handshake(stream<NextLayer, Clock>& s) {
  static_assert(std::is_void_v<NextLayer>,
                "tls_handshake wants to know our side: as_client{\"host\"} or as_server{}");
  return tls_handshake(s, as_server{});
}
template <class NextLayer, class Clock, detail::no_side Side, class... Rest>
auto tls_handshake(stream<NextLayer, Clock>& s, Side&&, Rest&&... rest) {
  static_assert(std::is_void_v<NextLayer>,
                "tls_handshake wants to know our side: as_client{\"host\"} or as_server{}");
  return tls_handshake(s, as_server{}, std::forward<Rest>(rest)...);
}

}  // namespace tls_async
