// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Looks into the memory that this program gives back by operator delete, for bytes that should have
// been cleared before.
#pragma once

#include <string>

namespace tls_async::test::given_back {

/// From now on, until `seen`.
void watch(std::string bytes);
/// How many blocks had the bytes.
int seen();

}  // namespace tls_async::test::given_back
