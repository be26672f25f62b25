// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the tests of identities share: certificates with the names and the key that a test wants,
// and clients that ask for a name. Uses no Asio.
#pragma once

#include <tls_async/context.hpp>
#include <tls_async_test/tls_pair.hpp>

#include <openssl/ssl.h>

#include <iosfwd>
#include <memory>
#include <string>

namespace tls_async::test {

/// A chain of one certificate, signed with its own key, and that key, as PEM.
struct named {
  std::string chain;
  std::string key;
};

/// `alternatives` as in openssl-x509v3_config(5): "DNS:example.org,IP:127.0.0.1". `type` as
/// EVP_PKEY_Q_keygen takes it: "EC", "RSA", "ED25519". RSA keys take long, so all of them are one.
/// `ends` as in ASN1_TIME_set_string(3); tomorrow without.
named make_named(char const* type, std::string const& alternatives, std::string const& common_name,
                 char const* ends = nullptr);

struct ssl_session_free {
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using ssl_session_ptr = std::unique_ptr<SSL_SESSION, ssl_session_free>;

/// What a client wants.
struct wish {
  std::string name = {};           ///< In SNI; none if empty.
  int version = TLS1_3_VERSION;    ///< The only one.
  char const* signatures = "";     ///< The only ones, as SSL_set1_sigalgs_list(3) takes them.
  SSL_SESSION* session = nullptr;  ///< To be resumed.
};

/// What it got.
struct visit {
  bool completed = false;
  std::string subject;  ///< The common name of the certificate that was shown.
  bool resumed = false;
  int alert = 0;            ///< That ended it.
  ssl_session_ptr session;  ///< That may be resumed.
};
std::ostream& operator<<(std::ostream& out, visit const& was);

/// A client that verifies nothing but that the server has the key of the certificate it shows, and
/// a server of a context, in the middle of their handshake.
class encounter {
public:
  encounter(context& server, wish const& wanted, ring_sizes server_rings = {});

  raw_session& client() noexcept { return client_; }
  raw_session& server() noexcept { return server_; }
  /// To the end, tickets included.
  visit finish();

private:
  raw_session client_;
  raw_session server_;
};

inline visit visit_server(context& server, wish const& wanted) {
  return encounter(server, wanted).finish();
}

}  // namespace tls_async::test
