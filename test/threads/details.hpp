// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A plan in words, to look into what a seed has found.
#pragma once

#include "settings.hpp"

#include <string>

namespace tls_async::threads {

/// Some lines: each connection, and what its ends do.
[[nodiscard]] std::string details(round_plan const& plan);

}  // namespace tls_async::threads
