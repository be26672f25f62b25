// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the context's source files share: the state that lives inside the SSL_CTX. Private to the
// library.
#pragma once

#include <tls_async/context.hpp>
#include <tls_async/core/policy.hpp>

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../core/error_queue.hpp"
#include "../core/openssl_ptr.hpp"
#include "../pem/refusal.hpp"

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// `origin` names where something came from in messages: "the private key file 'a.pem'".
struct chain {
  std::vector<certificate_ptr> certificates;
  std::string origin;
};
struct private_key {
  key_ptr key;
  std::string origin;
};

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
  context_policy policy;
  served_protocols alpn;
  // At most one of the two: whatever comes second either makes a pair with the first or is refused.
  std::optional<chain> waiting_chain;
  std::optional<private_key> waiting_key;

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

/// Gives new sessions a new session id context: sessions of before, verified by other rules, are
/// then not resumed (SSL_CTX_set_session_id_context(3)).
void forget_sessions(SSL_CTX* handle);

}  // namespace tls_async::detail
#pragma GCC visibility pop
