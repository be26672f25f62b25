// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a handshake has agreed on, in words for people.
#pragma once

#include <openssl/types.h>

#include <string>

namespace https_server {

struct connection_facts {
  std::string version;
  std::string suite;
  std::string group;    // of the key exchange
  std::string alpn;     // empty if the client offered nothing
  std::string name;     // that the client asked for (SNI); empty if for none
  std::string subject;  // of the client's certificate; empty without one
  bool is_resumed = false;
};

connection_facts facts_of(SSL* session);

// The subject of the peer's certificate as RFC 2253 writes it, "CN=a,O=b"; empty without one.
std::string peer_subject(SSL const* session);

}  // namespace https_server
