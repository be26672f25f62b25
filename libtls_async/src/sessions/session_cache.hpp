// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Sessions of TLS 1.2 that a server keeps for clients that take no tickets, by their ids: the one
// that was longest unused goes first. Knows no SSL: a session is bytes here. Private to the
// library.
#pragma once

#include <tls_async/requirements.hpp>

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

// A shared library doesn't export it.
#pragma GCC visibility push(hidden)
namespace tls_async::detail {

/// Thread-safe. What it lets go is wiped outside of its lock.
class session_cache {
public:
  /// A session as bytes, with its secrets.
  class secret {
  public:
    explicit secret(std::string_view bytes) : bytes_(bytes) {}
    ~secret();
    secret(secret const&) = delete;
    secret& operator=(secret const&) = delete;
    std::string_view bytes() const noexcept { return bytes_; }

  private:
    std::string bytes_;
  };
  using secret_ptr = std::shared_ptr<secret const>;

  /// At most so many sessions, and 4 MiB. 0: none. Throws std::bad_alloc never.
  void set_most(std::size_t sessions) noexcept;
  /// Keeps `session` under `id`, in the place of what was there. May throw std::bad_alloc.
  void keep(std::string_view id, std::string_view session);
  /// Null if there is none.
  secret_ptr find(std::string_view id) noexcept;
  void remove(std::string_view id) noexcept;
  std::size_t size() const noexcept;

private:
  struct entry {
    std::string id;
    secret_ptr session;
  };
  using entries = std::list<entry>;

  void take_out(entries::iterator which, entries& gone) noexcept;
  void take_out_oldest(entries& gone) noexcept;

  std::mutex mutable mutex_;
  std::size_t most_ = 1'024;
  std::size_t bytes_ = 0;
  entries entries_;  // the one that was used last comes first
  std::unordered_map<std::string_view, entries::iterator> by_id_;
};

}  // namespace tls_async::detail
#pragma GCC visibility pop
