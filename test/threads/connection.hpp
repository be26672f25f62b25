// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Makes two connected ends, by transport.
#pragma once

#include "end.hpp"

#include <tls_async/context.hpp>
#include <tls_async/options.hpp>

#include <memory>
#include <utility>

namespace tls_async::threads {

using both_ends = std::pair<std::shared_ptr<end>, std::shared_ptr<end>>;

/// What a connection is made of: the client's, then the server's.
struct ingredients {
  end::surroundings client, server;
  context& for_client;
  context& for_server;
  stream_options const& options;
};

// Each in a file of its own: they are what takes long to compile.
both_ends over_tcp(ingredients of);
both_ends over_tcp_ref(ingredients of);
both_ends over_tcp_raw(ingredients of);
both_ends over_tcp_strand(ingredients of);
both_ends over_local(ingredients of);
both_ends over_beast(ingredients of);
both_ends over_nested(ingredients of);

}  // namespace tls_async::threads
