// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine before its handshake: which side it is, and whom it lets in.
#include <tls_async/core/engine.hpp>

#include <tls_async/context.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <string>
#include <utility>

namespace tls_async {

void engine::be_server() noexcept {
  if (SSL_in_before(ssl_.get()) != 0) SSL_set_accept_state(ssl_.get());
  has_role_ = true;
}

void engine::be_client() noexcept {
  if (SSL_in_before(ssl_.get()) != 0) SSL_set_connect_state(ssl_.get());
  has_role_ = true;
}

bool engine::be_client_of(std::string const& host) {
  if (handshake_begun_) return true;  // a cancelled handshake goes on with the host it began with
  if (host.empty() || host.find('\0') != std::string::npos) return false;
  SSL* const ssl = ssl_.get();
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  bool accepted = X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1;
  if (!accepted) {
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    accepted = X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()) == 1 &&
               SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  }
  ERR_clear_error();
  if (!accepted) return false;  // without a role, so that no verb connects to it knows not whom
  be_client();
  auto const* policy = detail::policy_of(SSL_get_SSL_CTX(ssl));
  if (policy == nullptr || !policy->verification_skipped) verify_mode(SSL_VERIFY_PEER);
  return true;
}

void engine::verify_mode(int mode) noexcept {
  SSL_set_verify(ssl_.get(), mode, &engine::on_verify);
}

void engine::verify_depth(int depth) noexcept { SSL_set_verify_depth(ssl_.get(), depth); }

void engine::verify_with(verify_callback callback, bool checks_host) {
  verify_callback_ = std::move(callback);
  callback_checks_host_ = checks_host;
}

// Our own context never lets a client connect to it knows not whom, and says what is missing before
// a peer does it in an alert.
step engine::refused_by_context() {
  SSL* const ssl = ssl_.get();
  auto const* policy = detail::policy_of(SSL_get_SSL_CTX(ssl));
  if (policy != nullptr && policy->identity_incomplete) {
    return fail(errc::key_mismatch,
                "the context has a certificate chain without its key, or a key without "
                "its chain");
  }
  if (SSL_is_server(ssl) != 0 || policy == nullptr || policy->verification_skipped) return {};
  if (!verify_callback_ && !detail::has_trust(SSL_get_SSL_CTX(ssl))) {
    return fail(errc::empty_trust_store, "the trust store is empty, so no peer can be verified");
  }
  if (callback_checks_host_) return {};
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  char* const address = X509_VERIFY_PARAM_get1_ip_asc(parameters);
  bool const has_host = address != nullptr || X509_VERIFY_PARAM_get0_host(parameters, 0) != nullptr;
  OPENSSL_free(address);
  ERR_clear_error();
  return has_host ? step{} : fail(errc::no_host_name, "no host name to verify the peer with");
}

// OpenSSL verifies nobody when it resumes a session, so one that the application has kept
// (SSL_set_session(3)) would connect to the host it was made with, whatever host is wanted now, and
// also where its certificate was accepted without verification.
void engine::drop_unverified_session() noexcept {
  SSL* const ssl = ssl_.get();
  auto* const session = SSL_get_session(ssl);
  if (session == nullptr || (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) return;
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  char const* const host = X509_VERIFY_PARAM_get0_host(parameters, 0);
  char* const address = X509_VERIFY_PARAM_get1_ip_asc(parameters);
  X509* const peer = SSL_SESSION_get0_peer(session);
  unsigned const flags = X509_VERIFY_PARAM_get_hostflags(parameters);
  bool const verified = SSL_get_verify_result(ssl) == X509_V_OK;
  bool const fits =
      (verified || verify_callback_ || context_verify_ != nullptr) &&
      (host == nullptr ||
       (peer != nullptr && X509_check_host(peer, host, 0, flags, nullptr) == 1)) &&
      (address == nullptr || (peer != nullptr && X509_check_ip_asc(peer, address, flags) == 1));
  if (!fits) SSL_set_session(ssl, nullptr);
  OPENSSL_free(address);
  ERR_clear_error();
}

}  // namespace tls_async
