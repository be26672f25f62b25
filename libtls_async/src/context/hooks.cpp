// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the hooks of a handshake need of contexts: how a session gets the identities that one of
// them has chosen, and the ticket by which a server of TLS 1.3 sends an alert.
#include <tls_async/core/engine.hpp>
#include <tls_async/identities.hpp>

#include <openssl/ssl.h>

#include <string>
#include <utility>

#include "../core/client_hello.hpp"
#include "identity_set.hpp"
#include "state.hpp"

namespace tls_async::detail {
namespace {

// In the ClientHello, and when that has been acted upon; a client asks itself for nothing.
std::string name_asked_of(SSL* session) {
  if (SSL_is_server(session) == 0) return {};
  auto const early = asked_name(session);
  if (!early.empty()) return std::string(early);
  char const* const later = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  return later != nullptr ? later : "";
}

// For private use (RFC 8446 section 4.2), and never sent.
constexpr unsigned only_an_alert = 0xff5a;

int on_ticket(SSL* session, unsigned, unsigned, unsigned char const**, std::size_t*, X509*,
              std::size_t, int* alert, void*) noexcept {
  if (!engine::is_refusing(session)) return 0;  // nothing to add
  *alert = SSL_AD_ACCESS_DENIED;
  return -1;
}

}  // namespace

std::function<bool(SSL*)> use_of(std::shared_ptr<identity_set> set) {
  if (set == nullptr) return [](SSL* session) { return SSL_certs_clear(session), true; };
  set->share();
  return [all = std::shared_ptr<identity_set const>(std::move(set))](SSL* session) {
    auto const* const found = all->find(name_asked_of(session));
    SSL_certs_clear(session);
    return found != nullptr && use_pairs(session, found->second);
  };
}

bool refuse_by_tickets(SSL_CTX* handle) {
  return SSL_CTX_add_custom_ext(handle, only_an_alert, SSL_EXT_TLS1_3_NEW_SESSION_TICKET, on_ticket,
                                nullptr, nullptr, nullptr, nullptr) == 1;
}

}  // namespace tls_async::detail

namespace tls_async {

verdict identities::chosen() const {
  verdict decided;
  decided.use = detail::use_of(set_);
  return decided;
}

}  // namespace tls_async
