// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What can be chosen for one stream, and how long something may take.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/gates/options.hpp>
#include <tls_async/gates/time_limit.hpp>
