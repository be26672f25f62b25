// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the scripts of one process have tried, and what of all that there is they never have.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "script.hpp"

namespace tls_async::test::model {

class coverage {
public:
  coverage();

  void count(script const& of);
  /// A verb has begun: in that form, told in that way.
  void count(event const& verb);
  /// The peer did that while that verb was in progress, or none.
  void count(std::string const& peer_act, std::string const& verb) {
    ++meetings_[verb + " x " + peer_act];
  }
  void count(std::string const& result) { ++results_[result]; }
  /// An act that was done, and not only planned.
  void did(act what) { ++acts_[name_of(what)]; }
  /// How far another subject could be compared.
  void count_comparison(std::string const& with, std::string const& how) {
    ++comparisons_[with + " " + how];
  }

  /// One line.
  [[nodiscard]] std::string summary() const;
  /// One line for each table of which something was never tried.
  [[nodiscard]] std::string never() const;

private:
  using table = std::map<std::string, std::size_t>;

  std::size_t scripts_ = 0;
  table acts_, forms_, meetings_, settings_, results_, comparisons_;
};

}  // namespace tls_async::test::model
