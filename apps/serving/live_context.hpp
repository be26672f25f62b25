// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The context that new connections are made from. It is made again when its files have changed, or
// at a SIGHUP; connections that are open keep theirs. All of this is used on one executor.
#pragma once

#include "certificates.hpp"
#include "server_log.hpp"

#include <tls_async/context.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace serving {

// Those of options that were given.
using chosen_files = std::vector<std::optional<std::filesystem::path>>;

// A context, and what somebody should know of its certificates.
struct made_context {
  std::shared_ptr<tls_async::context> context;
  std::vector<certificate_end> ends;
  std::vector<std::filesystem::path> keys;
};

// By which it can be told that somebody has written or replaced a file.
struct file_state {
  std::uint64_t device = 0;
  std::uint64_t number = 0;  // of its inode
  std::uint64_t bytes = 0;
  std::int64_t changed = 0;  // ns since 1970

  bool operator==(file_state const&) const = default;
};

class live_context {
public:
  // Calls `make` now, which throws std::exception with what is wrong with which file, and later
  // whenever one of `files` may be another one.
  live_context(std::function<made_context()> make, chosen_files const& files, server_log& log);

  // For a new connection.
  [[nodiscard]] std::shared_ptr<tls_async::context> const& current() const { return now_.context; }
  [[nodiscard]] std::vector<certificate_end> const& ends() const { return now_.ends; }
  // False if the last renewal has failed.
  [[nodiscard]] bool is_current() const { return is_current_; }
  // Of all contexts that there have been.
  [[nodiscard]] tls_async::counters counters();

  // Makes it again; or tells why that failed, and leaves it.
  void renew();
  // Does so whenever what is read has changed, as long as the io_context runs. Tells if it can't.
  // What it warned of at the start it warns of again after each `repeat`.
  void watch(boost::asio::any_io_executor const& executor,
             std::chrono::milliseconds repeat = std::chrono::hours(24));

private:
  boost::asio::awaitable<void> renew_on_changes();
  boost::asio::awaitable<void> warn_again(std::chrono::milliseconds repeat);
  void renew_if_changed();
  void complain() const;
  void expect_files() const;
  void forget_gone();

  std::function<made_context()> make_;
  std::vector<std::filesystem::path> files_;
  std::vector<file_state> seen_;  // before the last of them was read
  bool is_current_ = true;
  server_log& log_;
  made_context now_;
  // Their connections may still be counting.
  std::vector<std::shared_ptr<tls_async::context>> former_;
  tls_async::counters of_gone_;
};

}  // namespace serving
