// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What is asked about the type of a next layer, how one of its operations is ended, and what stands
// in for a type that can't be one, so that the compiler says one sentence and not what follows from
// it.
#pragma once

#include <tls_async/gates/verb.hpp>
#include <tls_async/io/async_stream.hpp>
#include <tls_async/io/detail/access.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <type_traits>

namespace tls_async::detail {

struct no_layer {
  using executor_type = boost::asio::any_io_executor;

  explicit no_layer(auto const&...);
  executor_type get_executor();
  void async_read_some(auto const&, auto);
  void async_write_some(auto const&, auto);
};
template <class NextLayer>
using checked_layer = std::conditional_t<async_stream<NextLayer>, NextLayer, no_layer>;

/// One of Asio's own, and not derived from one, which may do more than read.
template <class NextLayer>
inline constexpr bool is_socket = false;
template <class Protocol, class Executor>
inline constexpr bool is_socket<boost::asio::basic_stream_socket<Protocol, Executor>> = true;

template <class T>
concept closes_with_code = requires(T& t, error_code ec) {
  t.close(ec);
};
template <class T>
concept closes = requires(T& t) {
  t.close();
};

/// Another stream of this library. It is told what to end, for it completes operations on whichever
/// thread drives it: a slot would be cleared there while a signal is emitted here.
template <class T>
concept is_tls_stream = requires(T& t) {
  access::share_state(t)->cancel_all(verb_kind::read);
};

/// How an operation of the next layer is ended by itself. Nothing where it never is: a flush of a
/// next layer that is ours ends when that is closed, and another stream is told.
template <bool IsNeeded>
class operation_cancellation {
public:
  auto slot() noexcept { return signal_.slot(); }
  /// False where the operation does not know cancellation.
  bool emit() {
    if (!signal_.slot().has_handler()) return false;
    signal_.emit(boost::asio::cancellation_type::terminal);
    return true;
  }

private:
  boost::asio::cancellation_signal signal_;
};
template <>
class operation_cancellation<false> {
public:
  boost::asio::cancellation_slot slot() noexcept { return {}; }
  bool emit() { return false; }
};

}  // namespace tls_async::detail
