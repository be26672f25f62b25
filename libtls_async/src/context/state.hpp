// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the context's source files share: the state that lives inside the SSL_CTX. Private to the
// library.
#pragma once

#include <tls_async/context.hpp>
#include <tls_async/core/policy.hpp>
#include <tls_async/identities.hpp>

#include <openssl/ssl.h>

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "../core/error_queue.hpp"
#include "../core/openssl_ptr.hpp"
#include "../pem/refusal.hpp"
#include "../sessions/tickets.hpp"
#include "key_log.hpp"
#include "pair.hpp"

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// What a server selects from, as on the wire (RFC 7301 section 3.1). Thread-safe: it may be set
/// while handshakes run.
class served_protocols {
public:
  void set(std::string wire) {
    auto next = std::make_shared<std::string const>(std::move(wire));
    std::scoped_lock const lock(mutex_);
    wire_.swap(next);
  }
  [[nodiscard]] std::shared_ptr<std::string const> get() const {
    std::scoped_lock const lock(mutex_);
    return wire_;
  }

private:
  std::mutex mutable mutex_;
  std::shared_ptr<std::string const> wire_;
};

/// Lives in the SSL_CTX, since sessions and OpenSSL's callbacks need it when the context is gone.
struct context_state {
  bool is_server;
  openssl_ptr<EVP_MD, EVP_MD_free> sha256;  ///< The policy's.
  context_policy policy;
  served_protocols alpn;
  std::unique_ptr<key_log> keys;            ///< Null if none is kept.
  std::shared_ptr<session_store> sessions;  ///< Of a client; may be null.
  // At most one of the two: whatever comes second either makes a pair with the first or is refused.
  std::optional<chain> waiting_chain;
  std::optional<private_key> waiting_key;
  /// Which sessions may be resumed: SSL_CTX_set_session_id_context(3).
  sha256_digest session_id_context{};
  /// Null until there are any. Handshakes copy the pointer under the lock, and use it outside.
  std::shared_ptr<identity_set const> identities;
  std::mutex identities_lock;

  std::unique_ptr<resumption> served;  ///< What a server resumes; null in a client's.

  context_state* left_before = nullptr;  ///< Another one that OpenSSL has not freed.
};

context_state& state_of(SSL_CTX* handle) noexcept;

/// Throws bad_option if a session has been made from `handle`, which may be reading what `setter`
/// would change.
void require_unused(SSL_CTX* handle, char const* setter);

/// A context for trying out settings, with the security level of `like`.
handle_ptr scratch_context(SSL_CTX const* like);

/// Takes the groups of finite fields out of OpenSSL's default groups, of which a client can choose
/// the most costly one for a server (CVE-2002-20001).
void leave_out_ffdhe(SSL_CTX* handle);

/// Has a server look for the identity that a client asks for, once there are any. Comes first: what
/// the program sets in its place later stays.
void answer_client_hellos(SSL_CTX* handle);

/// Gives a session that was made elsewhere the session id context that one of ours has for the same
/// name. False if there is no memory.
bool name_session(SSL_SESSION* session, context_state& state) noexcept;

/// Gives a session of ours the session id context that a server of nginx's module http has that has
/// the certificates of its name and tells its clients no authorities. False if there is no memory.
bool name_for_nginx(SSL_SESSION* session, SSL_CTX* handle) noexcept;

/// Puts those into a session that `set` has for its name; null: none.
std::function<bool(SSL*)> use_of(std::shared_ptr<identity_set> set);

/// Lets a server of TLS 1.3 refuse a client by an alert behind the handshake: see
/// engine::refuse_peer. False if there is no memory.
bool refuse_by_tickets(SSL_CTX* handle);

/// context::use_identities has succeeded. Also for an SSL_CTX that is not ours.
bool has_identities(SSL_CTX const* handle) noexcept;

/// Gives new sessions a session id context that stands for the rules by which they verify their
/// peers, with `verify_mode`: sessions that were verified by other rules are then not resumed
/// (SSL_CTX_set_session_id_context(3)), whoever has put them where they are found. It is the same
/// in each process that is set up in the same way. Behind the first session it stays: the digest of
/// the rules in each ticket is what counts (sessions/tickets.hpp).
void name_sessions(SSL_CTX* handle, int verify_mode);

}  // namespace tls_async::detail
#pragma GCC visibility pop
