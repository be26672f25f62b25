// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The table of what is counted.
#include "counts.hpp"

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <utility>

namespace tls_async::threads {
namespace {

using table = std::map<std::string, std::atomic<std::uint64_t>, std::less<>>;

// Never changes its shape, so that any thread may look into it.
table& counters() {
  static table all = [] {
    table made;
    for (char const* const name :
         {// Rounds.
          "rounds", "connections", "way single", "way strand", "way bound", "way chain", "way pool",
          "way pool chain", "way elsewhere", "way other strands", "way two contexts",
          "way scattered", "over tcp", "over tcp raw", "over tcp strand", "over tcp ref",
          "over local", "over beast", "over beast timed", "over nested", "TLS 1.2", "TLS 1.3",
          // Verbs.
          "handshake", "read", "write", "key update", "close write", "shutdown", "async forms",
          "buffer", "buffers", "string", "vector", "shared", "relocatable", "throwing", "threw",
          "file", "some", "try write", "detached", "under a mutex", "key update with a slot",
          "queue full", "empty", "second read", "bytes",
          // How.
          "plain handlers", "bound handlers", "slots", "futures", "coroutines",
          "awaitable operators", "from outside posted", "from outside direct", "read by future",
          "deadlines", "deadline 0", "deadline max",
          // How they ended.
          "done", "cancelled", "timed out", "ended", "broken", "refused",
          // What else was done.
          "moved", "destroyed", "closed", "cancelled below", "shut early", "looked at",
          "signal emitted", "budgets", "hooks", "reloads", "renewals", "forks", "forks told",
          "io_context destroyed"}) {
      made[name] = 0;
    }
    return made;
  }();
  return all;
}

std::mutex speaking;
std::string scene_now;  // under it
std::atomic<std::uint64_t> complained = 0;

}  // namespace

void count(std::string_view name, std::uint64_t more) {
  auto const found = counters().find(name);
  if (found == counters().end()) {
    std::cerr << "threads_model: nothing is counted as \"" << name << "\"\n";
    std::abort();
  }
  found->second.fetch_add(more, std::memory_order_relaxed);
}

std::string summary() {
  std::string happened, never;
  for (auto const& [name, times] : counters()) {
    auto& line = times == 0 ? never : happened;
    if (!line.empty()) line += ", ";
    line += name;
    if (times != 0) line += " " + std::to_string(times);
  }
  return happened + "\nnever: " + (never.empty() ? "-" : never);
}

void set_scene(std::string scene) {
  std::lock_guard const alone(speaking);
  scene_now = std::move(scene);
}

std::string scene() {
  std::lock_guard const alone(speaking);
  return scene_now;
}

void complain(std::string const& what) {
  std::lock_guard const alone(speaking);
  std::cerr << "COMPLAINT: " << what << "\n  in " << scene_now << std::endl;
  ++complained;
}

std::uint64_t complaints() { return complained; }

}  // namespace tls_async::threads
