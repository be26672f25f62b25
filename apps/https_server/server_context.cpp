// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the options to the calls of tls_async::context.
#include "server_context.hpp"

#include "serving/client_trust.hpp"
#include "serving/private_key.hpp"

namespace https_server {
server_context::server_context(options const& chosen, std::span<identity const> identities)
    : choice_(identities, chosen.key_password) {
  context_.use_certificate_chain_file(identities.front().certificate);
  serving::use_private_key(context_, identities.front().key, chosen.key_password);
  choice_.decide_for(context_);
  context_.alpn({"http/1.1"});
  if (chosen.client_authority)
    serving::ask_for_certificates(context_, *chosen.client_authority, chosen.clients);
  if (chosen.key_log) key_log_.emplace(*chosen.key_log).attach(context_.native_handle());
}

}  // namespace https_server
