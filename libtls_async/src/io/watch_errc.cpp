// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The words of `watch_errc`: one sentence each that says what is wrong and what to do.
#include <tls_async/io/watch_errc.hpp>

#include <cstddef>
#include <string>

namespace tls_async {
namespace {

class watch_words final : public boost::system::error_category {
public:
  char const* name() const noexcept override { return "tls_async.watch"; }

  std::string message(int value) const override { return of(static_cast<watch_errc>(value)); }

  char const* message(int value, char*, std::size_t) const noexcept override {
    return of(static_cast<watch_errc>(value));
  }

private:
  static char const* of(watch_errc code) noexcept {
    switch (code) {
      case watch_errc::too_many_watches:
        return "The system allows this user no more watches of files: watch fewer paths, or raise "
               "/proc/sys/fs/inotify/max_user_watches.";
      case watch_errc::too_many_watchers:
        return "The system allows this user no more watchers, or this process no more files: "
               "share one watcher, or raise /proc/sys/fs/inotify/max_user_instances or the limit "
               "of open files.";
    }
    return "This error code is unknown to this version of tls_async: build the program with the "
           "headers that match its library.";
  }
};

}  // namespace

boost::system::error_category const& watch_category() noexcept {
  static watch_words const only;
  return only;
}

}  // namespace tls_async
