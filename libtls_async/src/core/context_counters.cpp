// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/core/context_counters.hpp>

#include <algorithm>
#include <functional>

namespace tls_async::detail {
namespace {

void add_one(std::atomic<std::uint64_t>& to) noexcept {
  to.fetch_add(1, std::memory_order_relaxed);
}

template <std::size_t N>
void copy(std::array<std::atomic<std::uint64_t>, N> const& from,
          std::array<std::uint64_t, N>& into) noexcept {
  std::ranges::transform(from, into.begin(),
                         [](auto const& each) { return each.load(std::memory_order_relaxed); });
}

}  // namespace

void context_counters::count_handshake(bool is_server, bool is_resumed) noexcept {
  auto& of_role = handshakes_[is_server ? 1 : 0];
  add_one(is_resumed ? of_role.resumed : of_role.full);
}

void context_counters::count_failure(bool is_server, end_reason why) noexcept {
  add_one(handshakes_[is_server ? 1 : 0].failed.at(static_cast<std::size_t>(why)));
}

void context_counters::count_end(end_reason why) noexcept {
  add_one(ended_.at(static_cast<std::size_t>(why)));
}

void context_counters::count_alert(bool is_sent, int alert) noexcept {
  add_one(alerts_[is_sent ? 1 : 0].at(static_cast<std::size_t>(alert & 0xff)));
}

void context_counters::count_duration(std::chrono::nanoseconds span) noexcept {
  auto const* const bound = std::ranges::find_if(handshake_duration_bounds, [&](unsigned each) {
    return span <= std::chrono::milliseconds(each);
  });
  add_one(durations_.at(static_cast<std::size_t>(bound - handshake_duration_bounds.begin())));
}

void context_counters::count_lost_event() noexcept { add_one(lost_); }

void context_counters::count_thrown() noexcept { add_one(thrown_); }

void context_counters::read(counters& into) const noexcept {
  auto const read_role = [](handshakes const& from, counters::handshakes& of_role) {
    of_role.full = from.full.load(std::memory_order_relaxed);
    of_role.resumed = from.resumed.load(std::memory_order_relaxed);
    copy(from.failed, of_role.failed);
  };
  copy(ended_, into.sessions_ended);
  read_role(handshakes_[0], into.as_client);
  read_role(handshakes_[1], into.as_server);
  copy(alerts_[0], into.alerts_received);
  copy(alerts_[1], into.alerts_sent);
  copy(durations_, into.handshake_durations);
  into.events_lost = lost_.load(std::memory_order_relaxed);
  into.handlers_threw = thrown_.load(std::memory_order_relaxed);
}

}  // namespace tls_async::detail

namespace tls_async {
namespace {

template <std::size_t N>
void add(std::array<std::uint64_t, N>& to, std::array<std::uint64_t, N> const& more) noexcept {
  std::ranges::transform(to, more, to.begin(), std::plus());
}

void add(counters::handshakes& to, counters::handshakes const& more) noexcept {
  to.full += more.full;
  to.resumed += more.resumed;
  add(to.failed, more.failed);
}

}  // namespace

counters& counters::operator+=(counters const& other) noexcept {
  add(as_client, other.as_client);
  add(as_server, other.as_server);
  add(sessions_ended, other.sessions_ended);
  add(alerts_sent, other.alerts_sent);
  add(alerts_received, other.alerts_received);
  add(handshake_durations, other.handshake_durations);
  events_lost += other.events_lost;
  handlers_threw += other.handlers_threw;
  stats += other.stats;
  return *this;
}

}  // namespace tls_async
