// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine of a client and the sessions that it resumes: which one it offers, and which it
// leaves for the next handshake. A lack of memory loses a session, and nothing else.
#include <tls_async/core/engine.hpp>
#include <tls_async/core/policy.hpp>

#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "error_queue.hpp"
#include "openssl_ptr.hpp"
#include "session_key.hpp"

namespace tls_async {
namespace {

using kept_ptr = detail::openssl_ptr<SSL_SESSION, SSL_SESSION_free>;

constexpr std::chrono::seconds most_of_ticket = std::chrono::hours(7 * 24);

bool is_tls13(SSL_SESSION const* session) noexcept {
  return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

// RFC 8446 section 4.6.1: 0 is "at once" there, and "not said" in RFC 5077 section 3.3.
std::chrono::seconds lifetime_of(SSL_SESSION* session) noexcept {
  auto const hint = SSL_SESSION_get_ticket_lifetime_hint(session);
  if (hint == 0 && is_tls13(session)) return {};
  long const most = SSL_SESSION_get_timeout(session);
  auto const told = std::chrono::seconds(
      hint == 0 ? most : std::min<long>(most, static_cast<long>(std::min(hint, 604'800UL))));
  return std::clamp(told, std::chrono::seconds(0), most_of_ticket);
}

// A server that resumes TLS 1.2 with a suite that the client does not offer any more ends the
// handshake.
bool is_offered(SSL* ssl, SSL_CIPHER const* suite) noexcept {
  auto* const all = SSL_get_ciphers(ssl);
  for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i)
    if (sk_SSL_CIPHER_value(all, i) == suite) return true;
  return false;
}

// By records of DNS (DANE, RFC 6698) or of certificate logs (SSL_enable_ct(3)), which would have to
// do it again. OpenSSL tells of the first only so that it is enabled: -1 says that it is not.
bool is_verified_by_records(SSL* ssl) noexcept {
  detail::error_mark const mark;
  return SSL_dane_tlsa_add(ssl, 0xff, 0, 0, nullptr, 0) != -1 || SSL_ct_is_enabled(ssl) != 0;
}

std::string bytes_of(SSL_SESSION* session) {
  int const size = i2d_SSL_SESSION(session, nullptr);
  if (size <= 0) return {};
  std::string bytes(static_cast<std::size_t>(size), '\0');
  auto* at = reinterpret_cast<unsigned char*>(bytes.data());
  return i2d_SSL_SESSION(session, &at) == size ? bytes : std::string();
}

kept_ptr session_of(std::string const& bytes) noexcept {
  auto const* at = reinterpret_cast<unsigned char const*>(bytes.data());
  return kept_ptr(d2i_SSL_SESSION(nullptr, &at, static_cast<long>(bytes.size())));
}

}  // namespace

bool engine::watch_sessions(SSL_CTX* context) noexcept {
  auto* const present = SSL_CTX_sess_get_new_cb(context);
  if (present == &engine::on_new_session) return true;
  if (present != nullptr) return false;
  // The sessions are ours to keep. Those of servers stay as they are, but for what is said of the
  // store inside.
  SSL_CTX_set_session_cache_mode(context, SSL_CTX_get_session_cache_mode(context) |
                                              SSL_SESS_CACHE_CLIENT |
                                              SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, &engine::on_new_session);
  return true;
}

// Null where nothing is to be kept, or nobody would tell us of new sessions.
std::shared_ptr<session_keeper> engine::keeper() const noexcept {
  SSL_CTX* const context = SSL_get_SSL_CTX(ssl_.get());
  auto const* const policy = detail::policy_of(context);
  bool const knows_port = verification_ && verification_->port != 0;
  if (options_->sessions == nullptr && (policy == nullptr || !knows_port)) return nullptr;
  bool const is_told = SSL_CTX_sess_get_new_cb(context) == &engine::on_new_session &&
                       (SSL_CTX_get_session_cache_mode(context) & SSL_SESS_CACHE_CLIENT) != 0;
  if (!is_told) return nullptr;
  return options_->sessions != nullptr ? options_->sessions : policy->sessions;
}

// What a callback of the program would say of the peer only its version tells, and which
// certificate one would choose, nobody.
bool engine::may_resume() const noexcept {
  SSL_CTX* const context = SSL_get_SSL_CTX(ssl_.get());
  if (SSL_CTX_get_client_cert_cb(context) != nullptr || asks().certificate) return false;
  if (is_verified_by_records(ssl_.get())) return false;
  if (!has_callback() && context_callback_ == nullptr) return true;
  auto const* const policy = detail::policy_of(context);
  return policy != nullptr && !policy->rules_version.empty();
}

std::optional<session_key> engine::key_of_sessions() const {
  auto const* const host = wanted_host();
  return detail::session_key_of(ssl_.get(), host != nullptr ? *host : std::string_view(),
                                verification_ ? verification_->port : std::uint16_t{0});
}

// One that the program has set itself is left alone; drop_unverified_session() looks at both.
void engine::offer_session() noexcept {
  auto found = keeper();
  if (found == nullptr || SSL_get_session(ssl_.get()) != nullptr || !may_resume()) return;
  detail::error_mark const mark;
  try {
    auto const key = key_of_sessions();
    if (!key) return;
    resumption_ = std::make_unique<resumption>(resumption{std::move(found), *key, {}, {}});
    // A few, since a keeper may be anybody's.
    for (int tries = 0; tries != 4; ++tries) {
      auto const kept = resumption_->keeper->take(*key);
      if (!kept || offer(*kept)) return;
    }
  } catch (...) {
  }
}

bool engine::offer(kept_session const& kept) {
  SSL* const ssl = ssl_.get();
  auto const session = session_of(kept.bytes);
  if (!session || SSL_SESSION_is_resumable(session.get()) == 0) return false;
  if (!is_tls13(session.get()) && !is_offered(ssl, SSL_SESSION_get0_cipher(session.get())))
    return false;
  // OpenSSL refuses a session of another context; what has to be the same is in the key.
  unsigned length = 0;
  auto const* const id = SSL_SESSION_get0_id_context(session.get(), &length);
  if (SSL_set_session_id_context(ssl, id, length) != 1) return false;
  resumption_->began = kept.began;
  resumption_->ends = kept.ends;
  return SSL_set_session(ssl, session.get()) == 1;
}

// The handshake is done, and its peer is who it should be. If the rules were changed in its middle,
// it is not known by which of them.
void engine::begin_to_keep() noexcept {
  SSL* const ssl = ssl_.get();
  detail::error_mark const mark;
  try {
    bool const is_reused = SSL_session_reused(ssl) != 0;
    if (key_of_sessions() != resumption_->key) return resumption_.reset();
    if (!is_reused) {
      resumption_->began = resumption_->keeper->now();
      resumption_->ends = std::chrono::system_clock::time_point::max();
    }
  } catch (...) {
    return resumption_.reset();
  }
  // One of TLS 1.2 can be used again (RFC 5246 section 7.3); in TLS 1.3 there are tickets to come.
  if (!supports_key_update()) keep_session(SSL_get_session(ssl));
}

int engine::on_new_session(SSL* ssl, SSL_SESSION* session) noexcept {
  engine* const self = of(ssl);
  if (self != nullptr && self->resumption_ && self->handshake_done() &&
      self->supports_key_update()) {
    self->keep_session(session);
  }
  return 0;  // it stays OpenSSL's
}

// As bytes: OpenSSL marks its own object as not resumable when the connection ends badly.
void engine::keep_session(SSL_SESSION* session) noexcept {
  SSL* const ssl = ssl_.get();
  bool const is_verified =
      (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0 || SSL_get_verify_result(ssl) == X509_V_OK;
  if (!is_verified || is_overruled_ || !may_resume() || SSL_SESSION_is_resumable(session) == 0)
    return;
  detail::error_mark const mark;
  try {
    auto const lifetime = lifetime_of(session);
    auto bytes = bytes_of(session);
    if (lifetime.count() == 0 || bytes.empty()) return;
    auto ends = resumption_->keeper->now() + lifetime;
    // Used again, a session of TLS 1.2 gets no older than it would have.
    if (!is_tls13(session)) ends = std::min(ends, resumption_->ends);
    resumption_->keeper->keep(resumption_->key,
                              kept_session(std::move(bytes), resumption_->began, ends));
  } catch (...) {
  }
}

// One send for tickets and answer, and a client that leaves before it is not sent to in vain
// (SSL_new_session_ticket(3)).
void engine::leave_tickets_for_later() noexcept {
  auto const* const policy = detail::policy_of(SSL_get_SSL_CTX(ssl_.get()));
  std::size_t const count = SSL_get_num_tickets(ssl_.get());
  // A client that a hook may refuse yet gets none.
  bool const is_to_wait = (policy != nullptr && policy->tickets_with_first_write) || asks().peer;
  if (!is_to_wait || count == 0) return;
  later_tickets_ = static_cast<std::uint8_t>(std::min<std::size_t>(count, UINT8_MAX));
  SSL_set_num_tickets(ssl_.get(), 0);
}

}  // namespace tls_async
