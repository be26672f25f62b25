// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_handshake: makes a session out of a connection.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/io/stream.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tls_async {

/// As a client.
struct as_client {
  /// `of`: the DNS name or IP address literal that the certificate must be for; a name is also sent
  /// as SNI (RFC 6066 section 3). Has to live until the handshake is called, which copies it.
  ///
  /// `on_port`: the port of the peer. With it the handshake resumes a session that
  /// context::sessions() has for this host and port, and what it gets is kept there. 0: no session
  /// is looked for, and none is kept, but where `stream_options::sessions` is set.
  /// `asking`: the program's say, of type `hooks` (`<tls_async/io/hooks.hpp>`).
  explicit as_client(std::string_view of, std::uint16_t on_port = 0,
                     std::shared_ptr<detail::hook_set const> asking = nullptr) noexcept
      : host(of), port(on_port), hooks(std::move(asking)) {}

  std::string_view host;                          ///< As it was given.
  std::uint16_t port;                             ///< 0 if it was not given.
  std::shared_ptr<detail::hook_set const> hooks;  ///< Null if they were not given.
};
/// As a server.
struct as_server {
  /// The program has no say.
  as_server() = default;
  /// `asking`: its say, of type `hooks` (`<tls_async/io/hooks.hpp>`).
  explicit as_server(std::shared_ptr<detail::hook_set const> asking) noexcept
      : hooks(std::move(asking)) {}

  std::shared_ptr<detail::hook_set const> hooks;  ///< Null if they were not given.
};

namespace detail {

/// A client's handshake knows its host until it is launched, which may be later and more than once:
/// its success is then about that host.
class start_client_handshake {
public:
  using signature = start_handshake::signature;

  start_client_handshake(as_client const& client, time_limit allowed)
      : host_(client.host), hooks_(client.hooks), allowed_(allowed), port_(client.port) {}

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const {
    auto& node =
        make_verb<control_verb, signature>(state, std::move(handler), verb_kind::handshake);
    node.hooks = hooks_;
    limit(node, state.session(), allowed_);
    state.start(node, [&] {
      state.session().begin_anew_if_cleared();
      return state.engine().be_client_of(host_, port_);
    });
  }

private:
  std::string host_;
  std::shared_ptr<hook_set const> hooks_;
  time_limit allowed_;
  std::uint16_t port_;
};

}  // namespace detail

/// Negotiates a session (SSL_do_handshake(3), RFC 8446 section 4).
///
/// Completes when the session is there and what we had to send for it has left. For a client
/// success means, with any context: this session's certificate was verified for `host`, now or when
/// the session that is resumed was made, or a verify callback has accepted it. This adds to what is
/// set on the session: a callback and the hosts of SSL_set1_host(3) have to accept the certificate
/// too. Its names are compared as RFC 9525 says: those in its subject don't count. Only
/// `context::insecure_skip_verification()` turns verification off; success then says nothing about
/// the host. In TLS 1.3 a client may be done before the server has looked at its certificate; a
/// refusal is then the error of the next read.
///
/// On a session that is there it completes at once: with success if that was verified for `host`.
///
/// Where it has `hooks` it asks the program, and waits for the answer (hooks.hpp): success then
/// means that those have agreed too. The session has begun with them, and goes on with them only:
/// another handshake without them, or with others, is bad_option, and changes nothing.
///
/// Parameters: `deadline` bounds it in all; without one, `stream_options::handshake_deadline` does.
///
/// Errors: timed_out and operation_aborted change nothing, and the next call goes on where this
/// one stopped. no_host_name (an empty host), bad_host_name (neither a DNS name nor an IP address),
/// not_verified on a session that has begun without this host, and wrong_role on one that has begun
/// on the other side change nothing. no_host_name, empty_trust_store, key_mismatch and wrong_role
/// by the context end the stream before anything was sent: the connection is as new, for another
/// stream. stream_truncated if the peer went away; not_verified if the server has shown no
/// certificate; refused if a hook did, threw, or gave no answer; bad_signature if what one gave
/// does not fit; bad_option if a hook can't be asked on this session, or was on another thread
/// (hooks.hpp); an SSL error, whose alert has been sent; these are final.
/// `s.error_info().text()` says why in words.
///
/// Concurrency: not beside another handshake (operation_in_progress). Reads and writes started
/// meanwhile wait for it.
///
/// Cancellation: terminal and partial.
///
/// Handler: `void(error_code)`. Default token: the executor's, else `asio::deferred`.
/// Header: `<tls_async/stream.hpp>`.
///
/// @snippet verbs.cpp tls_handshake
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_handshake(stream<NextLayer, Clock>& s, as_client client,
                                 Token&& token = Token()) {
  return tls_handshake(s, std::move(client), detail::access::state(s).options().handshake_deadline,
                       std::forward<Token>(token));
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_handshake(stream<NextLayer, Clock>& s, as_client client, time_limit deadline,
                                 Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::start_client_handshake(client, deadline), token);
}
/// Negotiates as server, which verifies a client only if its context says so.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_handshake(stream<NextLayer, Clock>& s, as_server server,
                                 Token&& token = Token()) {
  return tls_handshake(s, std::move(server), detail::access::state(s).options().handshake_deadline,
                       std::forward<Token>(token));
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_handshake(stream<NextLayer, Clock>& s, as_server server, time_limit deadline,
                                 Token&& token = Token()) {
  constexpr auto be_server = [](engine& session) { return session.be_server(); };
  return detail::initiate<Token>(
      detail::access::state(s),
      detail::start_handshake{deadline, be_server, std::move(server.hooks)}, token);
}

namespace detail {

template <class T>
concept no_side = !std::convertible_to<T, as_client> && !std::convertible_to<T, as_server>;

}  // namespace detail

/// @cond
// What is written by mistake.
template <class NextLayer, class Clock>
auto tls_handshake(stream<NextLayer, Clock>& s) {
  static_assert(std::is_void_v<NextLayer>,
                "tls_handshake needs to know our role: as_client{\"host\"} or as_server{}");
  return tls_handshake(s, as_server{});
}
template <class NextLayer, class Clock, detail::no_side Side, class... Rest>
auto tls_handshake(stream<NextLayer, Clock>& s, Side&&, Rest&&... rest) {
  static_assert(std::is_void_v<NextLayer>,
                "tls_handshake needs to know our role: as_client{\"host\"} or as_server{}");
  return tls_handshake(s, as_server{}, std::forward<Rest>(rest)...);
}
/// @endcond

}  // namespace tls_async
