// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the tests of tickets share: a client of plain OpenSSL that keeps what it gets, and one
// handshake after the other with it.
#pragma once

#include <tls_async/context.hpp>
#include <tls_async_test/certificates.hpp>
#include <tls_async_test/tls_pair.hpp>

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tls_async::test {

inline constexpr std::array versions{TLS1_2_VERSION, TLS1_3_VERSION};

struct saved_free {
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using saved_ptr = std::unique_ptr<SSL_SESSION, saved_free>;

/// How a handshake ended.
struct meeting {
  bool completed = false;
  bool resumed = false;         ///< As the server says it.
  std::string client_subject;   ///< As the server says it; empty without certificate.
  std::size_t new_tickets = 0;  ///< Sessions that the client got.
  int server_alert = 0;         ///< The error of the server, or 0.
};

/// A client that trusts the server of the tests.
class client {
public:
  explicit client(int version, bool has_certificate = false);

  /// From here on it asks for this name in SNI; for none if it is empty, as at first.
  void ask_for(std::string name) { name_ = std::move(name); }
  /// A handshake, and all tickets that come behind it.
  meeting meet(SSL_CTX* server, SSL_SESSION* offered = nullptr);
  meeting meet(context& server, SSL_SESSION* offered = nullptr) {
    return meet(server.native_handle(), offered);
  }
  /// The session that it got last, as a copy, or null.
  [[nodiscard]] saved_ptr last() const;
  /// All that it got in its last handshake.
  [[nodiscard]] std::vector<saved_ptr> const& got() const noexcept { return got_; }
  SSL_CTX* handle() noexcept { return context_.get(); }

private:
  context_ptr context_;
  std::string name_;
  std::vector<saved_ptr> got_;
};

context server_of_tests();

/// A ticket of TLS 1.3 that a client of `own` has after it was asked for its certificate behind the
/// handshake (RFC 8446 section 4.6.2). `accept` has the last word, if there is one. `set_back`: the
/// server then verifies nobody any more.
saved_ptr ticket_after_authentication(context& server, identity const& own,
                                      SSL_verify_cb accept = nullptr, bool set_back = false);

/// The ticket of a session, and the same session with another one.
std::string ticket_of(SSL_SESSION* session);
saved_ptr with_ticket(SSL_SESSION* session, std::string const& ticket);

/// A clock that a test sets; it begins now.
class test_clock {
public:
  ticket_keys::clock function() const {
    return [now = now_] { return *now; };
  }
  void pass(std::chrono::seconds time) { *now_ += time; }

private:
  std::shared_ptr<std::chrono::system_clock::time_point> now_ =
      std::make_shared<std::chrono::system_clock::time_point>(std::chrono::system_clock::now());
};

}  // namespace tls_async::test
