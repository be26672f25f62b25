// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_key_update: new keys in the middle of a session.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/io/stream.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace tls_async {

/// Whose keys a KeyUpdate changes (RFC 8446 section 4.6.3).
enum class new_keys {
  ours,  ///< Those that we send with.
  both   ///< Those too that the peer sends with.
};

/// Changes the keys of a TLS 1.3 session, behind all earlier writes and before all later ones
/// (SSL_key_update(3)). Streams also do it by themselves: see
/// `stream_options::rekey_after_records`.
///
/// Completes when the KeyUpdate has left. With `new_keys::both` the peer is asked for new keys too,
/// and changes them before its next write (RFC 8446 section 4.6.3); one that sends nothing may not
/// answer.
///
/// Parameters: `deadline` bounds it in all; without one, it ends when the next layer has accepted
/// nothing for `stream_options::write_stall_deadline`.
///
/// Errors: not_supported before TLS 1.3, handshake_not_done, closed_for_writing: nothing was done;
/// operation_aborted and timed_out, the stream stays usable, and the KeyUpdate may still leave if
/// it was sealed; an error of the next layer or of the session, which is final.
///
/// Concurrency: beside anything.
///
/// Cancellation: terminal and partial; total while it has not been sealed.
///
/// Handler: `void(error_code)`. Default token: the executor's, else `asio::deferred`.
/// Header: `<tls_async/stream.hpp>`.
///
/// @snippet verbs.cpp tls_key_update
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_key_update(stream<NextLayer, Clock>& s, new_keys whose = new_keys::ours,
                                  Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::start_key_update{whose == new_keys::both, std::nullopt},
                                 token);
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_key_update(stream<NextLayer, Clock>& s, new_keys whose, time_limit deadline,
                                  Token&& token = Token()) {
  return detail::initiate<Token>(
      detail::access::state(s), detail::start_key_update{whose == new_keys::both, deadline}, token);
}
/// Of our keys.
template <class NextLayer, class Clock, detail::token Token>
requires(!std::is_same_v<std::remove_cvref_t<Token>, new_keys>)
    [[nodiscard]] auto tls_key_update(stream<NextLayer, Clock>& s, Token&& token) {
  return tls_key_update(s, new_keys::ours, std::forward<Token>(token));
}
/// Of our keys, with a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_key_update(stream<NextLayer, Clock>& s, time_limit deadline,
                                  Token&& token = Token()) {
  return tls_key_update(s, new_keys::ours, deadline, std::forward<Token>(token));
}

}  // namespace tls_async
