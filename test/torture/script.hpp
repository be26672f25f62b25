// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A script is a life, or a part of one, in which everything that can fail is to fail in turn.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "trap.hpp"

namespace tls_async::test::torture {

/// What one run of a script came to.
struct outcome {
  bool is_complete = false;  ///< All was done, and without an error.
  bool has_error = false;    ///< Somebody was told of an error, or something was thrown.
  /// Lines, in a place that takes nothing from the heap.
  std::array<char, 4'096> complaints{};
  std::size_t length = 0;

  void complain(std::string_view what) {
    if (complaints.size() - length < what.size() + 1) return;
    what.copy(complaints.data() + length, what.size());
    length += what.size();
    complaints[length++] = '\n';
  }
  [[nodiscard]] std::string_view text() const { return {complaints.data(), length}; }
};

/// What stands in OpenSSL's error queue, which is emptied; nothing if it was empty.
std::string left_errors();

struct script {
  std::string_view name;
  outcome (*run)();
  void (*prepare)();  ///< Makes what the runs share.
  std::vector<kind> fails;
  bool is_control = false;  ///< On OpenSSL alone: what it does wrong is not ours.
};

std::vector<script> memory_scripts();    ///< Two streams over a memory link.
std::vector<script> socket_scripts();    ///< Over a local socket pair, with ktls.
std::vector<script> blocking_scripts();  ///< The blocking forms, and a peer of plain OpenSSL.
std::vector<script> context_scripts();   ///< Contexts being made.
std::vector<script> control_scripts();   ///< OpenSSL alone.

}  // namespace tls_async::test::torture
