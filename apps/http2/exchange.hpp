// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A request and its response: a stream of HTTP/2.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http2 {

/// Names and values. The names are in lower case.
using fields = std::vector<std::pair<std::string_view, std::string_view>>;

/// A part of a body, and whether it is the last.
struct piece {
  std::size_t size = 0;
  bool is_last = false;
};

struct exchange {
  std::string method, path;
  std::string status;  ///< Ours, if we are the server.
  /// The other fields of the peer's header, ":authority" and ":scheme" too; of a request until it
  /// is answered.
  std::vector<std::pair<std::string, std::string>> header;
  std::string in;  ///< The peer's body so far, unless it is echoed or passed over.

  /// Our body, made when it can be sent: puts the next part there, at most so much and at least a
  /// byte of it. What it throws ends the stream, and becomes `failure`.
  std::function<piece(char* to, std::size_t most)> more;
  std::string out;           ///< Our body, if there is no `more`: what has not been taken of it.
  bool echoes = false;       ///< The peer's body goes to `out`. Bounded by its window.
  bool passes_over = false;  ///< Nothing is kept of the peer's body.
  bool received = false;     ///< The peer has ended its message (END_STREAM).
  bool sent = false;         ///< We have ended ours.
  bool refused = false;      ///< The header was too large.
  std::uint64_t given = 0;   ///< Bytes of our body.
  std::size_t header_bytes = 0;  ///< Of the peer, as RFC 9113, section 6.5.2 counts them.
  std::size_t block_bytes = 0;   ///< Of these headers as they were sent: what they cost.
  std::size_t held_bytes = 0;    ///< Of these that still take memory.
  std::chrono::steady_clock::time_point sent_at{};
  std::uint64_t sent_with = 0;  ///< Which write of the connection had the end of it.
  std::exception_ptr failure;
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
};

}  // namespace http2
