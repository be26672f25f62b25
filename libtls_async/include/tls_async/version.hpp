// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The version of the library. The build and the package files read it from here.
#pragma once

#define TLS_ASYNC_VERSION_MAJOR 0
#define TLS_ASYNC_VERSION_MINOR 1
#define TLS_ASYNC_VERSION_PATCH 1
