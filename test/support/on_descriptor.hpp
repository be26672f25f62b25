// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Streams that stay on their descriptor without the kernel, so that the contracts of a stream there
// are tested on hosts without kernel TLS. Whoever includes this replaces a weak function of the
// library (core/path.hpp).
#pragma once

#include <tls_async/core/engine.hpp>

namespace tls_async::test {

/// Before the handshake of `session`, which has `ktls`.
void stay_on_descriptor(engine& session);

}  // namespace tls_async::test
