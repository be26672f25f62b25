// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// getrlimit(2), and dup(2), by which a number is tried.
#include "descriptors.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace serving {
namespace {

constexpr std::size_t others = 32;  // of the event loop, the logs, and what else is read

constexpr ::rlim_t most_in_reserve = 16;

}  // namespace

bool is_of_reserve(int newest) {
  ::rlimit limit{};
  if (newest < 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  auto const reserve = std::min(most_in_reserve, limit.rlim_cur / 8);
  return static_cast<::rlim_t>(newest) >= limit.rlim_cur - reserve;
}

bool is_reserve_next(int open) {
  int const next = ::fcntl(open, F_DUPFD_CLOEXEC, 0);
  if (next == -1) return true;
  ::close(next);
  return is_of_reserve(next);
}

std::string raise_descriptor_limit(std::size_t connections, std::size_t for_each) {
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  auto const before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  auto const needed = connections * for_each + others;
  if (limit.rlim_cur >= needed) return {};
  return std::to_string(connections) + " connections may need " + std::to_string(needed) +
         " descriptors, and the system allows " + std::to_string(limit.rlim_cur) +
         "; lower --max-connections, or raise the limit (\"ulimit -Hn\", systemd's LimitNOFILE=)";
}

}  // namespace serving
