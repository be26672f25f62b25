// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// getrlimit(2).
#include "descriptors.hpp"

#include <sys/resource.h>

namespace serving {
namespace {

constexpr std::size_t others = 32;  // of the event loop, the logs, and what else is read

}  // namespace

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
