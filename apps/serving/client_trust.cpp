// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From --client-ca and --client-certificate to the context.
#include "client_trust.hpp"

#include <stdexcept>
#include <string>

namespace serving {

void ask_for_certificates(tls_async::context& context, std::filesystem::path const& authority,
                          client_certificates wanted) {
  try {
    context.trust_file(authority);
  } catch (std::exception const& error) {
    throw std::runtime_error(std::string(error.what()) +
                             "; give --client-ca the certificates, PEM, of the authorities that "
                             "sign those of the clients");
  }
  if (wanted == client_certificates::required)
    context.require_client_certificate();
  else
    context.request_client_certificate();
}

}  // namespace serving
