// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Which of the kernel's watches tell of a change at some paths. Owns none of the waiting, and does
// not close its descriptor. Knows no Asio. Linux only.
#pragma once

#include <tls_async/requirements.hpp>

#ifdef __linux__

#include <tls_async/error.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace tls_async::detail {

/// Paths, and the watches of an inotify(7) descriptor that stand for them: of each folder on the
/// way to a path, through every link, for the one name in it that the way goes through; of the file
/// at its end; and of what is in a folder at its end.
///
/// A watch is set before what it watches is looked at, so no change falls in between. Work is
/// bounded: a read takes as many events as the kernel's queue has by default, and looks at the
/// paths once.
///
/// Concurrency: one object, one thread at a time.
class watched_paths {
public:
  /// A new inotify descriptor, non-blocking, which the caller closes. Throws
  /// boost::system::system_error with watch_errc::too_many_watchers or the system's error.
  static int open();

  /// Watches `count` paths from `first` on, which need not exist; relative ones from the working
  /// directory of now. `descriptor` is one of `open()`, and stays open as long as this is used.
  ///
  /// Throws boost::system::system_error: watch_errc::too_many_watches; invalid_argument, a path is
  /// empty; the error of the working directory. std::bad_alloc.
  watched_paths(int descriptor, std::filesystem::path const* first, std::size_t count);
  watched_paths(watched_paths const&) = delete;
  watched_paths& operator=(watched_paths const&) = delete;
  ~watched_paths();

  /// Takes the events that have come, without waiting, and watches what is there now. After an
  /// error the next call looks at all paths again, and `changes()` has moved: nothing is lost.
  [[nodiscard]] error_code read() noexcept;

  /// Moves with each `read` that has met a change.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }

private:
  struct state;

  [[nodiscard]] error_code take_events();
  [[nodiscard]] error_code look();

  std::unique_ptr<state> state_;
  std::uint64_t changes_ = 0;
  bool must_look_ = true;
};

}  // namespace tls_async::detail

#endif
