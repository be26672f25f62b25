// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a handshake has agreed on, as values.
#pragma once

#include <tls_async/requirements.hpp>

#include <string>

namespace tls_async {

/// What a handshake has agreed on: a copy, which stays as it is. Before it is done, what is not
/// known yet is empty.
struct session_info {
  std::string version;  ///< As "TLSv1.3" (SSL_get_version(3)).
  std::string suite;    ///< As "TLS_AES_128_GCM_SHA256" (SSL_get_cipher_name(3)).
  std::string group;    ///< Of the key exchange, as "x25519"; empty where OpenSSL can't tell.
  std::string alpn;     ///< The protocol that ALPN agreed on (RFC 7301); empty if none.
  /// The host that the client asked for (RFC 6066 section 3), escaped as in `error_info` and cut to
  /// 256 bytes; empty if none, and at a TLS 1.2 server of a resumed session where no callback has
  /// taken it.
  std::string server_name;
  /// The subject of the peer's certificate, escaped as in `error_info`, so that it can be shown;
  /// empty without one. A server that has resumed a session knows that certificate alone, from the
  /// ticket, and not the chain that it was verified with (SSL_get_peer_cert_chain(3)).
  std::string peer_subject;
  bool is_resumed = false;  ///< By a ticket or session of before (SSL_session_reused(3)).

  /// Member by member.
  bool operator==(session_info const&) const = default;
};

}  // namespace tls_async
