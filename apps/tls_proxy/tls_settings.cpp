// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From the options to the calls of tls_async::context.
#include "tls_settings.hpp"

#include "serving/certificates.hpp"
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

// Without a certificate it only verifies the backend.
serving::made_context make_client(options const& chosen) {
  serving::made_context made{
      std::make_shared<tls_async::context>(tls_async::context::role::client), {}, {}};
  auto& context = *made.context;
  if (chosen.certificate) {
    context.use_certificate_chain_file(*chosen.certificate);
    serving::use_private_key(context, *chosen.key, chosen.key_password);
    made.ends.push_back(serving::end_of_certificate(context.native_handle(), *chosen.certificate));
    made.keys.push_back(*chosen.key);
  }
  if (!chosen.alpn.empty()) context.set_alpn(chosen.alpn);
  if (chosen.insecure) {
    context.insecure_skip_verification();
  } else if (chosen.authority) {
    context.trust_file(*chosen.authority);
  } else {
    context.trust_system();
  }
  if (!chosen.server_name.empty())
    require_host(context, chosen.server_name);
  else
    for (auto const& backend : chosen.backends)
      require_host(context, backend.host);
  return made;
}

}  // namespace

serving::server_tls server_tls_of(options const& chosen) {
  serving::server_tls tls;
  if (chosen.certificate) tls.identities.push_back({*chosen.certificate, *chosen.key});
  tls.sites = chosen.sites;
  tls.key_password = chosen.key_password;
  tls.client_authority = chosen.client_authority;
  tls.clients = chosen.clients;
  tls.tickets = chosen.tickets;
  tls.alpn = chosen.alpn;
  return tls;
}

serving::chosen_files files_of(options const& chosen) {
  auto files = serving::files_of(server_tls_of(chosen));
  files.push_back(chosen.authority);
  return files;
}

serving::made_context make_context(options const& chosen,
                                   std::shared_ptr<tls_async::ticket_keys> const& tickets) {
  return chosen.mode == mode::server ? serving::make_context(server_tls_of(chosen), tickets)
                                     : make_client(chosen);
}

}  // namespace tls_proxy
