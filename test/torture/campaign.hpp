// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Runs a script once for each point at which it can fail, in children, so that a crash is that of
// one point, and says what came of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "script.hpp"

namespace tls_async::test::torture {

struct campaign_options {
  std::uint64_t every = 1;    ///< Each so-manieth point.
  bool judges_known = false;  ///< What known.hpp lists is a complaint, too.
};

struct sums {
  std::uint64_t points = 0;
  std::uint64_t failed = 0;     ///< With an error that somebody was told.
  std::uint64_t tolerated = 0;  ///< All was done nevertheless.
  std::uint64_t untouched = 0;  ///< The run did not come to that call: nothing has failed.
  std::uint64_t left_out = 0;   ///< OpenSSL does the same alone.
  std::uint64_t known = 0;
  std::uint64_t complaints = 0;

  sums& operator+=(sums const& other);
};

class campaign {
public:
  explicit campaign(campaign_options const& options) : options_(options) {}

  /// False if a script goes wrong before anything fails.
  bool run(script const& given, kind what);
  void tell_sums() const;
  [[nodiscard]] bool has_complaints() const;

  /// In this process, for a debugger. True if there is no complaint.
  static bool replay(script const& given, failure_plan const& plan);

private:
  struct finding {
    std::uint64_t times = 0;
    std::uint64_t first_point = 0;
    std::string where;
  };
  using findings = std::map<std::string, finding>;

  void run_all(script const& given, failure_plan plan, std::uint64_t points);
  std::uint64_t run_some(script const& given, failure_plan plan, std::uint64_t from,
                         std::uint64_t points, sums& sum, findings& found);
  enum class verdict { complaint, known, left_out };
  [[nodiscard]] verdict judge(script const& given, failure_plan const& plan,
                              std::string const& complaint, std::string const& where) const;

  campaign_options options_;
  std::array<sums, kinds> sums_{};
  std::set<std::string> openssl_leaks_, openssl_crashes_;  // by source line; found by the control
};

}  // namespace tls_async::test::torture
