// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Sessions in the order in which they were kept, found by their key. Knows no time and no lock.
// Private to the library.
#pragma once

#include <tls_async/sessions/session_store.hpp>

#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <utility>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

class session_list {
public:
  struct entry {
    entry(session_key const& of, kept_session kept) noexcept : key(of), session(std::move(kept)) {}

    session_key key;
    kept_session session;
  };
  /// A list, so that what is given up is destroyed elsewhere, and moving it needs no memory.
  using entries = std::list<entry>;

  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// The newest first.
  [[nodiscard]] entries const& all() const noexcept { return all_; }

  /// Makes the first of `added`, which is taken out, the newest one. Throws std::bad_alloc, and has
  /// not changed anything then.
  void add(entries& added);
  /// The newest one of this key, or none.
  [[nodiscard]] entries take(session_key const& key) noexcept;
  /// It has this very session.
  [[nodiscard]] bool has(entry const& same) const noexcept;
  /// Moves to `gone` what is more than the bounds: of this key, and then of all, the oldest first.
  void shrink(session_store_options const& bounds, session_key const& key, entries& gone) noexcept;

private:
  // The newest first.
  using places = std::deque<entries::iterator>;

  void give_up(std::map<session_key, places>::iterator of, entries& gone) noexcept;
  static std::size_t bytes_of(entry const& e) noexcept {
    // With the nodes of the list and the map, and what the allocator adds.
    return sizeof(entry) + sizeof(places) + 128 + e.session.bytes.capacity();
  }

  entries all_;
  std::map<session_key, places> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace tls_async::detail

struct [[gnu::visibility("hidden")]] tls_async::session_store::parts {
  parts(session_store_options const& bounds, clock of) : options(bounds), now(std::move(of)) {}

  /// Neither its ticket nor the verification of its peer is too old. What seems to be of the future
  /// is as if it were: the clock was set back, or that of another machine goes ahead.
  [[nodiscard]] bool is_young(kept_session const& session,
                              std::chrono::system_clock::time_point moment) const noexcept {
    return session.began <= moment && moment < session.ends &&
           std::chrono::duration_cast<std::chrono::seconds>(moment - session.began) <
               options.lifetime;
  }

  session_store_options const options;
  clock const now;
  std::mutex mutex;
  detail::session_list sessions;
};
#pragma GCC visibility pop
