// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The end of a connection whose last bytes are still on their way. Whoever closes a socket lets the
// kernel answer what still comes by a reset, which throws away what has not arrived (RFC 9112,
// section 9.6).
#pragma once

#include <tls_async/tls_async.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace serving {

// Nothing tells when the peer acknowledges something, so whoever waits for that looks this often.
constexpr auto between_looks = std::chrono::milliseconds(100);

// A stalled peer costs so much of the kernel's memory, at most, when nobody watches it any more.
constexpr std::size_t most_left_to_kernel = 65536;

// That were written, and that the peer has not acknowledged.
std::uint64_t bytes_under_way(boost::asio::ip::tcp::socket& socket);

// Whether the peer has acknowledged all that was written, or never will.
bool has_arrived(boost::asio::ip::tcp::socket& socket);

// Whether to close the socket at once, if only a close_notify is to come: what else is unread the
// kernel would answer by a reset, and only what is little may be left to it. A close_notify that
// has come is taken, so the stream is of no use then.
bool may_close(boost::asio::ip::tcp::socket& socket);

// Sends close_notify behind all writes, and passes over what the peer sends, until that has ended
// the session too, or has acknowledged everything. A stall watch has to set the limit.
boost::asio::awaitable<void> deliver(tls_async::stream<boost::asio::ip::tcp::socket>& stream);

}  // namespace serving
