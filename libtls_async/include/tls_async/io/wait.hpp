// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_wait_read: until there is something to read, without a buffer for it.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/io/stream.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace tls_async {

namespace detail {

class plaintext_wait : public read_verb {
public:
  [[nodiscard]] std::span<std::byte> place() override { return {}; }
  void advance(std::size_t /*n*/) override {}

protected:
  plaintext_wait() noexcept : read_verb(true) {}
  ~plaintext_wait() = default;
};

struct start_wait {
  using signature = void(error_code);
  time_limit allowed;

  template <class State, class Handler>
  void operator()(State& state, Handler handler) const {
    auto& node = make_verb<plaintext_wait, signature>(state, std::move(handler));
    limit(node, state.session(), allowed);
    state.start(node, admit);
  }
};

}  // namespace detail

/// Waits until there is plaintext to read, and takes none of it (SSL_peek_ex(3)). A connection that
/// waits so needs no buffer of the program's.
///
/// Completes when `tls_read_some` would complete at once.
///
/// Parameters: `deadline`: none unless given.
///
/// Errors: those of `tls_read_some`, which tells them again: eof after the peer's close_notify;
/// stream_truncated; second_read beside a read or another wait; no_role; operation_aborted and
/// timed_out, the stream stays usable; an error of the next layer or of the session.
///
/// Concurrency: it is a read: one at a time, beside any number of writes. Beside a `tls_shutdown`
/// what it has told of is discarded, unless the handler runs on the stream's executor and reads at
/// once.
///
/// Cancellation: terminal, partial and total.
///
/// Handler: `void(error_code)`. Default token: the executor's, else `asio::deferred`.
/// Header: `<tls_async/stream.hpp>`.
///
/// @snippet verbs.cpp tls_wait_read
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_wait_read(stream<NextLayer, Clock>& s, Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s), detail::start_wait{time_limit::none()},
                                 token);
}
/// With a deadline: ends with timed_out when `deadline` has passed.
template <
    class NextLayer, class Clock,
    detail::token Token = detail::default_token<typename stream<NextLayer, Clock>::executor_type>>
[[nodiscard]] auto tls_wait_read(stream<NextLayer, Clock>& s, time_limit deadline,
                                 Token&& token = Token()) {
  return detail::initiate<Token>(detail::access::state(s), detail::start_wait{deadline}, token);
}

}  // namespace tls_async
