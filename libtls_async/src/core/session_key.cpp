// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "session_key.hpp"

#include <tls_async/core/policy.hpp>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <string>

#include "error_queue.hpp"
#include "host.hpp"
#include "openssl_ptr.hpp"
#include "verification_digest.hpp"

namespace tls_async::detail {
namespace {

// With its length before it, so that no two lists of texts look the same.
void add(std::string& to, std::string_view text) {
  (to += std::to_string(text.size())) += ':';
  to += text;
}

// What the application has set on the session itself. True if that says whom it wants: of the names
// to verify by the digest tells.
bool add_name(std::string& to, SSL* ssl) {
  char const* const sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  add(to, sent != nullptr ? in_lower_case(sent) : std::string());
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  text_ptr const address(X509_VERIFY_PARAM_get1_ip_asc(parameters));
  return sent != nullptr || address || X509_VERIFY_PARAM_get0_host(parameters, 0) != nullptr;
}

// Of each type of key. OpenSSL can show only the one that it would add to, so that is put back.
bool add_certificates(std::string& to, SSL* ssl) {
  X509* const current = SSL_get_certificate(ssl);
  bool is_added = true;
  int count = 0;
  for (long found = SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST); found == 1;
       found = SSL_set_current_cert(ssl, SSL_CERT_SET_NEXT)) {
    sha256_digest each{};
    is_added =
        is_added && X509_digest(SSL_get_certificate(ssl), EVP_sha256(), each.data(), nullptr) == 1;
    to.append(reinterpret_cast<char const*>(each.data()), each.size());
    ++count;
  }
  if (current != nullptr) SSL_select_current_cert(ssl, current);
  add(to, "certificates " + std::to_string(count));
  return is_added;
}

}  // namespace

std::optional<session_key> session_key_of(SSL* ssl, std::string_view host, std::uint16_t port) {
  error_mark const mark;
  std::string of = "tls_async session 2";  // what is hashed below, and how
  add(of, in_lower_case(host));
  add(of, std::to_string(port));
  bool const names_a_host = add_name(of, ssl);
  if (host.empty() && !names_a_host) return {};
  auto const* const policy = policy_of(SSL_get_SSL_CTX(ssl));
  add(of, policy != nullptr ? std::string_view(policy->alpn_offer) : std::string_view());
  auto key = verification_digest(ssl);
  if (!key || !add_certificates(of, ssl) || !add_to_digest(*key, of)) return {};
  return key;
}

}  // namespace tls_async::detail
