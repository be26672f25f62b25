// wants: tls_async needs Boost 1.81 or newer
// errors: 2
// flags: -I old_boost
//
// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/beast.hpp>

int main() {}
