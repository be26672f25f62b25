// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Files of today that are not whole yet leave the context of before: a renewal writes several.
#include "live_context.hpp"

#include "as_values.hpp"

#include <tls_async/io/watch_files.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/stat.h>

namespace serving {

namespace asio = boost::asio;

namespace {

// All zero if it isn't there, or is a pipe, which changes as it is read.
file_state state_of(std::filesystem::path const& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || S_ISFIFO(status.st_mode)) return {};
  auto const& changed = status.st_ctim;
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          changed.tv_sec * std::int64_t{1'000'000'000} + changed.tv_nsec};
}

// Of files, of folders, and of what is read of a folder and of its folders. Other files there are
// nobody's business: the log may be one of them, and it grows by what is written of a renewal.
void add_states(std::vector<file_state>& all, std::filesystem::path const& path, int levels) {
  std::error_code failed, unknown;
  if (!std::filesystem::is_directory(path, unknown)) return all.push_back(state_of(path));
  if (levels == 0) return;
  for (std::filesystem::directory_iterator each{path, failed}, end; !failed && each != end;
       each.increment(failed))
    if (each->path().extension() == ".pem" || each->is_directory(unknown))
      add_states(all, each->path(), levels - 1);
}

std::vector<file_state> states_of(std::vector<std::filesystem::path> const& paths) {
  std::vector<file_state> all;
  for (auto const& path : paths)
    add_states(all, path, 2);
  return all;
}

}  // namespace

live_context::live_context(std::function<made_context()> make, chosen_files const& files,
                           server_log& log)
    : make_(std::move(make)), log_(log) {
  for (auto const& file : files)
    if (file) files_.push_back(*file);
  seen_ = states_of(files_);
  now_ = make_();
  complain();
}

void live_context::complain() const {
  for (auto const& end : now_.ends)
    log_.warn(complaint_about(end, std::chrono::system_clock::now()));
  for (auto const& key : now_.keys)
    log_.warn(complaint_about_key(key));
}

void live_context::renew() try {
  seen_ = states_of(files_);
  is_current_ = false;
  expect_files();
  auto made = make_();
  forget_gone();
  former_.push_back(now_.context);
  now_ = std::move(made);
  is_current_ = true;
  complain();
  log_.event(log_level::info, "certificates", "read again, for new connections");
} catch (std::exception const& error) {
  log_.event(log_level::error, "certificates",
             std::string(error.what()) + "; those of before stay in use");
}

void live_context::renew_if_changed() {
  if (states_of(files_) != seen_) renew();
}

// Pipes and terminals could be read at the start; to wait for who writes next would hold up the
// server.
void live_context::expect_files() const {
  for (auto const& file : files_) {
    auto const status = std::filesystem::status(file);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
        !std::filesystem::is_directory(status))
      throw std::runtime_error('"' + file.string() +
                               "\" is a pipe or a device, which can be read at the start only");
  }
}

void live_context::watch(asio::any_io_executor const& executor, std::chrono::milliseconds repeat) {
  asio::co_spawn(executor, warn_again(repeat), asio::detached);
  asio::co_spawn(executor, renew_on_changes(), [this](std::exception_ptr const& failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (std::exception const& error) {
      log_.event(
          log_level::warning, "certificates",
          std::string("changes of their files are not noticed, only a SIGHUP: ") + error.what());
    }
  });
}

asio::awaitable<void> live_context::renew_on_changes() {
  std::error_code unknown;
  std::vector<std::filesystem::path> watched;
  for (auto const& file : files_)
    if (!std::filesystem::is_fifo(file, unknown)) watched.push_back(file);
  if (watched.empty()) co_return;
  auto const executor = co_await asio::this_coro::executor;
  std::optional<tls_async::file_watcher> changes;
  for (asio::steady_timer pause{executor};;) {
    std::string failed;
    try {
      // What has changed before it watches it does not tell.
      if (!changes) {
        changes.emplace(executor, watched);
        renew_if_changed();
      }
      auto const [error] = co_await changes->async_wait(as_values);
      if (error == asio::error::operation_aborted) co_return;
      if (error) failed = error.message();
    } catch (std::exception const& error) {
      failed = error.what();
    }
    // Also of a change that comes with an error: what can't be watched is looked at.
    renew_if_changed();
    if (failed.empty()) continue;
    log_.event(log_level::warning, "certificates",
               "changes of their files are only looked for once a minute: " + failed);
    pause.expires_after(std::chrono::minutes(1));
    co_await pause.async_wait(as_values);
  }
}

// A certificate that was young when it was read may be old by now.
asio::awaitable<void> live_context::warn_again(std::chrono::milliseconds repeat) {
  asio::steady_timer pause{co_await asio::this_coro::executor};
  for (;;) {
    pause.expires_after(repeat);
    auto const [stopped] = co_await pause.async_wait(as_values);
    if (stopped) co_return;
    complain();
  }
}

// Nobody else holds those whose connections are gone: their keys need not stay in memory.
void live_context::forget_gone() {
  std::erase_if(former_, [&](auto const& each) {
    if (each.use_count() != 1) return false;
    of_gone_ += each->counters();
    return true;
  });
}

tls_async::counters live_context::counters() {
  forget_gone();
  auto all = of_gone_;
  for (auto const& each : former_)
    all += each->counters();
  return all += now_.context->counters();
}

}  // namespace serving
