// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The functions of OpenSSL that the library calls (openssl_functions.inc): those that can fail do
// so by wrappers that the linker puts in their place.
#pragma once

#include <iosfwd>

namespace tls_async::test::torture {

/// A line for each: its name, "fails" or "cannot", and the value or the reason.
void list_openssl_functions(std::ostream& out);

}  // namespace tls_async::test::torture
