// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a context asks of its sessions and shares among them, and how a session finds it in its
// SSL_CTX. Whoever owns the SSL_CTX puts it there; core only looks it up.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/context_counters.hpp>
#include <tls_async/core/event.hpp>
#include <tls_async/core/memory_account.hpp>
#include <tls_async/core/session_keeper.hpp>
#include <tls_async/stats.hpp>

#include <openssl/types.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace tls_async::detail {

/// SHA-256 of something.
using sha256_digest = std::array<unsigned char, 32>;

/// Adds up what the sessions of a context have done that are gone. Thread-safe.
class stats_sum {
public:
  /// Adds what one of them has done.
  void add(stats const& of_session) noexcept {
    std::scoped_lock const lock(mutex_);
    sum_ += of_session;
  }
  /// Of all so far.
  [[nodiscard]] stats get() const {
    std::scoped_lock const lock(mutex_);
    return sum_;
  }

private:
  std::mutex mutable mutex_;
  stats sum_;
};

/// What trust setters were given so far, in their order, as a digest. Thread-safe.
class trust_record {
public:
  /// As it is now; zeros if nothing was given.
  [[nodiscard]] sha256_digest digest() const {
    std::scoped_lock const lock(mutex_);
    return digest_;
  }
  /// Whether something was given.
  [[nodiscard]] bool has_any() const noexcept { return has_any_; }
  /// From here on; `digest` is of all that was given.
  void set(sha256_digest const& digest) {
    std::scoped_lock const lock(mutex_);
    digest_ = digest;
    has_any_ = true;
  }

private:
  std::mutex mutable mutex_;
  sha256_digest digest_{};
  std::atomic<bool> has_any_ = false;
};

/// Lives as long as the SSL_CTX, even after its `context` is gone. What is set before the
/// handshakes begin comes first; those at the end are for sessions on any threads.
struct context_policy {
  /// OpenSSL takes longer to find it than to make a short digest. Never null.
  EVP_MD const* sha256;
  bool verification_skipped = false;  ///< By context::insecure_skip_verification().
  bool release_on_idle = false;       ///< mode::release_buffers_on_idle
  /// By context::set_rules_version(): of what the program itself does to verify peers.
  std::string rules_version;
  /// SHA-256 of the public keys of which a client's peer has to have one, joined; empty for any.
  std::string pins;
  /// What a client offers, as on the wire: context::set_alpn().
  std::string alpn_offer;
  /// Where its clients find sessions, and keep them; may be null.
  std::shared_ptr<session_keeper> sessions;
  bool tickets_with_first_write = false;  ///< By context::set_tickets().
  /// A chain waits for its key, or a key for its chain, and no pair is in use.
  bool identity_incomplete = false;
  /// Who is told of the ends of handshakes and sessions; null for nobody.
  std::shared_ptr<event_handler const> on_event;

  trust_record trust;
  std::atomic<bool> is_in_use = false;  ///< A session was made, which may be in its handshake.
  std::mutex first_use;  ///< Held while something is set that is fixed from the first session on.
  /// A session is about to be made. Only the first has to wait for a setter.
  void use() {
    if (is_in_use) return;
    std::scoped_lock const lock(first_use);
    is_in_use = true;
  }
  /// context::use_identities has succeeded, so no pair of the context's own is needed.
  std::atomic<bool> has_identities = false;
  memory_account account;     ///< Where its sessions say what they hold.
  stats_sum ended;            ///< Of its sessions that are gone.
  context_counters counters;  ///< Of all its sessions.
};

/// The policy of an SSL_CTX, or null if it is not one of ours. Never throws; makes no OpenSSL
/// error.
context_policy* policy_of(SSL_CTX const* handle) noexcept;

/// Makes `policy`, which stays its owner's and has to live as long as `handle`, that of `handle`.
/// False if there is no memory.
[[nodiscard]] bool set_policy(SSL_CTX* handle, context_policy& policy) noexcept;

/// The modes that a session inherits. boost::asio::ssl::stream sets three of its own, so a context
/// of Asio's has those too.
unsigned long inherited_modes(SSL_CTX* handle) noexcept;

/// Whether anything is there to verify a peer with, in a context of whatever origin: its trust
/// setters succeeded, or certificates were put in its store. Of a context that is not ours the
/// lookup directories are not known.
bool has_trust(SSL_CTX const* handle) noexcept;

/// Whether a store has a certificate; its lookup directories don't count.
bool has_certificate(X509_STORE* store) noexcept;

}  // namespace tls_async::detail
