// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_write: all of a message, in order with every other writer; and tls_write_last, behind which
// nothing is written.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/io/stream.hpp>

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace tls_async {

/// Writes all of `buffers` (SSL_write_ex(3)).
///
/// Completes when the next layer has accepted the last ciphertext byte of this write. Zero bytes:
/// completes without sending anything.
///
/// Parameters: `buffers`, plaintext, one of
/// - a buffer sequence: the memory must stay valid and unchanged until the handler runs (the
///   sequence itself is copied);
/// - an rvalue std::string or std::vector of bytes, or a std::shared_ptr to a const one: the stream
///   takes it over and keeps it until the write is done;
/// - a callable that returns where the plaintext is now, as a boost::asio::const_buffer, and is
///   asked again for each record: the buffer may move in between, its size and bytes may not change
///   (SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER). It is copied, and called until the handler runs.
///
/// `deadline`, any std::chrono::duration, bounds the whole write; without one it may take any time,
/// but ends when the next layer has accepted nothing for `stream_options::write_stall_deadline`.
///
/// Returns the number of plaintext bytes written. Beside an error: those that have been sealed, and
/// so have been or will be delivered, in whole records; to see it with `co_await`, use
/// `asio::as_tuple` or `asio::redirect_error`.
///
/// Errors: no_role before a handshake was started and
/// closed_for_writing after close_notify, nothing is lost; operation_aborted and timed_out, the
/// stream stays usable, and what was sealed is still delivered, ahead of the next write; an error
/// of the next layer or of the session is final for writing. buffer_changed, buffer_moved or
/// buffer_threw, a relocatable buffer was misused: what was sealed before is delivered.
///
/// Concurrency: any number at once. They leave in the order in which they were started, each as a
/// whole: no byte of another write comes between those of one. (asio::async_write makes several
/// writes out of one, and two of them at once do mix.) While a send is in flight the others gather,
/// and then leave together.
///
/// Cancellation: terminal and partial; total while nothing of it has been sealed.
///
/// Handler: `void(error_code, std::size_t)`. Default token: the executor's, else `asio::deferred`.
/// Header: `<tls_async/stream.hpp>`.
///
/// @snippet verbs.cpp tls_write
template <
    class NextLayer, class Clock, class Plaintext,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_write(stream<NextLayer, Clock>& s, Plaintext&& buffers,
                             Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::write_of(std::forward<Plaintext>(buffers), std::nullopt),
                                 token);
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock, class Plaintext,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_write(stream<NextLayer, Clock>& s, Plaintext&& buffers, time_limit deadline,
                             Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::write_of(std::forward<Plaintext>(buffers), deadline),
                                 token);
}

/// Writes all of `buffers`, and close_notify behind it: as `tls_write` and `tls_close_write` do,
/// but in one send of the next layer where both fit the ring (with kernel TLS in one each).
///
/// Completes when close_notify has left. Reading goes on, as behind `tls_close_write`. Whoever has
/// read everything, and expects nothing but the peer's close_notify, may close the socket; others
/// wait by `tls_shutdown` first, since a kernel that has to throw bytes away resets the connection,
/// and the peer may lose the answer (RFC 9112 section 9.6). Zero bytes: sends close_notify alone.
///
/// close_notify says that all has been said (RFC 8446 section 6.1), so it is sealed behind the last
/// byte, or not at all: if the write ends before that, the peer can tell.
///
/// Parameters: as for `tls_write`.
///
/// Returns the number of plaintext bytes written, as `tls_write` does. Beside an error it may be
/// all of them, if close_notify has not left, or was not sealed.
///
/// Errors: as for `tls_write`. Behind operation_aborted and timed_out close_notify may still leave,
/// if it was sealed; if not, the stream stays usable for writing.
///
/// Concurrency: as for `tls_write`. It leaves behind all earlier writes, and writes started later
/// end with closed_for_writing, once close_notify is sealed; `tls_try_write` is refused at once.
///
/// Cancellation: terminal and partial; total while nothing of it has been sealed.
///
/// Handler: `void(error_code, std::size_t)`. Default token: the executor's, else `asio::deferred`.
/// Header: `<tls_async/stream.hpp>`.
///
/// @snippet verbs.cpp tls_write_last
template <
    class NextLayer, class Clock, class Plaintext,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_write_last(stream<NextLayer, Clock>& s, Plaintext&& buffers,
                                  Token&& token = Token()) {
  return detail::initiate<Token>(
      detail::access::state(s),
      detail::write_of(std::forward<Plaintext>(buffers), std::nullopt, true), token);
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock, class Plaintext,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_write_last(stream<NextLayer, Clock>& s, Plaintext&& buffers,
                                  time_limit deadline, Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::write_of(std::forward<Plaintext>(buffers), deadline, true),
                                 token);
}

/// Leaves a copy of `buffers` with the stream, to be sent in order with the writes, and returns at
/// once.
///
/// Returns errc::queue_full, and does nothing, if the stream would then keep more than
/// `stream_options::most_bytes_kept` bytes that are not sent; errc::no_role before a handshake was
/// started or a role was set; errc::closed_for_writing after close_notify. What goes wrong later is
/// the error of the next verb. Concurrency: as tls_write. Not for a handler-free flood: await a
/// `tls_write` now and then.
///
/// Handler: none. Default token: none. Header: `<tls_async/stream.hpp>`.
///
/// @snippet verbs.cpp tls_try_write
template <class NextLayer, class Clock, class ConstBufferSequence>
[[nodiscard]] error_code tls_try_write(stream<NextLayer, Clock>& s,
                                       ConstBufferSequence const& buffers) {
  auto& state = detail::access::state(s);
  auto const alive = state.shared_from_this();  // the callable of another write may destroy it
  auto inside = state.lock();
  auto& session = state.session();
  if (error_code const refusal = session.refusal()) return refusal;
  std::size_t const size = boost::asio::buffer_size(buffers);
  if (!session.keep_bytes(size)) return errc::queue_full;
  using kept = detail::kept_write<std::remove_reference_t<decltype(state)>>;
  kept* made = nullptr;
  try {
    made = new kept(state, buffers, size);
  } catch (...) {
    session.drop_bytes(size);
    throw;
  }
  state.start_here(*made, inside);
  return {};
}

}  // namespace tls_async
