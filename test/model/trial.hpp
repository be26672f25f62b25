// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A script on all subjects, and what they have to agree on. What our documents say that we do
// otherwise stands in a table.
#pragma once

#include <functional>
#include <string>

#include "coverage.hpp"
#include "player.hpp"
#include "script.hpp"

namespace tls_async::test::model {

struct finding {
  std::string what;   ///< Empty: nothing was found.
  std::string trace;  ///< Of the subject that it is about.

  explicit operator bool() const { return !what.empty(); }
};

/// `counts` may be null.
finding try_script(script const& which, coverage* counts);

/// The shortest that still finds something: without halves of its events, then without single
/// ones, then with defaults for its settings.
script minimise(script found, std::function<bool(script const&)> const& still_finds);

}  // namespace tls_async::test::model
