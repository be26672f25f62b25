// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the options to the calls of tls_async::context.
#include "tls_settings.hpp"

#include "serving/client_trust.hpp"
#include "serving/private_key.hpp"

#include <tls_async/core/engine.hpp>

#include <stdexcept>
#include <string>

namespace tls_proxy {
namespace {

// Asks now what each handshake would ask.
void require_host(tls_async::context& context, std::string const& name) {
  tls_async::engine session{context.native_handle(), tls_async::stream_options()};
  if (!session.be_client_of(name)) return;
  auto const& why = session.error_info().summary;
  throw std::runtime_error("the backend \"" + name +
                           "\": " + (why.empty() ? "it has no name" : why) +
                           "; give --server-name the host in its certificate");
}

}  // namespace

tls_async::context make_context(options const& chosen) {
  using role = tls_async::context::role;
  tls_async::context context{chosen.mode == mode::server ? role::server : role::client};
  if (chosen.certificate) {
    context.use_certificate_chain_file(*chosen.certificate);
    serving::use_private_key(context, *chosen.key, chosen.key_password);
  }
  if (!chosen.alpn.empty()) context.set_alpn(chosen.alpn);
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
  if (chosen.mode == mode::client && !chosen.server_name.empty())
    require_host(context, chosen.server_name);
  else if (chosen.mode == mode::client)
    for (auto const& backend : chosen.backends)
      require_host(context, backend.host);
  return context;
}

}  // namespace tls_proxy
