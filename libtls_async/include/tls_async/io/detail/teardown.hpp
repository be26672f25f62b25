// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a WebSocket over a stream meets where tls_async/beast.hpp is missing, whose overloads are
// preferred for their constraints: the compiler then says what to include. Needs nothing of Beast.
#pragma once

#include <boost/system/error_code.hpp>

#include <type_traits>

namespace boost::beast {
enum class role_type;
}

namespace tls_async {

template <class NextLayer, class Clock>
class stream;

template <class NextLayer, class Clock>
void teardown(boost::beast::role_type, stream<NextLayer, Clock>&, boost::system::error_code&) {
  static_assert(std::is_void_v<NextLayer>,
                "a WebSocket over a tls_async::stream needs #include <tls_async/beast.hpp>");
}
template <class NextLayer, class Clock, class Handler>
void async_teardown(boost::beast::role_type, stream<NextLayer, Clock>&, Handler&&) {
  static_assert(std::is_void_v<NextLayer>,
                "a WebSocket over a tls_async::stream needs #include <tls_async/beast.hpp>");
}

}  // namespace tls_async
