// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What Boost 1.80 says of itself.
#define BOOST_VERSION 108000
#define BOOST_LIB_VERSION "1_80"
