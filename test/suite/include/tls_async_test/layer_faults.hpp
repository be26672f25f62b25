// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a next layer does otherwise than one would wish. Its operations are counted from 0, reads
// and writes apart.
#pragma once

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <limits>
#include <optional>

namespace tls_async::test {

struct layer_faults {
  /// The first read, or write, that fails. With an error all later ones fail too; without one it
  /// reports success and zero bytes, once.
  std::optional<std::size_t> failing_read, failing_write;
  boost::system::error_code with;
  /// Bytes that one operation moves at most.
  std::size_t most = std::numeric_limits<std::size_t>::max();
  /// Bytes that come at once at most.
  std::size_t most_delivered = std::numeric_limits<std::size_t>::max();
  /// This write waits until it is released or cancelled; none of its bytes have left then.
  std::optional<std::size_t> held_write;
};

}  // namespace tls_async::test
