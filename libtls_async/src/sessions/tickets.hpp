// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a server's SSL_CTX does to have its sessions resumed: encrypts tickets, and lets a session
// be resumed only under the rules by which its peer was verified, and not for too long. Private to
// the library.
#pragma once

#include <tls_async/sessions/ticket_keys.hpp>

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "../core/openssl_ptr.hpp"
#include "session_cache.hpp"

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// As long as a ticket of TLS 1.3 may live: RFC 8446 section 4.6.1.
constexpr std::chrono::seconds most_session_lifetime = std::chrono::hours(7 * 24);

/// A name, a key of HMAC-SHA256 and one of AES-256, as SSL_CTX_set_tlsext_ticket_keys(3) takes
/// them.
using openssl_ticket_keys = std::array<unsigned char, 80>;

/// Of one server context; lives as long as its SSL_CTX. The keys and the lifetime may be changed
/// while handshakes run.
class resumption {
public:
  explicit resumption(std::shared_ptr<ticket_keys> keys) : keys_(std::move(keys)) {}

  std::shared_ptr<ticket_keys> keys() const noexcept {
    std::scoped_lock const lock(mutex_);
    return keys_;
  }
  /// What was there before is let go outside of the lock.
  void use(std::shared_ptr<ticket_keys> keys) noexcept {
    std::scoped_lock const lock(mutex_);
    keys_.swap(keys);
    were_given_ = true;
  }
  /// By `use`.
  bool were_given() const noexcept {
    std::scoped_lock const lock(mutex_);
    return were_given_;
  }

  std::atomic<std::chrono::seconds> lifetime{std::chrono::hours(24)};
  session_cache cache;
  /// Gives the session of another program with the same keys the session id context that one of
  /// the context's own has for its name. By the context. False if there is no memory.
  std::function<bool(SSL_SESSION*)> name_session;
  /// Gives a session of the context's own that of an nginx with the same certificates. By the
  /// context. False if there is no memory.
  std::function<bool(SSL_SESSION*)> name_for_nginx;
  // OpenSSL takes longer to find them than to encrypt a ticket.
  openssl_ptr<EVP_CIPHER, EVP_CIPHER_free> aes_128;
  openssl_ptr<EVP_CIPHER, EVP_CIPHER_free> aes_256;
  /// Those that OpenSSL has made for the SSL_CTX, and which nobody uses.
  openssl_ticket_keys unused{};

private:
  std::mutex mutable mutex_;
  std::shared_ptr<ticket_keys> keys_;
  bool were_given_ = false;
};

/// Has `handle` resume sessions by `how`, which stays its owner's and has to live as long as
/// `handle`. False if there is no memory.
[[nodiscard]] bool install_resumption(SSL_CTX* handle, resumption& how) noexcept;

/// The program has set keys by SSL_CTX_set_tlsext_ticket_keys(3). They count until ours are chosen.
bool has_keys_of_program(SSL_CTX* handle, resumption const& how) noexcept;

}  // namespace tls_async::detail
#pragma GCC visibility pop
