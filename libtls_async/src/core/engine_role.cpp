// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine before its handshake: which role it has, and whom it lets in.
#include <tls_async/core/engine.hpp>
#include <tls_async/core/policy.hpp>

#include <boost/system/errc.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "host.hpp"
#include "openssl_ptr.hpp"
#include "pins.hpp"

namespace tls_async {
namespace {

// RFC 9525 sections 6.3 and 6.4: only what stands in the certificate's subject alternative names,
// and a wildcard is a whole label.
constexpr unsigned strict_names =
    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

// What the application has asked for on the session itself (SSL_set1_host(3)).
bool is_for_hosts_of(X509_VERIFY_PARAM* parameters, X509* certificate) {
  bool is_for = X509_VERIFY_PARAM_get0_host(parameters, 0) == nullptr;
  unsigned const flags = X509_VERIFY_PARAM_get_hostflags(parameters);
  for (int i = 0; char const* const host = X509_VERIFY_PARAM_get0_host(parameters, i); ++i) {
    is_for = is_for || X509_check_host(certificate, host, 0, flags, nullptr) == 1;
  }
  detail::text_ptr const address(X509_VERIFY_PARAM_get1_ip_asc(parameters));
  return is_for && (!address || X509_check_ip_asc(certificate, address.get(), flags) == 1);
}

}  // namespace

error_code engine::be_server() noexcept {
  if (SSL_in_before(ssl_.get()) != 0) SSL_set_accept_state(ssl_.get());
  has_role_ = true;
  return SSL_is_server(ssl_.get()) != 0 ? error_code() : errc::wrong_role;
}

void engine::be_client() noexcept {
  if (SSL_in_before(ssl_.get()) != 0) SSL_set_connect_state(ssl_.get());
  has_role_ = true;
}

error_code engine::be_client_of(std::string_view host, std::uint16_t port) {
  ERR_clear_error();
  if (failure_) return {};  // which is what the handshake answers
  if (phase_ == phase::fresh) forget_story();
  if (host.empty()) return errc::no_host_name;
  if (char const* const fault = detail::fault_of_host(host); fault != nullptr) {
    if (phase_ == phase::fresh)
      story().summary = std::string("the host can't be verified: ") + fault;
    return errc::bad_host_name;
  }
  if (phase_ != phase::fresh) return why_not_client_of(detail::without_final_dot(host));
  SSL* const ssl = ssl_.get();
  auto& asked = asked_for();
  std::string wanted(detail::without_final_dot(host));
  char* const sent = detail::is_ip_address(wanted) ? nullptr : wanted.data();
  bool const named = SSL_set_tlsext_host_name(ssl, sent) == 1;
  ERR_clear_error();
  if (!named) throw std::bad_alloc();
  asked.host = std::move(wanted);
  asked.port = port;
  be_client();
  if (!skips_verification()) set_verify_mode(SSL_get_verify_mode(ssl) | SSL_VERIFY_PEER);
  return {};
}

// What has begun goes on as it began, and what was negotiated was verified as it was.
error_code engine::why_not_client_of(std::string_view host) const {
  if (SSL_is_server(ssl_.get()) != 0) return errc::wrong_role;
  if (auto const* const wanted = wanted_host(); wanted != nullptr && host == *wanted) return {};
  if (handshake_done() && (skips_verification() || is_verified_for(std::string(host)))) return {};
  return errc::not_verified;
}

void engine::forget_story() noexcept {
  forget_deadline();
  story_.told.reset();
}

bool engine::skips_verification() const noexcept {
  auto const* policy = detail::policy_of(SSL_get_SSL_CTX(ssl_.get()));
  return policy != nullptr && policy->verification_skipped &&
         (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_PEER) == 0;
}

// Whether this session's certificate, shown now or when the session was made that is resumed, was
// verified and is for `host`.
bool engine::is_verified_for(std::string const& host) const noexcept {
  X509* const peer = SSL_get0_peer_certificate(ssl_.get());
  return peer != nullptr && SSL_get_verify_result(ssl_.get()) == X509_V_OK &&
         detail::is_for_host(peer, host, host_flags());
}

unsigned engine::host_flags() const noexcept {
  return X509_VERIFY_PARAM_get_hostflags(SSL_get0_param(ssl_.get())) | strict_names;
}

void engine::set_verify_mode(int mode) noexcept {
  SSL_set_verify(ssl_.get(), mode, nullptr);  // leaves the callback
}

void engine::set_verify_depth(int depth) noexcept { SSL_set_verify_depth(ssl_.get(), depth); }

engine::verification& engine::asked_for() {
  if (!verification_) verification_ = std::make_unique<verification>();
  return *verification_;
}

void engine::verify_with(verify_callback callback, bool checks_host) {
  auto& asked = asked_for();
  // It replaces what was set before, of which the session is not told.
  adopt_verify_callback();
  context_callback_ = nullptr;
  asked.callback = std::move(callback);
  asked.callback_checks_host = checks_host;
}

// The context's, or one that the application has set on the session since (SSL_set_verify(3)).
void engine::adopt_verify_callback() noexcept {
  auto* const current = SSL_get_verify_callback(ssl_.get());
  if (current == &engine::on_verify) return;
  context_callback_ = current;
  SSL_set_verify(ssl_.get(), SSL_get_verify_mode(ssl_.get()), &engine::on_verify);
}

step engine::begin() {
  adopt_verify_callback();
  if (phase_ != phase::fresh) return {};
  enter(phase::negotiating);
  forget_story();
  path_.begin();
  try {
    if (auto const refused = check_policy(); refused.next == want::failed) return refused;
    SSL_is_server(ssl_.get()) == 0 ? offer_session() : leave_tickets_for_later();
    drop_unverified_session();
  } catch (...) {  // a second call would skip what has not been checked
    abort(make_error_code(boost::system::errc::not_enough_memory));
    throw;
  }
  return {};
}

// Our own context lets no client connect without knowing to whom, and says what is missing before
// a peer does it in an alert.
step engine::check_policy() {
  SSL* const ssl = ssl_.get();
  bool const is_server = SSL_is_server(ssl) != 0;
  if (SSL_get_ssl_method(ssl) == (is_server ? TLS_client_method() : TLS_server_method())) {
    return fail(errc::wrong_role,
                is_server ? "the context is for clients, and the handshake is a server's"
                          : "the context is for servers, and the handshake is a client's");
  }
  auto const* policy = detail::policy_of(SSL_get_SSL_CTX(ssl));
  if (policy == nullptr) return {};
  if (policy->identity_incomplete && !policy->has_identities.load(std::memory_order_relaxed)) {
    return fail(errc::key_mismatch,
                "the context has a certificate chain without its key, or a key without "
                "its chain");
  }
  if (is_server || policy->verification_skipped) return {};
  if (!has_callback() && !detail::has_trust(SSL_get_SSL_CTX(ssl))) {
    return fail(errc::empty_trust_store, "the trust store is empty, so no peer can be verified");
  }
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(parameters, host_flags());
  if (callback_checks_host() || wanted_host() != nullptr) return {};
  detail::text_ptr const address(X509_VERIFY_PARAM_get1_ip_asc(parameters));
  bool const has_host = address || X509_VERIFY_PARAM_get0_host(parameters, 0) != nullptr;
  ERR_clear_error();
  return has_host ? step{} : fail(errc::no_host_name, "no host name to verify the peer with");
}

// OpenSSL verifies nobody when it resumes a session, so one that the application has kept
// (SSL_set_session(3)) would connect to the host it was made with, whatever host is wanted now, and
// also where its certificate was accepted without verification.
void engine::drop_unverified_session() {
  SSL* const ssl = ssl_.get();
  auto* const session = SSL_get_session(ssl);
  if (session == nullptr || (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) return;
  X509* const peer = SSL_SESSION_get0_peer(session);
  auto const* const host = wanted_host();
  bool const is_kept = resumption_ != nullptr;  // and so was verified with the same pins
  bool const fits = peer != nullptr && SSL_get_verify_result(ssl) == X509_V_OK &&
                    (host == nullptr || detail::is_for_host(peer, *host, host_flags())) &&
                    is_for_hosts_of(SSL_get0_param(ssl), peer) &&
                    (pins() == nullptr || is_kept || detail::is_pinned(peer, *pins())) &&
                    (!callback_checks_host() || is_accepted_by_callback(peer));
  if (!fits) SSL_set_session(ssl, nullptr);
  ERR_clear_error();
}

// Null where any public key will do.
std::string const* engine::pins() const noexcept {
  auto const* const policy = detail::policy_of(SSL_get_SSL_CTX(ssl_.get()));
  bool const counts = policy != nullptr && !policy->pins.empty() &&
                      SSL_is_server(ssl_.get()) == 0 && !skips_verification();
  return counts ? &policy->pins : nullptr;
}

// What a callback that knows the host says of the certificate of a session that is to be resumed.
bool engine::is_accepted_by_callback(X509* peer) const {
  detail::openssl_ptr<X509_STORE_CTX, X509_STORE_CTX_free> const chain(X509_STORE_CTX_new());
  if (!chain || X509_STORE_CTX_init(chain.get(), nullptr, peer, nullptr) != 1) return false;
  X509_STORE_CTX_set_current_cert(chain.get(), peer);
  X509_STORE_CTX_set_error_depth(chain.get(), 0);
  try {
    return verification_->callback(true, chain.get());
  } catch (...) {
    return false;
  }
}

// The last word on whom a client of a host is connected to: also where no certificate was asked
// for, as with a key that was shared before (RFC 8446 section 4.2.11), and where the application
// has changed the rules since the handshake began.
step engine::check_host() {
  // One that is resumed from a keeper has the same pins in its key, and any other its own key.
  // A key that was shared before counts as resumed, and comes without a certificate.
  bool const is_resumed =
      SSL_session_reused(ssl_.get()) != 0 && SSL_get0_peer_certificate(ssl_.get()) != nullptr;
  if (pins() != nullptr && !has_pinned_key_ && !is_resumed) {
    return fail(errc::not_verified, "the server's certificate chain has no key that is pinned");
  }
  auto const* const host = wanted_host();
  if (host == nullptr || skips_verification()) return {};
  X509* const peer = SSL_get0_peer_certificate(ssl_.get());
  if (peer == nullptr) {
    return fail(errc::not_verified, "the server has shown no certificate");
  }
  if (is_overruled_ || is_verified_for(*host)) return {};
  return fail(errc::not_verified, "the server's certificate was not verified");
}

}  // namespace tls_async
