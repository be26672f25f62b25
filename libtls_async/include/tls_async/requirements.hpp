// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the headers need of the compiler and of Boost, said in one line. The first thing that each
// of them includes: a header that does not exist ends the compilation, before what would follow.
#pragma once

#if __cplusplus < 202002L
#error "tls_async needs C++20 or newer: compile with -std=c++20"
#include <tls_async_needs_cxx_20>
#endif

#include <boost/version.hpp>

#if BOOST_VERSION < 108100
#error "tls_async needs Boost 1.81 or newer: an older one comes first in the include path"
#include <tls_async_needs_boost_1_81>
#endif
