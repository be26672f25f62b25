// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Contexts whose events are kept, for the tests of them.
#pragma once

#include <tls_async/tls_async.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "memory_session.hpp"

namespace tls_async::test {

/// What a context has told, from any thread. It has to outlive the streams.
class event_log {
public:
  explicit event_log(context& of) {
    of.on_event([this](session_event const& event) {
      {
        std::scoped_lock const lock(mutex_);
        events_.push_back(event);
      }
      if (then) then(event);
    });
  }
  event_log(event_log const&) = delete;
  event_log& operator=(event_log const&) = delete;

  [[nodiscard]] std::vector<session_event> events() const {
    std::scoped_lock const lock(mutex_);
    return events_;
  }
  /// As "handshake ok, session closed_by_us".
  [[nodiscard]] std::string story() const {
    std::string told;
    for (auto const& each : events()) {
      bool const is_handshake = each.what == session_event::kind::handshake_ended;
      told += (told.empty() ? "" : ", ") + std::string(is_handshake ? "handshake " : "session ") +
              std::string(to_string(each.reason));
    }
    return told;
  }

  std::function<void(session_event const&)> then;  ///< With each, when it is in the log.

private:
  std::mutex mutable mutex_;
  std::vector<session_event> events_;
};

inline context client_context(identity_kind trusted = identity_kind::server) {
  context made(context::role::client);
  made.trust(make_identity(trusted).authority);
  return made;
}
inline context server_context(identity_kind kind = identity_kind::server) {
  context made(context::role::server);
  made.use_certificate_chain(make_identity(kind).certificate_chain);
  made.use_private_key(make_identity(kind).private_key);
  return made;
}

/// Two streams, and what their contexts tell.
struct watched_session {
  watched_session() : watched_session(test::client_context(), test::server_context()) {}
  watched_session(context for_client, context for_server)
      : client_context(std::move(for_client)), server_context(std::move(for_server)) {}

  /// Both handshakes, to whatever end.
  void negotiate() {
    tls_handshake(s.client, as_client{"localhost"}, of_client.token());
    tls_handshake(s.server, as_server{}, of_server.token());
    s.settle();
  }
  /// The stream is gone.
  static void destroy(memory_tls& one) { memory_tls const gone(std::move(one)); }

  context client_context, server_context;
  event_log client{client_context};
  event_log server{server_context};
  memory_session s{{}, client_context, server_context};
  ending of_client, of_server;
};

inline std::uint64_t failures(counters::handshakes const& of_role, end_reason why) {
  return of_role.failed.at(static_cast<std::size_t>(why));
}
inline std::uint64_t ends(counters const& of, end_reason why) {
  return of.sessions_ended.at(static_cast<std::size_t>(why));
}

}  // namespace tls_async::test
