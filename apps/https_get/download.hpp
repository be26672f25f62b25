// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// All downloads of one run, some of them at a time. One that fails does not disturb the others.
#pragma once

#include "console.hpp"
#include "failure.hpp"
#include "options.hpp"

#include <tls_async/context.hpp>

namespace https_get {

// Returns the status of the first target that failed, in the order of the command line.
exit_status download_all(options const& chosen, tls_async::context& context, console& out);

}  // namespace https_get
