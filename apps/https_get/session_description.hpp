// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a session has agreed on, in lines for people.
#pragma once

#include <openssl/types.h>

#include <string>

namespace https_get {

// Protocol, cipher suite, group and ALPN, then the certificates the peer has sent.
std::string describe_session(SSL* session, std::string const& alpn);

}  // namespace https_get
