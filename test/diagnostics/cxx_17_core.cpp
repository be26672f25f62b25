// wants: tls_async needs C++20 or newer: compile with -std=c++20
// errors: 2
// flags: -std=c++17
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/engine.hpp>

int main() {}
