// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From a failure to its reason, and the codes of the reasons. What OpenSSL says has hundreds of
// codes, of which a log tells apart those that somebody can do something about.
#include <tls_async/core/event.hpp>

#include <boost/system/errc.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <array>

namespace tls_async {
namespace {

constexpr std::array<std::string_view, end_reasons> codes{"ok",
                                                          "certificate_expired",
                                                          "certificate_not_yet_valid",
                                                          "certificate_revoked",
                                                          "unknown_authority",
                                                          "host_mismatch",
                                                          "certificate_refused",
                                                          "no_certificate",
                                                          "not_verified",
                                                          "no_shared_version",
                                                          "no_shared_suite",
                                                          "no_shared_group",
                                                          "no_shared_signature",
                                                          "no_shared_alpn",
                                                          "not_tls",
                                                          "not_configured",
                                                          "peer_alert",
                                                          "protocol_error",
                                                          "peer_limit",
                                                          "ktls_fixed_keys",
                                                          "internal_error",
                                                          "out_of_memory",
                                                          "truncated",
                                                          "connection_failed",
                                                          "timed_out",
                                                          "cancelled",
                                                          "closed_by_peer",
                                                          "closed_by_us",
                                                          "abandoned",
                                                          "unknown_host",
                                                          "refused_by_hook"};

end_reason of_certificate(int code) noexcept {
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return end_reason::certificate_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return end_reason::certificate_not_yet_valid;
    case X509_V_ERR_CERT_REVOKED:
      return end_reason::certificate_revoked;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      return end_reason::unknown_authority;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return end_reason::host_mismatch;
    default:
      return end_reason::certificate_refused;
  }
}

end_reason of_ours(errc code, bool in_handshake) noexcept {
  switch (code) {
    case errc::no_role:
    case errc::empty_trust_store:
    case errc::no_host_name:
    case errc::bad_host_name:
    case errc::wrong_role:
    case errc::key_mismatch:
      return end_reason::not_configured;
    case errc::not_verified:
      return end_reason::not_verified;
    case errc::peer_limit_exceeded:
      return end_reason::peer_limit;
    case errc::refused:
    case errc::bad_signature:
      return end_reason::refused_by_hook;
    case errc::ktls_fixed_keys:
      return end_reason::ktls_fixed_keys;
    case errc::closed_by_peer:
      return in_handshake ? end_reason::truncated : end_reason::closed_by_peer;
    default:
      return end_reason::internal_error;
  }
}

end_reason of_code(error_code why, bool in_handshake) noexcept {
  if (why.category() == errc_category())
    return of_ours(static_cast<errc>(why.value()), in_handshake);
  return why == boost::system::errc::not_enough_memory ? end_reason::out_of_memory
                                                       : end_reason::connection_failed;
}

bool is_not_tls(int reason) noexcept {
  return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
         reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_PACKET_LENGTH_TOO_LONG;
}

end_reason of_openssl(unsigned long code, bool in_handshake) noexcept {
  int const reason = ERR_GET_REASON(code);
  if (reason == ERR_R_MALLOC_FAILURE) return end_reason::out_of_memory;
  // Those that all libraries have are of our own making (ERR_raise(3)).
  if (ERR_COMMON_ERROR(code) != 0) return end_reason::internal_error;
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return end_reason::protocol_error;
  if (in_handshake && is_not_tls(reason)) return end_reason::not_tls;
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
      return end_reason::no_shared_version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_CIPHERS_AVAILABLE:
      return end_reason::no_shared_suite;
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
      return end_reason::no_shared_group;
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
      return end_reason::no_shared_signature;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return end_reason::no_shared_alpn;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return end_reason::no_certificate;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return end_reason::certificate_refused;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return end_reason::truncated;
    default:
      // Codes of alerts that were received begin there (SSL_alert_type_string(3)).
      return reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256
                 ? end_reason::peer_alert
                 : end_reason::protocol_error;
  }
}

}  // namespace

std::string_view to_string(end_reason reason) noexcept {
  auto const index = static_cast<std::size_t>(reason);
  return index < codes.size() ? codes[index] : std::string_view("unknown");
}

end_reason reason_of(failure const& why, error_info const& story, bool in_handshake) noexcept {
  if (story.verify_error) return of_certificate(story.verify_error->code);
  if (why.openssl == 0) return of_code(why.own, in_handshake);
  bool const has_alert = story.last_alert && story.last_alert->fatal;
  // OpenSSL says only that a callback has failed.
  if (has_alert && story.last_alert->sent && story.last_alert->number == SSL_AD_UNRECOGNIZED_NAME)
    return end_reason::unknown_host;
  bool const is_of_peer = has_alert && !story.last_alert->sent;
  return is_of_peer ? end_reason::peer_alert : of_openssl(why.openssl, in_handshake);
}

}  // namespace tls_async
