// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The counters of a context, to which its sessions add from their threads.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/event.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tls_async::detail {

/// Thread-safe: each addition is one, and relaxed, so counters that belong together may be read
/// with one event between them.
class context_counters {
public:
  /// A handshake has succeeded.
  void count_handshake(bool is_server, bool is_resumed) noexcept;
  /// A handshake has failed.
  void count_failure(bool is_server, end_reason why) noexcept;
  /// A session has ended.
  void count_end(end_reason why) noexcept;
  /// An alert has left or come.
  void count_alert(bool is_sent, int alert) noexcept;
  /// A handshake took so long.
  void count_duration(std::chrono::nanoseconds span) noexcept;
  /// There was no memory for an event.
  void count_lost_event() noexcept;
  /// A handler threw.
  void count_thrown() noexcept;
  /// All of them; `stats` are not theirs.
  void read(counters& into) const noexcept;

private:
  using number = std::atomic<std::uint64_t>;
  struct handshakes {
    number full{0};
    number resumed{0};
    std::array<number, end_reasons> failed{};
  };
  std::array<handshakes, 2> handshakes_{};  // of clients, of servers
  std::array<number, end_reasons> ended_{};
  std::array<std::array<number, 256>, 2> alerts_{};  // received, sent
  std::array<number, handshake_duration_bounds.size() + 1> durations_{};
  number lost_{0};
  number thrown_{0};
};

}  // namespace tls_async::detail
