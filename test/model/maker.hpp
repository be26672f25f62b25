// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Random scripts, and the list of what they leave alone since it is known to go wrong.
#pragma once

#include <cstdint>
#include <vector>

#include "script.hpp"

namespace tls_async::test::model {

/// A known fault of docs/advisories.md, and how a script does not meet it.
struct known_trigger {
  char const* what;
  bool (*meets)(script const&);
  void (*avoid)(script&);
};
std::vector<known_trigger> const& known_triggers();

/// The same seed makes the same script. `known`: those that meet known triggers, too. Each has the
/// settings of `fixed`.
script make_script(std::uint64_t seed, bool known, script const& fixed);

}  // namespace tls_async::test::model
