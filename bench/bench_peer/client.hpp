// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A client on a blocking socket and OpenSSL alone, for whom every server is equal: it checks what
// was agreed on, counts tickets, and compares what arrives.
#pragma once

#include "blocking_net.hpp"

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>

namespace tls_async::bench {

/// What one thread got from its last connection. A ticket is used once (RFC 8446 appendix C.4).
struct tickets {
  std::size_t received = 0;
  std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> last{nullptr, SSL_SESSION_free};
};

class client {
public:
  /// Connects to the loopback and shakes hands, with the last ticket if it is to resume. Throws
  /// if it isn't TLS 1.3, AES-128-GCM and X25519, and if it was not resumed or should not have
  /// been.
  client(unsigned short port, tickets& mine, bool resume);

  void write(char const* data, std::size_t bytes);
  /// 0 when the peer has ended the session or, without a close_notify, the connection.
  std::size_t read_some(char* data, std::size_t bytes);
  /// What a client sends before it leaves. The peer may have gone already.
  void send_close_notify();
  [[nodiscard]] bool got_close_notify() const;

private:
  descriptor socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

/// Sends a request for /`name` and throws unless its response is the wanted body.
void get(client& over, std::string const& name, bool keep_alive, std::string const& wanted);

}  // namespace tls_async::bench
