// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the options to the calls of tls_async::context.
#include "server_context.hpp"

#include "serving/client_trust.hpp"

namespace https_server {
server_context::server_context(options const& chosen, std::span<identity const> identities)
    : choice_(identities, chosen.key_password) {
  choice_.give_first_to(context_);
  choice_.decide_for(context_);
  context_.set_alpn({"h2", "http/1.1"});
  if (chosen.client_authority)
    serving::ask_for_certificates(context_, *chosen.client_authority, chosen.clients);
  if (chosen.key_log) key_log_.emplace(*chosen.key_log).attach(context_.native_handle());
}

}  // namespace https_server
