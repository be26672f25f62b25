// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The failures about which a user can do something, and what that is, in sentences.
#pragma once

#include "destination.hpp"
#include "failure.hpp"
#include "options.hpp"

#include <tls_async/core/failure.hpp>

namespace https_get {

// The server's certificate; `info` has a verdict on it.
failure certificate_refused(tls_async::error_info const& info, options const& chosen);

// A body ended too early, for this reason: with what is there of it, and how to get the rest.
failure cut_off(failure const& reason, destination const& file, options const& chosen);

}  // namespace https_get
