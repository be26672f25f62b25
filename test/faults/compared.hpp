// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The streams that docs/faults-compared.md compares, each compiled in a file of its own.
#pragma once

#include <tls_async_test/subject.hpp>

namespace tls_async::test {

subject_factory asio_streams();
/// With a clock that stands still until all deadlines are to expire.
subject_factory our_streams();

}  // namespace tls_async::test
