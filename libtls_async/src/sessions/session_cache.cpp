// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "session_cache.hpp"

#include <openssl/crypto.h>

namespace tls_async::detail {
namespace {

constexpr std::size_t most_bytes = 4'194'304;

}  // namespace

session_cache::secret::~secret() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

void session_cache::take_out(entries::iterator which, entries& gone) noexcept {
  bytes_ -= which->session->bytes().size();
  by_id_.erase(which->id);
  gone.splice(gone.end(), entries_, which);
}

void session_cache::take_out_oldest(entries& gone) noexcept {
  while (entries_.size() > most_ || bytes_ > most_bytes)
    take_out(std::prev(entries_.end()), gone);
}

void session_cache::set_most(std::size_t sessions) noexcept {
  entries gone;
  std::scoped_lock const lock(mutex_);
  most_ = sessions;
  take_out_oldest(gone);
}

void session_cache::keep(std::string_view id, std::string_view session) {
  entries gone;
  entries added;
  added.push_back({std::string(id), std::make_shared<secret const>(session)});
  std::scoped_lock const lock(mutex_);
  if (auto const old = by_id_.find(id); old != by_id_.end()) take_out(old->second, gone);
  by_id_.emplace(added.front().id, added.begin());
  bytes_ += session.size();
  entries_.splice(entries_.begin(), added);
  take_out_oldest(gone);
}

session_cache::secret_ptr session_cache::find(std::string_view id) noexcept {
  std::scoped_lock const lock(mutex_);
  auto const found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->session;
}

void session_cache::remove(std::string_view id) noexcept {
  entries gone;
  std::scoped_lock const lock(mutex_);
  if (auto const found = by_id_.find(id); found != by_id_.end()) take_out(found->second, gone);
}

std::size_t session_cache::size() const noexcept {
  std::scoped_lock const lock(mutex_);
  return entries_.size();
}

}  // namespace tls_async::detail
