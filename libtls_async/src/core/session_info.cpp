// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/engine.hpp>
#include <tls_async/core/session_info.hpp>

#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "certificate_text.hpp"
#include "error_queue.hpp"

namespace tls_async {
namespace {

std::string or_empty(char const* text) { return text == nullptr ? "" : text; }

}  // namespace

session_info engine::session_info() const {
  detail::error_mark const mark;  // of a group without a name
  tls_async::session_info info;
  SSL* const session = ssl_.get();
  // As a client has sent it, who may have made it up.
  info.server_name =
      detail::printable(or_empty(SSL_get_servername(session, TLSEXT_NAMETYPE_host_name)), 256);
  if (!handshake_done()) return info;
  info.version = SSL_get_version(session);
  auto const* const suite = SSL_get_current_cipher(session);  // null while it renegotiates
  if (suite != nullptr) info.suite = or_empty(SSL_CIPHER_get_name(suite));
  auto const group = static_cast<int>(SSL_get_negotiated_group(session));
  if (group != NID_undef) info.group = or_empty(SSL_group_to_name(session, group));
  info.alpn = alpn();
  if (X509* const certificate = SSL_get0_peer_certificate(session))
    info.peer_subject = detail::name_text(X509_get_subject_name(certificate));
  info.is_resumed = SSL_session_reused(session) == 1;
  return info;
}

}  // namespace tls_async
