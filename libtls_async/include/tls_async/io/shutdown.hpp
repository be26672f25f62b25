// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_close_write and tls_shutdown: the two ways to end a session (RFC 8446 section 6.1).
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/io/stream.hpp>

#include <utility>

namespace tls_async {

/// Half-close: sends close_notify behind all earlier writes, and goes on reading (SSL_shutdown(3)).
///
/// Completes when close_notify has left; at once if it has been sent before.
///
/// Parameters: `deadline` bounds it in all; without one, `stream_options::shutdown_deadline` does.
///
/// Errors: handshake_not_done; timed_out and operation_aborted, the stream stays usable, and
/// close_notify may still leave if it was sealed; an error of the next layer or of the session,
/// which is final.
///
/// Concurrency: beside reads and writes. Writes started later end with closed_for_writing.
///
/// Cancellation: terminal and partial; total while close_notify has not been sealed.
///
/// Handler: `void(error_code)`. Default token: the executor's, else `asio::deferred`.
/// Header: `<tls_async/stream.hpp>`.
///
/// @snippet verbs.cpp tls_close_write
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_close_write(stream<NextLayer, Clock>& s, Token&& token = Token()) {
  return tls_close_write(s, detail::access::state(s).options().shutdown_deadline,
                         std::forward<Token>(token));
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_close_write(stream<NextLayer, Clock>& s, time_limit deadline,
                                   Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::start_shutdown{detail::verb_kind::close_write, deadline},
                                 token);
}

/// Ends the session both ways: sends close_notify behind all earlier writes, then waits for the
/// peer's.
///
/// Completes when both have been seen. Plaintext that still comes goes to a read that is in
/// progress, which then ends with eof; without one it is discarded.
///
/// Parameters: `deadline` bounds it in all; without one, `stream_options::shutdown_deadline` does.
///
/// Errors: stream_truncated if the peer closed the connection without close_notify; timed_out if it
/// never answered, the socket is kept; operation_aborted; handshake_not_done; the error of a
/// session that has failed, without a further call of OpenSSL; an error of the next layer.
///
/// Concurrency: beside reads and writes; not beside another shutdown (operation_in_progress).
/// Writes started later end with closed_for_writing.
///
/// Cancellation: terminal and partial; total while close_notify has not been sealed.
///
/// Handler: `void(error_code)`. Default token: the executor's, else `asio::deferred`.
/// Header: `<tls_async/stream.hpp>`.
///
/// @snippet verbs.cpp tls_shutdown
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_shutdown(stream<NextLayer, Clock>& s, Token&& token = Token()) {
  return tls_shutdown(s, detail::access::state(s).options().shutdown_deadline,
                      std::forward<Token>(token));
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_shutdown(stream<NextLayer, Clock>& s, time_limit deadline,
                                Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::start_shutdown{detail::verb_kind::shutdown, deadline},
                                 token);
}

}  // namespace tls_async
