// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_read_some: what has come, as much of it as fits.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/io/stream.hpp>

#include <utility>

namespace tls_async {

/// Reads at least one byte, and every complete record that is there and fits (SSL_read_ex(3)).
///
/// Completes when plaintext has come, the peer has ended, or something failed. Empty buffers: at
/// once.
///
/// Parameters: `buffers`, for plaintext; all of a sequence is filled. The memory must stay valid
/// until the handler runs (the sequence itself is copied). `deadline`: none unless given. Returns
/// the number of bytes read; 0 beside an error.
///
/// Errors: eof after the peer's close_notify, writing may go on; stream_truncated if the transport
/// ended without one, after all that came before was read; second_read beside another read, which
/// is not disturbed; no_role before a handshake was started; operation_aborted and timed_out,
/// nothing was consumed and the stream stays usable; an error of the next layer is final for
/// reading, one of the session for the stream.
///
/// Concurrency: one at a time, beside any number of writes, which it never blocks.
///
/// Cancellation: terminal, partial and total.
///
/// Handler: `void(error_code, std::size_t)`. Default token: the executor's, else `asio::deferred`.
/// Header: `<tls_async/stream.hpp>`.
///
/// @snippet verbs.cpp tls_read_some
template <
    class NextLayer, class Clock, class MutableBufferSequence,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_read_some(stream<NextLayer, Clock>& s, MutableBufferSequence const& buffers,
                                 Token&& token = Token()) {
  static_assert(boost::asio::is_mutable_buffer_sequence<MutableBufferSequence>::value,
                "what is read goes to a mutable buffer or a sequence of them: asio::buffer(place)");
  return detail::initiate<Token>(
      detail::access::state(s),
      detail::start_read<MutableBufferSequence>{buffers, time_limit::none()}, token);
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock, class MutableBufferSequence,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_read_some(stream<NextLayer, Clock>& s, MutableBufferSequence const& buffers,
                                 time_limit deadline, Token&& token = Token()) {
  static_assert(boost::asio::is_mutable_buffer_sequence<MutableBufferSequence>::value,
                "what is read goes to a mutable buffer or a sequence of them: asio::buffer(place)");
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::start_read<MutableBufferSequence>{buffers, deadline},
                                 token);
}

}  // namespace tls_async
