// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_write: all of a message, in order with every other writer.
#pragma once

#include <tls_async/io/stream.hpp>

#include <chrono>
#include <utility>

namespace tls_async {

/// Writes all of `buffers` (SSL_write_ex(3)).
///
/// Completes when the next layer has accepted the last ciphertext byte of this write. Zero bytes: completes
/// without sending anything.
///
/// Parameters: `buffers`, plaintext; the memory must stay valid and unchanged until the handler runs (the
/// sequence itself is copied). `deadline` bounds the whole write; without one it may take any time, but ends
/// when the next layer has accepted nothing for `stream_options::write_stall_deadline`.
/// Returns the number of plaintext bytes written. Beside an error: those that have been sealed, and so have
/// been or will be delivered, in whole records; to see it with `co_await`, use `asio::as_tuple` or
/// `asio::redirect_error`.
/// Errors: no_role before a handshake was started and closed_for_writing after close_notify, nothing is lost;
/// operation_aborted and timed_out, the stream stays usable, and what was sealed is still delivered, ahead of
/// the next write; an error of the next layer or of the session is final for writing.
/// Concurrency: any number at once. They leave in the order in which they were started; while a send is in
/// flight the others gather, and then leave together.
/// Cancellation: terminal and partial; total while nothing of it has been sealed.
template <class NextLayer, class Clock, class ConstBufferSequence,
          detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_write(stream<NextLayer, Clock>& s, ConstBufferSequence const& buffers,
                             Token&& token = Token()) {
  return detail::initiate(
      s.state(), detail::start_write<ConstBufferSequence>{false, buffers, detail::unlimited, true}, token);
}
template <class NextLayer, class Clock, class ConstBufferSequence, class Rep, class Period,
          detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_write(stream<NextLayer, Clock>& s, ConstBufferSequence const& buffers,
                             std::chrono::duration<Rep, Period> deadline, Token&& token = Token()) {
  return detail::initiate(
      s.state(), detail::start_write<ConstBufferSequence>{false, buffers, deadline, false}, token);
}

}  // namespace tls_async
