// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Volume: many bytes to write without holding them all, and a reader that knows each of them.
#pragma once

#include <tls_async/tls_async.hpp>

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <tls_async_test/tls_pair.hpp>

namespace tls_async::test {

/// Repeated by `many_patterns`. Of a length that no record, ring or link divides, so that a
/// repeated or lost piece shows.
inline std::string const& pattern() {
  static std::string const bytes = numbered_plaintext(1'048'583);
  return bytes;
}

/// Buffers of `volume` bytes in all.
inline std::vector<boost::asio::const_buffer> many_patterns(std::size_t volume) {
  std::vector<boost::asio::const_buffer> buffers;
  for (std::size_t left = volume; left != 0;) {
    buffers.push_back(boost::asio::buffer(pattern(), left));
    left -= buffers.back().size();
  }
  return buffers;
}

/// Reads patterns for as long as they come, and compares them.
struct pattern_reader {
  std::size_t bytes = 0;
  bool differs = false;
  error_code end;
  std::vector<char> place = std::vector<char>(65'536);

  template <class Stream>
  void start(Stream& from) {
    tls_read_some(from, boost::asio::buffer(place), [this, &from](error_code ec, std::size_t n) {
      for (std::size_t at = 0; at != n;) {
        std::size_t const in_pattern = (bytes + at) % pattern().size();
        std::size_t const size = std::min(n - at, pattern().size() - in_pattern);
        differs = differs || pattern().compare(in_pattern, size, place.data() + at, size) != 0;
        at += size;
      }
      bytes += n;
      end = ec;
      if (!ec) start(from);
    });
  }
};

}  // namespace tls_async::test
