// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One visit to a server: a connection, some requests for parts of a file whose bytes are known, and
// sometimes a fault. What may go wrong there is expected; all else is told.
#pragma once

#include <tls_async/tls_async.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <openssl/ssl.h>

namespace soak {

enum class fault {
  none,
  silence,            // says nothing, and leaves
  no_tls,             // sends what is not TLS
  half_a_hello,       // leaves in the middle of its first message
  no_close_notify,    // leaves between two requests
  reset_in_response,  // leaves while a response comes
  slow_reader,        // stops reading for a while in a response
  cancelled_read,     // cancels a read at any time, and leaves
  expired_read,       // the same by a deadline
  half_close,         // ends its side, and reads on
  key_update_flood,   // more KeyUpdates than anybody takes
  count
};
constexpr auto fault_count = static_cast<std::size_t>(fault::count);
char const* name_of(fault what);

struct session_free {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

/// A server that is visited.
struct target {
  boost::asio::ip::tcp::endpoint endpoint;
  std::unique_ptr<SSL_SESSION, session_free> session;  // of the last visit, to be resumed
};

struct counts {
  std::uint64_t visits = 0, resumed = 0, requests = 0, key_updates = 0, bytes = 0;
  std::array<std::uint64_t, fault_count> faults{};
  std::uint64_t wrong = 0;  // what nothing excuses
};

/// Byte `offset` of the file that the servers have.
constexpr unsigned char content(std::uint64_t offset) {
  return static_cast<unsigned char>((offset * 0x9e3779b97f4a7c15) >> 56);
}

struct world {
  tls_async::context context{tls_async::context::role::client};
  std::vector<std::unique_ptr<target>> targets;
  std::string path;             // of the file, on all of them
  std::uint64_t file_size = 0;  // in bytes
  unsigned fault_percent = 0;   // of the visits
  counts seen;

  world();
  /// Tells it on stderr, the first times.
  void complain(std::string const& what);
};

boost::asio::awaitable<void> visit(world& in, std::mt19937_64& random);

}  // namespace soak
