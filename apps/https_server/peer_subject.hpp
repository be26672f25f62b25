// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Who a client is by its certificate.
#pragma once

#include <openssl/types.h>

#include <string>

namespace https_server {

// The subject as RFC 2253 writes it, "CN=a,O=b"; empty without a certificate.
std::string peer_subject(SSL const* session);

}  // namespace https_server
