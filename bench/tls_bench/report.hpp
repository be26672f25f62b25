// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From rounds to figures: counts, and the ratio of neighbouring rounds with its spread.
#pragma once

#include "sample.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace tls_async::bench {

/// All rounds of one scenario: `samples[stack][round]`.
struct result {
  scenario const* of = nullptr;
  std::vector<std::vector<sample>> samples;
};

/// A median with the bounds of its 90 % bootstrap interval.
struct estimate {
  double median = 0, low = 0, high = 0;
};
estimate estimate_of(std::vector<double> values);

/// What shapes the result: versions, cipher, kernel, cores.
boost::json::object environment();

void print_table(std::vector<result> const& results);
void write_json(std::vector<result> const& results, std::string const& file);

}  // namespace tls_async::bench
