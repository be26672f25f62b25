// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The list of scenarios.
#pragma once

#include "sample.hpp"
#include "stack.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tls_async::bench {

struct scenario {
  std::string name;
  std::string what;
  std::string unit;  ///< What the CPU times and counts are for one of.
  job full;
  job smoke;
  /// For a quick run; without it that leaves the scenario out.
  std::optional<job> quick;
  std::function<bool(stack const&)> can;
  std::function<sample(stack const&, job const&)> run;
};

/// All of them, in the order of the report.
std::vector<scenario> const& scenarios();

}  // namespace tls_async::bench
