// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// In place of OpenSSL's random numbers: the same ones in each run of a target, so that an input
// always does the same. Nothing of it is secret.
#pragma once

namespace tls_async::test {

/// Before OpenSSL has made its first random number.
void use_repeatable_random();
/// The numbers begin again.
void restart_random() noexcept;

}  // namespace tls_async::test
