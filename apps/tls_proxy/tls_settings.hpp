// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The TLS side of the command line: who we are and whom we trust.
#pragma once

#include "options.hpp"

#include "serving/live_context.hpp"
#include "serving/server_tls.hpp"

#include <tls_async/sessions/ticket_keys.hpp>

#include <memory>

namespace tls_proxy {

// What a server's context is made of.
serving::server_tls server_tls_of(options const& chosen);
// All files that the context is made of, in either mode.
serving::chosen_files files_of(options const& chosen);

// Throws std::exception with what is wrong with which file. `tickets` are for servers.
serving::made_context make_context(options const& chosen,
                                   std::shared_ptr<tls_async::ticket_keys> const& tickets);

}  // namespace tls_proxy
