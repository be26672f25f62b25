// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From rounds to figures: medians, ratios of neighbouring rounds with their spread, the transport
// tax.
#pragma once

#include "sample.hpp"
#include "scenarios.hpp"

#include <boost/json/object.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tls_async::bench {

/// All rounds of one scenario, by stack in the order of stacks().
struct result {
  struct of_stack {
    std::string name;
    sample checked;  ///< Of the run that was not timed.
    std::vector<sample> rounds;
    std::string failed;  ///< Why there are no more rounds; empty if nothing failed.
  };
  scenario const* of = nullptr;
  job work;
  std::vector<of_stack> stacks;

  [[nodiscard]] of_stack const* find(std::string const& name) const;
};

/// A median with the bounds of its 90 % bootstrap interval.
struct estimate {
  double median = 0, low = 0, high = 0;
};
estimate estimate_of(std::vector<double> values);

/// Of one metric, round by round; nothing where the base has none.
std::optional<estimate> ratio(result::of_stack const& stack, result::of_stack const& base,
                              std::string const& metric);

/// What the stack's CPU time is above that of plain TCP plus OpenSSL alone, as a share of the two.
std::optional<estimate> transport_tax(result const& all, result::of_stack const& stack,
                                      std::string const& metric);

/// What shapes the result: versions, cipher, kernel, cores.
boost::json::object environment();

void print(result const& one);

/// Replaces the file in one step, so that what was written before stays readable if we are ended in
/// the middle.
void write_json(std::vector<result> const& results, bool complete, std::string const& file);

}  // namespace tls_async::bench
