// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The TLS side of the command line: who we are and whom we trust.
#pragma once

#include "options.hpp"

#include <tls_async/context.hpp>

namespace tls_proxy {

// Throws std::exception with what is wrong with which file.
tls_async::context make_context(options const& chosen);

}  // namespace tls_proxy
