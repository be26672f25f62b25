// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Which identity a client gets: what OpenSSL asks of a server when a ClientHello has come, and how
// a context takes identities while handshakes run.
//
// All is decided when the ClientHello is there and nothing of it has been acted upon: the pairs are
// put into the session then, so that whatever the context takes afterwards doesn't concern it, and
// the session id context is bound to the name before OpenSSL looks for a session to resume.
#include <tls_async/core/engine.hpp>
#include <tls_async/identities.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../core/client_hello.hpp"
#include "identity_set.hpp"
#include "state.hpp"

namespace tls_async {
namespace detail {
namespace {

// The session id context of sessions for a name, and for those names of a certificate by which it
// was found, so that none is resumed whose identity was taken away. False if there is no memory.
bool bound_to(std::string_view asked, std::string_view found, context_state const& state,
              sha256_digest& id) noexcept {
  compared_name const name{asked};
  constexpr auto longest = compared_name::longest;  // nobody can ask for more
  std::array<char, sizeof(sha256_digest) + longest + 1 + longest> text{};
  auto* end = std::ranges::copy(state.session_id_context, text.begin()).out;
  end = std::ranges::copy(name.text(), end).out + 1;
  end = std::ranges::copy(found.substr(0, longest), end).out;
  auto const length = static_cast<std::size_t>(end - text.begin());
  return EVP_Digest(text.data(), length, id.data(), nullptr, state.policy.sha256, nullptr) == 1;
}

// A session is resumed for the name only that it was made for: OpenSSL would, with TLS 1.3 also by
// its rules, resume one for any other, whose identity the client has never seen, and for which a
// callback of the program may ask more of its clients (RFC 6066 section 3). False if there is no
// memory.
bool bind_sessions(SSL* session, context_state const& state, std::string_view asked,
                   std::string_view found) {
  sha256_digest id{};
  return bound_to(asked, found, state, id) &&
         SSL_set_session_id_context(session, id.data(), id.size()) == 1;
}

std::shared_ptr<identity_set const> identities_of(context_state& state) noexcept {
  std::scoped_lock const lock{state.identities_lock};
  return state.identities;
}

// A name that is refused leaves the session without a certificate, until `on_server_name`.
int on_client_hello(SSL* session, int* alert, void* argument) noexcept {
  auto& state = *static_cast<context_state*>(argument);
  auto const all = identities_of(state);
  error_mark const mark;
  std::function<bool(SSL*)> const* chosen = nullptr;
  switch (engine::ask_about_hello(session, *alert, chosen)) {
    case engine::hello::goes_on:
      break;
    case engine::hello::waits:
      return SSL_CLIENT_HELLO_RETRY;
    case engine::hello::is_refused:
      return SSL_CLIENT_HELLO_ERROR;
  }
  auto const asked = asked_name(session);
  auto const* const found = all != nullptr ? all->find(asked) : nullptr;
  // A name that no certificate has: what a hook chooses is not resumed by those of the context.
  constexpr std::string_view by_hook = "/";
  bool is_done = bind_sessions(session, state, asked,
                               chosen != nullptr  ? by_hook
                               : found != nullptr ? found->first
                                                  : std::string_view());
  if (chosen != nullptr) {
    is_done = is_done && engine::use_chosen(session, *chosen);
  } else if (all != nullptr) {
    SSL_certs_clear(session);
    is_done = is_done && (found == nullptr || use_pairs(session, found->second));
  }
  if (is_done) return SSL_CLIENT_HELLO_SUCCESS;
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_CLIENT_HELLO_ERROR;
}

// Refuses when OpenSSL has kept the name, so that logs have it. It is asked also when a session is
// resumed, and by a client without a name.
int on_server_name(SSL* session, int* alert, void* /*of another's*/) noexcept {
  if (!has_identities(SSL_get_SSL_CTX(session))) return SSL_TLSEXT_ERR_NOACK;
  if (SSL_get_certificate(session) != nullptr) return SSL_TLSEXT_ERR_OK;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The name that its client asked for, empty if none.
std::string_view name_of(SSL_SESSION const* session) noexcept {
  char const* const sent = SSL_SESSION_get0_hostname(session);
  return sent != nullptr ? sent : std::string_view();
}

void require_usable_here(SSL_CTX* handle, SSL_CTX* scratch, named_pair const& pair) {
  constexpr int replace = 1;
  if (SSL_CTX_use_cert_and_key(scratch, leaf(pair.given), pair.key.key.get(), pair.issuers.get(),
                               replace) == 1) {
    return;
  }
  auto const reason = openssl_reason();
  require_usable(handle, pair.given);
  refuse(errc::bad_private_key,
         pair.given.origin + " and " + pair.key.origin + ": not accepted: " + reason);
}

}  // namespace

void answer_client_hellos(SSL_CTX* handle) {
  SSL_CTX_set_client_hello_cb(handle, on_client_hello, &state_of(handle));
  SSL_CTX_set_tlsext_servername_callback(handle, on_server_name);
}

bool name_session(SSL_SESSION* session, context_state& state) noexcept {
  auto const name = name_of(session);
  auto const all = identities_of(state);
  auto const* const found = all != nullptr ? all->find(name) : nullptr;
  sha256_digest id{};
  return bound_to(name, found != nullptr ? found->first : "", state, id) &&
         SSL_SESSION_set1_id_context(session, id.data(), id.size()) == 1;
}

// What ngx_ssl_session_id_context() of nginx makes: SHA-1 of the module's name, of the SHA-1 of
// each certificate in the order of its configuration, and of the authorities that clients are told.
bool name_for_nginx(SSL_SESSION* session, SSL_CTX* handle) noexcept {
  std::array<unsigned char, 20> id{};
  auto const all = identities_of(state_of(handle));
  auto const* const found = all != nullptr ? all->find(name_of(session)) : nullptr;
  X509* const own = SSL_CTX_get0_certificate(handle);
  if (found == nullptr && own == nullptr) return true;
  try {
    std::string text = "HTTP";
    auto const add = [&](X509* certificate) {
      if (X509_digest(certificate, EVP_sha1(), id.data(), nullptr) != 1) return false;
      text.append(id.begin(), id.end());
      return true;
    };
    bool const is_added = found == nullptr
                              ? add(own)
                              : std::ranges::all_of(found->second, [&](named_pair_ptr const& each) {
                                  return add(leaf(each->given));
                                });
    return is_added &&
           EVP_Digest(text.data(), text.size(), id.data(), nullptr, EVP_sha1(), nullptr) == 1 &&
           SSL_SESSION_set1_id_context(session, id.data(), id.size()) == 1;
  } catch (std::bad_alloc const&) {
    return false;
  }
}

bool has_identities(SSL_CTX const* handle) noexcept {
  auto const* const policy = policy_of(handle);
  return policy != nullptr && policy->has_identities.load(std::memory_order_relaxed);
}

}  // namespace detail

void context::use_identities(identities const& all) {
  detail::error_queue_scope const scope;
  if (!is_server()) {
    detail::refuse(errc::wrong_role, "use_identities() is for servers; a client has one pair");
  }
  if (all.empty()) detail::refuse(errc::bad_option, "use_identities(): there are no identities");
  auto const scratch = detail::scratch_context(handle_.get());
  for (auto const& pair : all.set_->pairs())
    detail::require_usable_here(handle_.get(), scratch.get(), *pair);
  all.set_->share();
  std::shared_ptr<detail::identity_set const> next = all.set_;
  auto& state = detail::state_of(handle_.get());
  {
    std::scoped_lock const lock{state.identities_lock};
    state.identities.swap(next);
  }
  state.policy.has_identities.store(true, std::memory_order_relaxed);
}

}  // namespace tls_async
