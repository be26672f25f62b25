// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the options to the calls of tls_async::context.
#include "server_context.hpp"

#include <stdexcept>
#include <string>

namespace https_server {
namespace {

void ask_for_certificates(tls_async::context& context, options const& chosen) {
  try {
    context.trust_file(*chosen.client_authority);
  } catch (std::exception const& error) {
    throw std::runtime_error(std::string(error.what()) +
                             "; give --client-ca the certificates, PEM, of the authorities that "
                             "sign those of the clients");
  }
  if (chosen.clients == client_certificates::required)
    context.require_client_certificate();
  else
    context.request_client_certificate();
}

}  // namespace

server_context::server_context(options const& chosen, std::span<identity const> identities)
    : choice_(identities) {
  context_.use_certificate_chain_file(identities.front().certificate);
  context_.use_private_key_file(identities.front().key);
  choice_.decide_for(context_);
  context_.alpn({"http/1.1"});
  if (chosen.client_authority) ask_for_certificates(context_, chosen);
  if (chosen.key_log) key_log_.emplace(*chosen.key_log).attach(context_.native_handle());
}

}  // namespace https_server
