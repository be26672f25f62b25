// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The context's construction and its state inside the SSL_CTX. What it does with identity, trust
// and protocol settings has a source file of its own each.
#include "state.hpp"

#include <tls_async/core/engine.hpp>
#include <tls_async/sessions/session_store.hpp>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>
#include <new>
#include <utility>

namespace tls_async {
namespace detail {
namespace {

void free_state(void* /*handle*/, void* state, CRYPTO_EX_DATA* /*all*/, int /*index*/,
                long /*unused*/, void* /*unused*/) noexcept {
  delete static_cast<context_state*>(state);
}

// Negative if OpenSSL has no memory for it.
int state_index() noexcept {
  static int const index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_state);
  return index;
}

constexpr long seven_days = 604'800;  // the most for a ticket: RFC 8446 section 4.6.1

// What an OpenSSL configuration file may have set for every SSL_CTX of the system: it may make
// ours stricter, so only what is too weak is raised.
void secure(SSL_CTX* handle, context::role role) {
  SSL_CTX_set_security_level(handle, std::max(SSL_CTX_get_security_level(handle), 2));
  if (SSL_CTX_get_min_proto_version(handle) < TLS1_2_VERSION) {
    require_memory(SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION) == 1);
  }
  // AES-128 first, as RFC 9325 section 4.2 recommends.
  require_memory(SSL_CTX_set_cipher_list(handle,
                                         "ECDHE-ECDSA-AES128-GCM-SHA256:"
                                         "ECDHE-RSA-AES128-GCM-SHA256:"
                                         "ECDHE-ECDSA-AES256-GCM-SHA384:"
                                         "ECDHE-RSA-AES256-GCM-SHA384:"
                                         "ECDHE-ECDSA-CHACHA20-POLY1305:"
                                         "ECDHE-RSA-CHACHA20-POLY1305") == 1);
  leave_out_ffdhe(handle);
  SSL_CTX_set_options(handle, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_clear_options(handle,
                        SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                            SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_CLIENT_RENEGOTIATION |
                            SSL_OP_ALLOW_NO_DHE_KEX | SSL_OP_NO_EXTENDED_MASTER_SECRET |
                            SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_ENABLE_KTLS);
  // NO_AUTO_CHAIN: what is trusted for verifying others must not be sent as our own chain.
  SSL_CTX_set_mode(handle, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS |
                               SSL_MODE_NO_AUTO_CHAIN);
  // A client keeps its sessions itself; what a server does is set below.
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);
  // Whatever the caller trusts ends a chain, be it signed with its own key or not.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(handle), X509_V_FLAG_PARTIAL_CHAIN);
  if (role == context::role::client) {
    SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nullptr);
    // A ticket says itself how long it may be used; OpenSSL's two hours would count too.
    SSL_CTX_set_timeout(handle, seven_days);
    (void)engine::watch_sessions(handle);
  } else {
    SSL_CTX_set_verify(handle, SSL_VERIFY_NONE, nullptr);
    // OpenSSL's limit of 100 KiB is for chains of servers.
    SSL_CTX_set_max_cert_list(handle, 32L * 1024);
    // Without it a suite with DHE in its name would be set and never be chosen.
    SSL_CTX_set_dh_auto(handle, 1);
    answer_client_hellos(handle);
    require_memory(refuse_by_tickets(handle));
    require_memory(install_resumption(handle, *state_of(handle).served));
  }
  name_sessions(handle, SSL_CTX_get_verify_mode(handle));
}

}  // namespace

context_state& state_of(SSL_CTX* handle) noexcept {
  return *static_cast<context_state*>(SSL_CTX_get_ex_data(handle, state_index()));
}

void require_unused(SSL_CTX* handle, char const* setter) {
  if (!state_of(handle).policy.is_in_use) return;
  refuse(errc::bad_option, std::string(setter) +
                               " comes before the first session of a context, which may be in its "
                               "handshake now; make another context for later sessions");
}

handle_ptr scratch_context(SSL_CTX const* like) {
  handle_ptr scratch{SSL_CTX_new(TLS_client_method())};
  require_memory(scratch != nullptr);
  SSL_CTX_set_security_level(scratch.get(), SSL_CTX_get_security_level(like));
  // A system's configuration may have set them.
  SSL_CTX_clear_options(scratch.get(), SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3);
  return scratch;
}

}  // namespace detail

// A context that is a global may outlive OpenSSL, which cleans up in an atexit handler of its own
// (OPENSSL_init_crypto(3)) and calls no free_state after that. A session may still look at the
// state, so it stays, where it can be found.
void context::handle_free::operator()(SSL_CTX* handle) const noexcept {
  static constinit detail::context_state* left = nullptr;
  if (OPENSSL_init_crypto(0, nullptr) == 0) {
    auto* const state =
        static_cast<detail::context_state*>(SSL_CTX_get_ex_data(handle, detail::state_index()));
    if (state != nullptr) state->left_before = std::exchange(left, state);
  }
  SSL_CTX_free(handle);
}

context::context(role as) {
  // Before the handle, so that it still cleans up after a handle that is given up.
  detail::error_queue_scope const scope;
  detail::handle_ptr handle{
      SSL_CTX_new(as == role::client ? TLS_client_method() : TLS_server_method())};
  if (handle == nullptr) {
    detail::refuse(errc::bad_option, "OpenSSL cannot make an SSL_CTX: " + detail::openssl_reason());
  }
  auto state = std::make_unique<detail::context_state>();
  state->is_server = as == role::server;
  state->sha256.reset(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  detail::require_memory(state->sha256 != nullptr);
  state->policy.sha256 = state->sha256.get();
  if (state->is_server) {
    state->served = std::make_unique<detail::resumption>(ticket_keys::random());
    state->served->name_session = [to = state.get()](SSL_SESSION* session) {
      return detail::name_session(session, *to);
    };
    state->served->name_for_nginx = [of = handle.get()](SSL_SESSION* session) {
      return detail::name_for_nginx(session, of);
    };
  } else {
    state->sessions = std::make_shared<session_store>();
    state->policy.sessions = state->sessions;
  }
  detail::require_memory(SSL_CTX_set_ex_data(handle.get(), detail::state_index(), state.get()) ==
                         1);
  detail::require_memory(detail::set_policy(handle.get(), state.release()->policy));
  detail::secure(handle.get(), as);
  handle_.reset(handle.release());
}

context::context(context&&) noexcept = default;
context& context::operator=(context&&) noexcept = default;
context::~context() = default;

void context::use_session_store(std::shared_ptr<session_store> store) {
  detail::error_queue_scope const scope;
  if (is_server()) detail::refuse(errc::wrong_role, "use_session_store() is for clients");
  detail::require_unused(handle_.get(), "use_session_store()");
  auto& state = detail::state_of(handle_.get());
  state.policy.sessions = store;
  state.sessions = std::move(store);
}

std::shared_ptr<session_store> context::sessions() const noexcept {
  return detail::state_of(handle_.get()).sessions;
}

bool context::is_server() const noexcept { return detail::state_of(handle_.get()).is_server; }

}  // namespace tls_async
