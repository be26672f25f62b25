// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Who meets a hostile peer, and how: side, version, whom it trusts, by which verb it negotiates,
// and who the peer is. Owns the contexts of both.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include <tls_async_test/hostile_peer.hpp>
#include <tls_async_test/peers.hpp>
#include "io/memory_session.hpp"

namespace tls_async::test {

/// Whom the stream accepts.
enum class trust {
  host,          ///< Client: our context, as_client{"localhost"}.
  asio_host,     ///< Client: Asio's context that verifies nobody by itself, as_client{"localhost"}.
  openssl_host,  ///< Client: our context, SSL_set1_host.
  callback,      ///< Client: Asio's context, a verify callback that knows the certificate.
  nobody_asked,  ///< Client: Asio's context, no verification. Server: asks for no certificate.
  required,      ///< Server: our context, demands a certificate.
  asio_required,  ///< Server: Asio's context, demands a certificate.
  optional        ///< Server: our context, asks for one.
};

/// How it negotiates; what follows is done in the same way.
enum class way {
  tls_handshake,
  async_handshake,
  buffered_handshake,
  handshake,  ///< The blocking form.
  tls_read,   ///< Without a handshake: the first read negotiates.
  tls_write,
  tls_read_and_write,
  read,  ///< Blocking.
  write
};

struct scene {
  role side = role::client;  ///< The stream's.
  int version = TLS1_3_VERSION;
  trust trusts = trust::host;
  way negotiates = way::tls_handshake;
  who peer = who::known;
  pace speed = pace::record_by_record;
};
std::string describe(scene const& which);

/// What fits together: sides, kinds of trust, ways.
std::vector<scene> all_scenes();
/// The peer may be let in: nothing in its person speaks against it.
bool is_acceptable(scene const& which);

/// For the peer.
SSL_CTX* peer_context(scene const& which);
/// For the stream: one of the two. Made once a kind.
struct stream_context {
  context* ours = nullptr;
  boost::asio::ssl::context* of_asio = nullptr;
};
stream_context context_of(scene const& which);
template <class Stream, class NextLayer>
Stream make_stream(scene const& where, NextLayer next_layer, stream_options const& options = {}) {
  auto const of = context_of(where);
  return of.ours != nullptr ? Stream(std::move(next_layer), *of.ours, options)
                            : Stream(std::move(next_layer), *of.of_asio, options);
}
/// The certificate that is wanted of the peer.
X509* wanted_certificate(role of_peer);

}  // namespace tls_async::test
