// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What happened to the sessions of a context, as values: one event at the end of each handshake and
// of each session, for logs, and sums of them, for metrics. No sum has a label that a peer could
// choose.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/failure.hpp>
#include <tls_async/core/session_info.hpp>
#include <tls_async/stats.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tls_async {

/// Why a handshake or a session has ended. `to_string` has the code of each, which stays the same
/// in later versions; docs/errors.md has the table.
enum class end_reason : std::uint8_t {
  ok,                         ///< A handshake is done; a session was closed both ways.
  certificate_expired,        ///< The peer's certificate, or another of its chain.
  certificate_not_yet_valid,  ///< The same, before its time.
  certificate_revoked,        ///< By a list of revoked certificates.
  unknown_authority,          ///< Nobody whom we trust has issued the peer's certificate.
  host_mismatch,              ///< The peer's certificate is for another host.
  certificate_refused,        ///< For another reason, or by a callback.
  no_certificate,             ///< The peer has shown none.
  not_verified,               ///< errc::not_verified
  no_shared_version,          ///< Of the protocol.
  no_shared_suite,            ///< Of ciphers.
  no_shared_group,            ///< Of the key exchange.
  no_shared_signature,  ///< No signature algorithm that both have, and that suits the certificate.
  no_shared_alpn,       ///< No application protocol.
  not_tls,              ///< What came is no TLS: see condition::not_tls.
  not_configured,       ///< We can't begin: no trust, no host name, the other role, a key missing.
  peer_alert,           ///< The peer has ended it by an alert: see session_event::alert.
  protocol_error,       ///< What the peer sent is against the protocol.
  peer_limit,           ///< errc::peer_limit_exceeded
  ktls_fixed_keys,      ///< errc::ktls_fixed_keys
  internal_error,       ///< OpenSSL has failed by itself, or waits for a callback.
  out_of_memory,        ///< Here.
  truncated,            ///< The connection has ended without close_notify, or within a handshake.
  connection_failed,    ///< By an error of the next layer, as a reset.
  timed_out,            ///< A verb's deadline has expired, and nothing came after it.
  cancelled,            ///< Of a handshake: the stream was destroyed, or its session cleared.
  closed_by_peer,       ///< Of a session: the peer has closed it, we have not.
  closed_by_us,         ///< Of a session: we have closed it, and no answer was read.
  abandoned,            ///< Of a session: the stream was destroyed, and nobody had closed it.
  unknown_host,         ///< The client asks for a host that we don't have, and others are refused.
  refused_by_hook  ///< A hook of the program refused, failed, did not answer, or signed wrongly.
};

/// How many there are; each is less than that.
inline constexpr std::size_t end_reasons =
    static_cast<std::size_t>(end_reason::refused_by_hook) + 1;

/// The code of a reason, for logs and labels: its name here. Lives for ever.
[[nodiscard]] std::string_view to_string(end_reason reason) noexcept;

/// The reason for a failure, with what is known of it. `in_handshake`: its first handshake is not
/// done.
[[nodiscard]] end_reason reason_of(failure const& why, error_info const& story,
                                   bool in_handshake) noexcept;

/// The end of a handshake, or of a session. A copy, which may be kept.
///
/// A handshake ends once, with success or failure: when it is done, when its failure is final, and
/// at the latest when the stream is destroyed. A session begins with a handshake that has succeeded
/// and ends once: when both have sent close_notify and ours has left, when it has failed or its
/// transport has ended, and at the latest when the stream is destroyed. A verb that is cancelled or
/// whose deadline expires ends neither, since the stream may be used on. SSL_clear(3) begins
/// another session, which has both again; a client's resumes only what its store has.
struct session_event {
  /// Which end it is.
  enum class kind : std::uint8_t {
    handshake_ended,  ///< With success, or for good without.
    session_ended     ///< After a handshake that has succeeded.
  };

  kind what = kind::handshake_ended;    ///< Which end it is.
  end_reason reason = end_reason::ok;   ///< Why, as a short code.
  bool is_server = false;               ///< We are the server.
  session_info info;                    ///< As far as it was agreed on.
  std::chrono::nanoseconds duration{};  ///< From the start of the handshake, in either event.
  /// Of the handshake's steps, on the threads that took them (CLOCK_THREAD_CPUTIME_ID in
  /// clock_gettime(2)), the program's callbacks in them included.
  std::chrono::nanoseconds cpu_time{};
  std::optional<error_info::alert> alert;  ///< That belongs to a failure, sent or received.
  error_code result;                       ///< Success, or what a verb would end with.
  std::string text;                        ///< `error_info::text()` of a failure, on one line.
  tls_async::stats stats;                  ///< Of the stream so far.
};

/// Is told each event of a context's sessions: see `context::on_event`.
using event_handler = std::function<void(session_event const&)>;

/// The upper bounds of all but the last of `counters::handshake_durations`, in milliseconds.
inline constexpr std::array<unsigned, 12> handshake_duration_bounds{
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1'000, 2'000, 5'000};

/// What the sessions of a context have done so far: numbers that only grow.
struct counters {
  /// The handshakes of one role. Those that have begun and are in none of these are under way.
  struct handshakes {
    std::uint64_t full = 0;     ///< With a new key exchange and certificates.
    std::uint64_t resumed = 0;  ///< By a ticket or session of before.
    /// By `end_reason`; none is counted as `ok`.
    std::array<std::uint64_t, end_reasons> failed{};
  };

  handshakes as_client;  ///< Of sessions whose client we are.
  handshakes as_server;  ///< Of those whose server we are.
  /// By `end_reason`. All of them together are as many as handshakes that have succeeded, less the
  /// sessions that are open.
  std::array<std::uint64_t, end_reasons> sessions_ended{};
  /// By number (RFC 8446 section 6); close_notify is 0.
  std::array<std::uint64_t, 256> alerts_sent{};
  std::array<std::uint64_t, 256> alerts_received{};  ///< By number.
  /// Handshakes that have ended, by how long they took: the first of `handshake_duration_bounds`
  /// that is not less, or behind them. Only where `context::on_event` is set, since it takes a
  /// clock.
  std::array<std::uint64_t, handshake_duration_bounds.size() + 1> handshake_durations{};
  std::uint64_t events_lost = 0;  ///< That could not be told for want of memory.
  std::uint64_t handlers_threw =
      0;                   ///< Events whose handler threw an exception, which was dropped.
  tls_async::stats stats;  ///< As `context::stats()`: of streams that are gone.

  /// Sums, for those of several contexts.
  counters& operator+=(counters const& other) noexcept;
};

}  // namespace tls_async
