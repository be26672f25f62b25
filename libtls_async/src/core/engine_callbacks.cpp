// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What OpenSSL calls in the middle of a call of the engine: for each step and alert, each message,
// each certificate of the peer. None lets an exception through.
#include <tls_async/core/context_counters.hpp>
#include <tls_async/core/engine.hpp>
#include <tls_async/core/policy.hpp>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <exception>
#include <string>

#include "certificate_text.hpp"
#include "error_queue.hpp"
#include "handshake_words.hpp"
#include "host.hpp"
#include "openssl_ptr.hpp"
#include "pins.hpp"
#include "thread_jobs.hpp"

namespace tls_async {
namespace {

// What OpenSSL's words leave out: an authority that was made anew under its old name looks in all
// messages like the one that is trusted.
char const* more_of(int code, X509_STORE_CTX* chain, X509* certificate) {
  bool const has_no_issuer = code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                             code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
                             code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
                             code == X509_V_ERR_CERT_SIGNATURE_FAILURE ||
                             code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
  if (!has_no_issuer || certificate == nullptr) return "";
  detail::error_mark const mark;
  detail::certificates_ptr const named(
      X509_STORE_CTX_get1_certs(chain, X509_get_issuer_name(certificate)));
  int const count = sk_X509_num(named.get());
  bool has_signed = false;
  for (int i = 0; i < count; ++i) {
    auto* const key = X509_get0_pubkey(sk_X509_value(named.get(), i));
    has_signed = has_signed || (key != nullptr && X509_verify(certificate, key) == 1);
  }
  return count > 0 && !has_signed
             ? "; an authority of its issuer's name is trusted, with another key"
             : "";
}

}  // namespace

void engine::on_info(SSL const* ssl, int where, int value) noexcept {
  if (detail::thread_jobs::is_ending_one()) return;
  // What the application's leaves in the error queue would be the reason of the alert it is told
  // of, or make an error of a close_notify.
  if (auto const chained = SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl)); chained != nullptr) {
    detail::error_mark const mark;
    chained(ssl, where, value);
  }
  engine* const self = of(ssl);
  if (self == nullptr) return;
  self->callback_ran_ = true;
  if ((where & SSL_CB_LOOP) != 0) self->story_.handshake_step = next_message_of(ssl);
  if ((where & SSL_CB_ALERT) == 0) return;
  bool const is_sent = (where & SSL_CB_WRITE) != 0;
  if (auto* const all = self->counters()) all->count_alert(is_sent, value & 0xff);
  if ((value & 0xff) == SSL_AD_CLOSE_NOTIFY) return;
  self->story_.alert = static_cast<std::uint16_t>(value);
  self->story_.alert_was_sent = is_sent;
}

char const* engine::words_of(peer_limit exceeded) noexcept {
  switch (exceeded) {
    case peer_limit::none:
      break;
    case peer_limit::key_updates_in_a_row:
      return "the peer sent too many KeyUpdates without plaintext between them";
    case peer_limit::key_updates_a_second:
      return "the peer sends KeyUpdates too often";
    case peer_limit::renegotiations:
      return "the peer tried again to renegotiate after it was refused";
    case peer_limit::handshake_messages:
      return "the peer sent too many handshake messages without plaintext between them";
  }
  return "the peer went beyond a limit";
}

// RFC 8446 section 6.2 has the peer told, and OpenSSL has no call that sends an alert. But it sends
// one by itself when a record comes that may not: behind the message that was one too many it finds
// such a record instead of what the peer has sent on, which nobody reads any more. The alert is
// unexpected_message, as BoringSSL and rustls answer too many KeyUpdates. (In TLS 1.2 it would be
// bad_record_mac, which is not true; there the peer has got no_renegotiation for each attempt.)
void engine::exceed(peer_limit limit) noexcept {
  if (peer_.exceeded != peer_limit::none) return;
  peer_.exceeded = limit;
  static constexpr std::array<unsigned char, 6> unprotected{SSL3_RT_HANDSHAKE, 3, 3, 0, 1, 0};
  if (supports_key_update()) path_.put_in_the_way(unprotected);
}

// Sees each handshake message that comes or goes; OpenSSL itself limits none of those counted here.
void engine::on_message(int sent, int /*version*/, int type, void const* message,
                        std::size_t length, SSL* /*ssl*/, void* engine) noexcept {
  auto* const self = static_cast<tls_async::engine*>(engine);
  if (self == nullptr || type != SSL3_RT_HANDSHAKE || length == 0) return;
  self->callback_ran_ = true;
  if (sent != 0) return;
  if (!self->handshake_done()) return;
  auto const exceeds = [](std::uint32_t count, std::uint32_t limit) {
    return limit != 0 && count > limit;
  };
  auto const& options = *self->options_;
  switch (*static_cast<unsigned char const*>(message)) {
    case SSL3_MT_KEY_UPDATE:
      ++self->stats_.key_updates_received;
      if (exceeds(++self->peer_.key_updates_in_a_row, options.most_key_updates_in_a_row))
        self->exceed(peer_limit::key_updates_in_a_row);
      if (self->peer_.key_updates_allowed == 0) self->exceed(peer_limit::key_updates_a_second);
      if (self->peer_.key_updates_allowed != UINT32_MAX) --self->peer_.key_updates_allowed;
      return;
    case SSL3_MT_HELLO_REQUEST:
    case SSL3_MT_CLIENT_HELLO:
      if (options.allow_renegotiation) break;
      if (exceeds(static_cast<std::uint32_t>(++self->stats_.renegotiations_refused),
                  options.most_renegotiation_attempts)) {
        self->exceed(peer_limit::renegotiations);
      }
      break;
    default:
      break;
  }
  if (exceeds(++self->peer_.handshake_messages_in_a_row, options.most_handshake_messages_in_a_row))
    self->exceed(peer_limit::handshake_messages);
}

// A client's chain has one of the public keys that its context has pinned, if any: the peer's, or
// that of an authority (RFC 7469 section 2.6).
bool engine::is_pinned(X509_STORE_CTX* chain) noexcept {
  auto const* const policy = detail::policy_of(SSL_get_SSL_CTX(ssl_.get()));
  if (policy == nullptr || policy->pins.empty()) return true;
  auto* const all = X509_STORE_CTX_get0_chain(chain);
  // Where a callback has accepted what OpenSSL refuses, nobody knows who has signed what: the peer
  // has proved to have its own key, and no more.
  int const count = is_overruled_ ? std::min(sk_X509_num(all), 1) : sk_X509_num(all);
  bool found = false;
  for (int i = 0; i < count; ++i)
    found = found || detail::is_pinned(sk_X509_value(all, i), policy->pins);
  has_pinned_key_ = found;
  return found;
}

int engine::on_verify(int preverified, X509_STORE_CTX* chain) noexcept {
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  engine* const self = ssl != nullptr ? of(ssl) : nullptr;
  if (self == nullptr) return 0;
  try {
    try {
      return self->verify(preverified, chain);
    } catch (std::exception const& thrown) {
      self->explain("the verify callback threw: " + detail::printable(thrown.what(), 1'024));
    } catch (...) {
      self->explain("the verify callback threw");
    }
  } catch (...) {  // no memory for the words
  }
  return 0;
}

bool engine::asks_program(SSL const* ssl) noexcept {
  auto* const callback = SSL_get_verify_callback(ssl);
  if (callback != &engine::on_verify) return callback != nullptr;
  engine const* const self = of(ssl);
  return self != nullptr && (self->has_callback() || self->context_callback_ != nullptr);
}

int engine::verify(int preverified, X509_STORE_CTX* chain) {
  X509* const certificate = X509_STORE_CTX_get_current_cert(chain);
  auto const* const host = wanted_host();
  // OpenSSL is content with all of the chain, which is whole now (X509_STORE_CTX_set_verify_cb(3)).
  bool const is_last = preverified != 0 && X509_STORE_CTX_get_error_depth(chain) == 0;
  if (preverified != 0 && host != nullptr && X509_STORE_CTX_get_error_depth(chain) == 0 &&
      (certificate == nullptr || !detail::is_for_host(certificate, *host, host_flags()))) {
    X509_STORE_CTX_set_error(chain, detail::is_ip_address(*host) ? X509_V_ERR_IP_ADDRESS_MISMATCH
                                                                 : X509_V_ERR_HOSTNAME_MISMATCH);
    preverified = 0;
  }
  int accepted = preverified;
  if (has_callback()) accepted = verification_->callback(accepted != 0, chain) ? 1 : 0;
  if (context_callback_ != nullptr) accepted = context_callback_(accepted, chain);
  is_overruled_ = is_overruled_ || (accepted != 0 && preverified == 0);
  bool const is_unpinned = accepted != 0 && is_last && !is_pinned(chain);
  if (is_unpinned) {
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
    accepted = 0;
  }
  // Without SSL_VERIFY_PEER the answer of a client is not acted upon.
  bool ignored = (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_PEER) == 0;
  // A client's hook has the last word; OpenSSL asks for all of this again when that is known.
  bool const has_hook = hooks_ && hooks_->wanted.peer && !is_server();
  std::string const* refused_by_hook = nullptr;
  if (has_hook && ignored && !is_last) return 1;  // to the end, where the hook is asked
  bool const asks = has_hook && is_last && (accepted != 0 || ignored);
  if (asks && !hooks_->of_peer) {
    pose_peer(X509_STORE_CTX_get0_chain(chain));
    SSL_set_retry_verify(ssl_.get());
    return 1;
  }
  if (asks && !hooks_->of_peer->goes_on) {
    refused_by_hook = &hooks_->of_peer->why;
    hooks_->failed_for = errc::refused;
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
    accepted = 0;
    // Its refusal counts, with or without verification.
    if (std::exchange(ignored, false)) SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (accepted != 0 || ignored || (story_.told && story_.told->verify_error)) return accepted;
  // Without a reason the alert would be of an internal error.
  if (X509_STORE_CTX_get_error(chain) == X509_V_OK)
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
  int const code = X509_STORE_CTX_get_error(chain);
  bool const is_of_another =
      code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH;
  story().verify_error = {
      .code = code,
      .depth = X509_STORE_CTX_get_error_depth(chain),
      .reason = is_unpinned ? std::string("none of the public keys of its chain is pinned")
                : refused_by_hook != nullptr
                    ? detail::refusal_words("a hook refused it", *refused_by_hook)
                : preverified != 0 ? std::string("the verify callback refused it")
                                   : X509_verify_cert_error_string(code) +
                                         std::string(more_of(code, chain, certificate)),
      .subject = certificate != nullptr ? detail::name_text(X509_get_subject_name(certificate))
                                        : std::string(),
      .issuer = certificate != nullptr ? detail::name_text(X509_get_issuer_name(certificate))
                                       : std::string(),
      .names = is_of_another && certificate != nullptr ? detail::alternative_names_text(certificate)
                                                       : std::string()};
  return accepted;
}

}  // namespace tls_async
