// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// file_watcher: until files have changed, for programs that read certificates and keys again. On
// systems other than Linux nothing is here.
#pragma once

#include <tls_async/requirements.hpp>

#include <boost/asio/detail/config.hpp>

#if defined(__linux__) && defined(BOOST_ASIO_HAS_POSIX_STREAM_DESCRIPTOR)

#include <tls_async/error.hpp>
#include <tls_async/io/detail/default_token.hpp>
#include <tls_async/io/detail/watch_operation.hpp>
#include <tls_async/io/watch_errc.hpp>
#include <tls_async/time_limit.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

namespace tls_async {

/// Tells when files have changed, so that a program reads certificates, keys, trust or ticket keys
/// again. Linux only: it stands on inotify(7).
///
/// A path may be a file, a folder, or not there yet. Of a folder, all names in it are watched, and
/// all in its folders, as in NAME/fullchain.pem, but nothing deeper. Whatever a path leads through
/// is watched too: each folder on its way and each link. So it is a change when
/// - a file is written in place, appears, goes, is replaced by rename(2), or its mode changes;
/// - a link on the way leads elsewhere: certbot's live/NAME/fullchain.pem, or the ..data that
///   Kubernetes swaps;
/// - a folder on the way is removed, replaced, or made anew, even long after;
/// - the kernel's queue of events has overflowed: something may have been among what it lost.
///
/// Changes are collected from the construction on, by the kernel. So none is missed that happens
/// while the program reads its files: the next `async_wait` completes for it. It may also complete
/// for something that leaves the files as they were: read them, and compare if it matters. What the
/// program itself writes there is a change as well.
///
/// Not seen: what another machine does on a network file system; what is written through mmap(2); a
/// mount(2) over a folder on the way; behind a folder that this process may not read, a file that
/// appears; in a folder that is watched, writes through another name (hard link) of one of its
/// files.
///
/// Costs: one descriptor and one of the user's inotify instances, of which Linux allows 128 by
/// default, so one watcher for all files of a program is best; a watch for each folder and file.
/// Each change of any name in a folder on the way wakes the watcher for a moment: /tmp is no good
/// place. After a change it looks at all paths anew, which blocks as long as their file systems do.
///
/// Concurrency: distinct watchers: safe. One watcher: as an object of Asio's; its functions, its
/// steps, which run where the handler does, and a signal that cancels it need a strand if several
/// threads run its execution context.
///
/// Lifetime: nothing passed to it has to outlive the call. A watcher may be moved or destroyed at
/// any time, in its own handler too. It keeps no work: run() returns when no `async_wait` is in
/// progress.
///
/// `Executor` is that of its default handlers; `Clock` is for tests, as that of `stream`.
/// Header: `<tls_async/io/watch_files.hpp>`.
///
/// @snippet verbs.cpp file_watcher
template <class Executor = boost::asio::any_io_executor, class Clock = std::chrono::steady_clock>
class basic_file_watcher {
public:
  /// Where it waits.
  using executor_type = Executor;
  /// The same watcher on another executor, for `as_default_on_t` of Asio's tokens.
  template <class OtherExecutor>
  struct rebind_executor {
    /// That watcher.
    using other = basic_file_watcher<OtherExecutor, Clock>;
  };

  /// Watches `paths` from now on. Relative paths are those of the present working directory.
  ///
  /// `debounce`: for how long nothing may have changed before a change is told, so that a renewal
  /// of several files is told once. At most a day; nothing for each change at once. While changes
  /// don't stop, one is told after ten times as long.
  ///
  /// Throws boost::system::system_error: `watch_errc::too_many_watches`,
  /// `watch_errc::too_many_watchers`, invalid_argument for an empty path, or another error of the
  /// system. std::bad_alloc.
  /// Source: inotify_init1(2), inotify_add_watch(2), path_resolution(7).
  basic_file_watcher(executor_type const& executor, std::vector<std::filesystem::path> const& paths,
                     time_limit debounce = std::chrono::milliseconds(500))
      : state_(std::make_shared<state>(executor, paths.data(), paths.size(), debounce)) {}

  /// What was moved from may only be destroyed or assigned to. A wait in progress goes on.
  basic_file_watcher(basic_file_watcher&&) noexcept = default;
  /// A wait in progress of the watcher that was here before ends with operation_aborted.
  basic_file_watcher& operator=(basic_file_watcher&& other) noexcept {
    if (this != &other) {
      close();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  /// A wait in progress ends with operation_aborted.
  ~basic_file_watcher() { close(); }

  /// Where it waits.
  [[nodiscard]] executor_type get_executor() const noexcept { return state_->executor(); }

  /// Ends the wait in progress, if there is one, with operation_aborted. What has changed is told
  /// by the next one.
  void cancel() noexcept { state_->cancel(); }

  /// Waits until something has changed since the construction, or since the last wait that
  /// succeeded was done.
  ///
  /// Completes when after a change nothing else has changed for the time of `debounce`, or after
  /// ten times that; never within this call.
  ///
  /// Errors: already_started, another wait is in progress; operation_aborted;
  /// `watch_errc::too_many_watches`, there are more folders to be watched now than the system
  /// allows; not_enough_memory; another error of the system. After each of them the watcher may be
  /// used on and has lost nothing: what has changed is told by the next wait that succeeds. A
  /// program that waits again after too_many_watches waits for something else first, a timer for
  /// instance, or it is told the same at once.
  ///
  /// Concurrency: one at a time.
  ///
  /// Cancellation: terminal, partial and total.
  ///
  /// Handler: `void(error_code)`. Default token: the executor's, else `asio::deferred`.
  template <class Token = detail::default_token<Executor>>
  [[nodiscard]] auto async_wait(Token&& token = Token()) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        detail::start_watching<state>{state_}, token);
  }

private:
  using state = detail::watch_state<Executor, Clock>;

  void close() noexcept {
    if (state_) state_->close();
  }

  std::shared_ptr<state> state_;
};

/// A file watcher on any executor.
using file_watcher = basic_file_watcher<>;

}  // namespace tls_async

#endif
