// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

namespace serving {

// Awaited, an operation gives its error as a value instead of throwing it.
constexpr auto as_values = boost::asio::as_tuple(boost::asio::deferred);

}  // namespace serving
