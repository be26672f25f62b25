// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The program's heap, which can fail: operator new, what Asio takes from aligned_alloc, and
// OpenSSL's functions. Knows every block that was allocated since it was told to look, and is not
// freed.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tls_async::test::torture {

struct live_block {
  bool is_openssls;
  std::size_t size;
  std::string where;  ///< OpenSSL's source line; empty for ours.
};

class heap {
public:
  /// From here on; forgets what was before.
  static void look() noexcept;
  static std::vector<live_block> live();
  /// OpenSSL has taken our functions.
  static bool is_in_use() noexcept;
};

}  // namespace tls_async::test::torture
