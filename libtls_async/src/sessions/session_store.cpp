// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a session_store holds, and what it gives up first. A session is destroyed, and the clock
// asked, without the lock.
#include <tls_async/sessions/session_store.hpp>

#include <tls_async/error.hpp>

#include <boost/system/system_error.hpp>

#include <utility>

#include "session_list.hpp"

namespace tls_async {
namespace {

void require(bool holds, char const* what) {
  if (!holds) throw boost::system::system_error(make_error_code(errc::bad_option), what);
}

}  // namespace

session_store::session_store(session_store_options const& options, clock of) {
  require(options.most_sessions > 0, "most_sessions of a session_store has to be 1 or more");
  require(options.most_bytes > 0, "most_bytes of a session_store has to be 1 or more");
  require(options.most_per_key > 0, "most_per_key of a session_store has to be 1 or more");
  require(options.lifetime > std::chrono::seconds(0),
          "lifetime of a session_store has to be 1 s or more");
  require(of != nullptr, "a session_store needs a clock");
  parts_ = std::make_unique<parts>(options, std::move(of));
}

session_store::~session_store() = default;

std::size_t session_store::size() const {
  std::scoped_lock const lock(parts_->mutex);
  return parts_->sessions.size();
}

std::size_t session_store::bytes() const {
  std::scoped_lock const lock(parts_->mutex);
  return parts_->sessions.bytes();
}

void session_store::clear() {
  detail::session_list gone;
  std::scoped_lock const lock(parts_->mutex);
  std::swap(gone, parts_->sessions);
}

std::chrono::system_clock::time_point session_store::now() const { return parts_->now(); }

std::optional<kept_session> session_store::take(session_key const& key) {
  auto const moment = now();
  std::optional<kept_session> taken;
  detail::session_list::entries gone;
  std::scoped_lock const lock(parts_->mutex);
  auto found = parts_->sessions.take(key);
  while (!found.empty() && !parts_->is_young(found.front().session, moment)) {
    gone.splice(gone.end(), found);
    found = parts_->sessions.take(key);
  }
  if (!found.empty()) taken.emplace(std::move(found.front().session));
  gone.splice(gone.end(), found);
  return taken;
}

void session_store::keep(session_key const& key, kept_session session) {
  auto const moment = now();
  if (!parts_->is_young(session, moment)) return;
  detail::session_list::entries added;
  added.emplace_back(key, std::move(session));
  detail::session_list::entries gone;
  std::scoped_lock const lock(parts_->mutex);
  parts_->sessions.add(added);
  parts_->sessions.shrink(parts_->options, key, gone);
}

}  // namespace tls_async
