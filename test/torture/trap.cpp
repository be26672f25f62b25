// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "trap.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <new>

namespace tls_async::test::torture {
namespace {

// Of constant initialisation: memory is allocated before main().
constinit failure_plan plan;
constinit std::array<std::uint64_t, kinds> counts{};
constinit bool is_armed_now = false;
constinit bool sprung = false;

}  // namespace

note& trap::last() noexcept {
  static note* const shared = [] {
    void* const place =
        mmap(nullptr, sizeof(note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return ::new (place) note;
  }();
  return *shared;
}

void trap::set(failure_plan const& next) noexcept {
  plan = next;
  counts = {};
  sprung = false;
  last() = {};
}

bool trap::springs(kind what, char const* where, int line) noexcept {
  if (!is_armed_now) return false;
  auto const number = counts[static_cast<std::size_t>(what)]++;
  if (what != plan.what) return false;
  bool const fails = number == plan.at || (plan.all_later && number > plan.at);
  if (!fails) return false;
  if (!std::exchange(sprung, true)) {
    std::snprintf(last().where.data(), last().where.size(), line != 0 ? "%s:%d" : "%s", where,
                  line);
  }
  return true;
}

bool trap::has_sprung() noexcept { return sprung; }
manner trap::how() noexcept { return plan.how; }
std::size_t trap::few_bytes() noexcept { return plan.all_later ? 29 : 1; }
std::uint64_t trap::calls(kind what) noexcept { return counts[static_cast<std::size_t>(what)]; }
bool trap::is_armed() noexcept { return is_armed_now; }
bool trap::arm(bool on) noexcept { return std::exchange(is_armed_now, on); }

}  // namespace tls_async::test::torture
