// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "load.hpp"
#include "sides.hpp"
#include "tls_async_stack.hpp"

namespace tls_async::bench {

stack tls_async_stack() { return table_of<tls_async_type<>>("tls_async"); }
load_table tls_async_load() { return load_table_of<tls_async_type<>>(); }

}  // namespace tls_async::bench
