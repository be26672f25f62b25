// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the options to the calls of tls_async::context.
#include "tls_settings.hpp"

#include "serving/client_trust.hpp"
#include "serving/private_key.hpp"

namespace tls_proxy {

tls_async::context make_context(options const& chosen) {
  using role = tls_async::context::role;
  tls_async::context context{chosen.mode == mode::server ? role::server : role::client};
  if (chosen.certificate) {
    context.use_certificate_chain_file(*chosen.certificate);
    serving::use_private_key(context, *chosen.key, chosen.key_password);
  }
  if (!chosen.alpn.empty()) context.alpn(chosen.alpn);
  if (chosen.mode == mode::server) {
    if (chosen.client_authority)
      serving::ask_for_certificates(context, *chosen.client_authority, chosen.clients);
  } else if (chosen.insecure) {
    context.insecure_skip_verification();
  } else if (chosen.authority) {
    context.trust_file(*chosen.authority);
  } else {
    context.trust_system();
  }
  return context;
}

}  // namespace tls_proxy
