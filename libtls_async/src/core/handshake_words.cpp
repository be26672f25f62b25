// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "handshake_words.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

#include <array>
#include <cstdint>

namespace tls_async {
namespace {

struct version_name {
  int version;
  std::uint64_t switched_off;  // SSL_CTX_set_options(3)
  char const* name;
};
constexpr std::array<version_name, 4> versions{{{TLS1_VERSION, SSL_OP_NO_TLSv1, "TLS 1.0"},
                                                {TLS1_1_VERSION, SSL_OP_NO_TLSv1_1, "TLS 1.1"},
                                                {TLS1_2_VERSION, SSL_OP_NO_TLSv1_2, "TLS 1.2"},
                                                {TLS1_3_VERSION, SSL_OP_NO_TLSv1_3, "TLS 1.3"}}};

bool is_allowed(SSL* ssl, version_name const& which) {
  // Whatever else is set, a security level above 0 leaves the older ones out
  // (SSL_CTX_set_security_level(3)).
  if (which.version < TLS1_2_VERSION && SSL_get_security_level(ssl) > 0) return false;
  auto const highest = SSL_get_max_proto_version(ssl);  // 0: any
  return which.version >= SSL_get_min_proto_version(ssl) &&
         (highest == 0 || which.version <= highest) &&
         (SSL_get_options(ssl) & which.switched_off) == 0;
}

// Why a server found no version, as far as the ClientHello told.
std::string offer_of_client(SSL* ssl) {
  // In TLS 1.3 this field says 1.2, and the versions stand in an extension (RFC 8446
  // section 4.1.2).
  int const offered = SSL_client_version(ssl);
  for (auto const& each : versions)
    if (each.version == offered && offered < TLS1_2_VERSION)
      return std::string("the client offers ") + each.name + " at most, and we take " +
             versions_of(ssl);
  return "the client does not offer " + versions_of(ssl) + ", and we take nothing else";
}

// OpenSSL's state is the last message that was sent or received.
char const* next_from_server(SSL const* ssl) noexcept {
  bool const is_tls_1_3 = SSL_version(ssl) >= TLS1_3_VERSION;
  switch (SSL_get_state(ssl)) {
    case TLS_ST_BEFORE:
      return "the ClientHello";
    case TLS_ST_CW_CLNT_HELLO:
      return "the ServerHello";
    case TLS_ST_CR_SRVR_HELLO:
      return is_tls_1_3 ? "the server's EncryptedExtensions" : "the server's Certificate";
    case TLS_ST_CR_ENCRYPTED_EXTENSIONS:
      return "the server's Certificate";
    case TLS_ST_CR_CERT_REQ:
      return is_tls_1_3 ? "the server's Certificate" : "the ServerHelloDone";
    case TLS_ST_CR_CERT:
      return is_tls_1_3 ? "the server's CertificateVerify" : "the ServerKeyExchange";
    case TLS_ST_CR_CERT_STATUS:
      return "the ServerKeyExchange";
    case TLS_ST_CR_KEY_EXCH:
      return "the ServerHelloDone";
    case TLS_ST_CR_CERT_VRFY:
    case TLS_ST_CW_FINISHED:
    case TLS_ST_CR_SESSION_TICKET:
    case TLS_ST_CR_CHANGE:
      return "the server's Finished";
    default:
      return "the client's Finished";
  }
}

char const* next_from_client(SSL const* ssl) noexcept {
  bool const is_tls_1_3 = SSL_version(ssl) >= TLS1_3_VERSION;
  switch (SSL_get_state(ssl)) {
    case TLS_ST_BEFORE:
    case TLS_ST_OK:
      return "the ClientHello";
    case TLS_ST_SR_CLNT_HELLO:
      return "the ServerHello";
    case TLS_ST_EARLY_DATA:  // TLS 1.3: a second ClientHello, a Certificate, or a Finished
    case TLS_ST_SW_SRVR_DONE:
      return "the client's answer to the ServerHello";
    case TLS_ST_SR_CERT:
      return is_tls_1_3 ? "the client's CertificateVerify" : "the ClientKeyExchange";
    case TLS_ST_SR_KEY_EXCH:
    case TLS_ST_SR_CERT_VRFY:
    case TLS_ST_SR_CHANGE:
      return "the client's Finished";
    case TLS_ST_SW_FINISHED:
      return is_tls_1_3 ? "the client's answer to the ServerHello" : "the client's Finished";
    default:
      return "the server's Finished";
  }
}

}  // namespace

char const* next_message_of(SSL const* ssl) noexcept {
  return SSL_is_server(ssl) != 0 ? next_from_client(ssl) : next_from_server(ssl);
}

std::string versions_of(SSL* ssl) {
  std::string list;
  for (auto const& each : versions) {
    if (!is_allowed(ssl, each)) continue;
    if (!list.empty()) list += " or ";
    list += each.name;
  }
  return list.empty() ? "no version" : list;
}

std::string hint_at(SSL* ssl, unsigned long code) {
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return {};
  bool const is_server = SSL_is_server(ssl) != 0;
  // OpenSSL then finds no version or no cipher to offer, and says only that.
  bool const is_refused_by_callback = ERR_GET_REASON(code) == SSL_R_CALLBACK_FAILED;
  if (is_server && !is_refused_by_callback && SSL_get_certificate(ssl) == nullptr)
    return ", and this server has no certificate";
  switch (ERR_GET_REASON(code)) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return ": the peer speaks HTTP without TLS";
    case SSL_R_WRONG_VERSION_NUMBER:
      return ": what the peer sent is not TLS";
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return is_server ? ": " + offer_of_client(ssl) : "; we offered " + versions_of(ssl);
    default:
      return {};
  }
}

}  // namespace tls_async
