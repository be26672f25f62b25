// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Asks OpenSSL's session.
#include "connection_facts.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace https_server {
namespace {

std::string or_empty(char const* text) { return text == nullptr ? "" : text; }

}  // namespace

connection_facts facts_of(SSL* session) {
  connection_facts facts;
  facts.version = SSL_get_version(session);
  facts.suite = SSL_get_cipher_name(session);
  auto const group = static_cast<int>(SSL_get_negotiated_group(session));
  if (group != NID_undef) facts.group = or_empty(SSL_group_to_name(session, group));
  unsigned char const* protocol = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(session, &protocol, &length);
  facts.alpn.assign(protocol, protocol + length);
  facts.name = or_empty(SSL_get_servername(session, TLSEXT_NAMETYPE_host_name));
  facts.subject = peer_subject(session);
  facts.is_resumed = SSL_session_reused(session) == 1;
  ERR_clear_error();
  return facts;
}

std::string peer_subject(SSL const* session) {
  X509* const certificate = SSL_get0_peer_certificate(session);
  if (certificate == nullptr) return {};
  std::unique_ptr<BIO, decltype(&BIO_free_all)> const text{BIO_new(BIO_s_mem()), &BIO_free_all};
  if (!text ||
      X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) {
    ERR_clear_error();
    return "unreadable";
  }
  char* data = nullptr;
  auto const length = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

}  // namespace https_server
