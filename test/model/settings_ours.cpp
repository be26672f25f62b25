// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Rows that only a stream of ours has, or that it has in its own way.
#include <openssl/x509_vfy.h>

#include "settings_rows.hpp"

namespace tls_async::test::model {
namespace {

// As a stream of ours does it by set_verify_callback.
template <bool Passes>
void with_session_verify(SSL* session) {
  SSL_set_verify(session, SSL_get_verify_mode(session),
                 [](int preverified, X509_STORE_CTX*) { return Passes ? preverified : 0; });
}

}  // namespace

std::vector<row> rows_of_ours() {
  return {
      // What it throws refuses the certificate.
      {"stream_callback",
       whose::subject,
       fits::any,
       {{"none"},
        {"passes", nullptr, &with_session_verify<true>},
        {"refuses", nullptr, &with_session_verify<false>},
        {"throws", nullptr, &with_session_verify<false>}}},
      // Of a tls_handshake: all that it can ask is agreed to, at once, or when others have run; by
      // a
      // key that is elsewhere.
      {"hooks", whose::subject, fits::any, {{"none"}, {"agree"}, {"wait"}, {"sign"}}},
      // Of our context: bytes that its streams may hold in rings.
      {"budget", whose::subject, fits::any, {{"none"}, {"1"}, {"100000"}, {"300000"}}},
      // OpenSSL works on the descriptor, where the next layer is a socket, as if the kernel had
      // TLS.
      {"ktls",
       whose::subject,
       fits::any,
       {{"off"},
        {"tx", nullptr, nullptr, [](stream_options& o) { o.ktls = ktls::tx; }},
        {"tx_rx", nullptr, nullptr, [](stream_options& o) { o.ktls = ktls::tx_rx; }}}},
  };
}

}  // namespace tls_async::test::model
