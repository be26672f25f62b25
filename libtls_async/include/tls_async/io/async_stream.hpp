// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a stream can stand on, as a concept.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace tls_async {
namespace detail {

/// A handler like those that a stream gives to its next layer.
struct some_handler {
  void operator()(error_code ec, std::size_t n);
};

}  // namespace detail

/// What a `stream` can stand on: an AsyncReadStream and AsyncWriteStream of Asio, such as
/// `boost::asio::ip::tcp::socket`, or a reference to one.
///
/// Its executor is one of Asio's that I/O objects have: it converts to
/// boost::asio::any_io_executor. The timer of a stream and the steps of its gates need more than
/// execute(): a context, post, and work that counts.
template <class T>
concept async_stream = requires(std::remove_reference_t<T>& next_layer,
                                boost::asio::mutable_buffer to, boost::asio::const_buffer from) {
  requires std::convertible_to<typename std::remove_reference_t<T>::executor_type,
                               boost::asio::any_io_executor>;
  next_layer.get_executor();
  next_layer.async_read_some(to, detail::some_handler());
  next_layer.async_write_some(from, detail::some_handler());
};

}  // namespace tls_async
