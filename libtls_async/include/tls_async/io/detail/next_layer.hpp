// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a stream can stand on, and what stands in for it where it can't, so that the compiler says
// one sentence and not what follows from it.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <concepts>
#include <type_traits>

namespace tls_async::detail {

template <class T>
concept layer = requires(T& t) {
  typename T::executor_type;
  t.get_executor();
};
/// The timer of a stream and the steps of its gates need more of an executor than execute(): a
/// context, post, and work that counts.
template <class T>
concept has_io_executor = layer<T> &&
    std::constructible_from<boost::asio::any_io_executor, typename T::executor_type const&>;

struct no_layer {
  using executor_type = boost::asio::any_io_executor;

  explicit no_layer(auto const&...);
  executor_type get_executor();
  void async_read_some(auto const&, auto);
  void async_write_some(auto const&, auto);
};

template <class NextLayer>
using checked_layer =
    std::conditional_t<has_io_executor<std::remove_reference_t<NextLayer>>, NextLayer, no_layer>;

}  // namespace tls_async::detail
