// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "session_list.hpp"

#include <algorithm>

namespace tls_async::detail {

void session_list::add(entries& added) {
  auto const newest = added.begin();
  auto const of = by_key_.try_emplace(newest->key).first;
  try {
    of->second.push_front(newest);
  } catch (...) {
    if (of->second.empty()) by_key_.erase(of);
    throw;
  }
  bytes_ += bytes_of(*newest);
  all_.splice(all_.begin(), added, newest);
}

session_list::entries session_list::take(session_key const& key) noexcept {
  entries taken;
  auto const of = by_key_.find(key);
  if (of == by_key_.end()) return taken;
  auto const newest = of->second.front();
  of->second.pop_front();
  if (of->second.empty()) by_key_.erase(of);
  bytes_ -= bytes_of(*newest);
  taken.splice(taken.end(), all_, newest);
  return taken;
}

bool session_list::has(entry const& same) const noexcept {
  auto const of = by_key_.find(same.key);
  return of != by_key_.end() &&
         std::any_of(of->second.begin(), of->second.end(), [&](entries::const_iterator each) {
           return each->session.bytes == same.session.bytes;
         });
}

void session_list::shrink(session_store_options const& bounds, session_key const& key,
                          entries& gone) noexcept {
  auto const of = by_key_.find(key);
  if (of != by_key_.end() && of->second.size() > bounds.most_per_key) give_up(of, gone);
  while (!all_.empty() && (all_.size() > bounds.most_sessions || bytes_ > bounds.most_bytes))
    give_up(by_key_.find(all_.back().key), gone);
}

// The oldest of all is the oldest of its key too.
void session_list::give_up(std::map<session_key, places>::iterator of, entries& gone) noexcept {
  auto const oldest = of->second.back();
  of->second.pop_back();
  if (of->second.empty()) by_key_.erase(of);
  bytes_ -= bytes_of(*oldest);
  gone.splice(gone.end(), all_, oldest);
}

}  // namespace tls_async::detail
