// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_sendfile: a part of a file, in order with every other writer.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/io/detail/file_write.hpp>
#include <tls_async/io/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace tls_async {

namespace detail {

struct start_sendfile {
  using signature = void(error_code, std::size_t);
  int file;
  std::uint64_t offset;
  std::uint64_t length;
  verb_limit allowed;

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const {
    auto& node = make_verb<file_write, signature>(state, std::move(handler), file, offset, length);
    limit(node, state.session(), allowed);
    state.start(node, admit);
  }
};

}  // namespace detail

/// Writes `length` bytes of `file` from `offset` on.
///
/// Where `ktls_status().sending` is on, the kernel reads the file and seals it (SSL_sendfile(3)),
/// and no byte of it comes to the program; else it is read a batch of records at a time and sealed
/// from there. The peer gets the same bytes.
///
/// Completes when the next layer has accepted the last ciphertext byte of this write. A `length` of
/// 0, and `to_the_end` at or behind the end: completes without sending anything.
///
/// Parameters: `file`, a descriptor that can be read at any place (pread(2)); it must stay open
/// until the handler runs; its position is neither used nor moved. `offset` and `length` in bytes.
/// It is read on the thread that seals, which waits for the disk, as sendfile(2) does. `deadline`
/// as for `tls_write`.
///
/// A file that takes over the name meanwhile (rename(2)) changes nothing; what is overwritten in
/// place goes out as it is when it is read.
///
/// Returns the number of bytes written. Beside an error: those that have been or will be delivered.
///
/// Errors: as for `tls_write`; file_ended, the file was shorter than `offset` and `length` say, or
/// became so, and the system's error of reading it: the stream stays usable, but the peer has got
/// only a part.
///
/// Concurrency and cancellation: as for `tls_write`, in one queue with it.
///
/// Handler: `void(error_code, std::size_t)`. Default token: the executor's, else `asio::deferred`.
/// Header: `<tls_async/stream.hpp>`.
///
/// @snippet verbs.cpp tls_sendfile
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_sendfile(stream<NextLayer, Clock>& s, int file, std::uint64_t offset,
                                std::uint64_t length, Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::start_sendfile{file, offset, length, std::nullopt}, token);
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_sendfile(stream<NextLayer, Clock>& s, int file, std::uint64_t offset,
                                std::uint64_t length, time_limit deadline,
                                Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s),
                                 detail::start_sendfile{file, offset, length, deadline}, token);
}

}  // namespace tls_async
