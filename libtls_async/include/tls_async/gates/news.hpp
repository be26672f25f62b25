// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a session has to tell the function of context::on_event: events that have happened and have
// not been told yet, oldest first. Who performs the session's actions tells them, without any lock.
#pragma once

#include <tls_async/requirements.hpp>

#include <tls_async/core/context_counters.hpp>
#include <tls_async/core/event.hpp>
#include <tls_async/gates/deadlines.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace tls_async::detail {

/// One event on its way to the program.
class report {
public:
  /// `counters` have to live until it is told.
  report(session_event&& what, std::shared_ptr<event_handler const> whom,
         context_counters& counters)
      : what_(std::move(what)), whom_(std::move(whom)), counters_(counters) {}
  /// Calls the program's function. What that throws is dropped, and counted.
  void tell() const noexcept;

private:
  friend class news;

  session_event what_;
  std::shared_ptr<event_handler const> whom_;
  context_counters& counters_;
  std::unique_ptr<report> next_;
};

/// Of one session; there is one only where a context has a function to tell. No container of the
/// standard library is in it, which is another one where a program is built with _GLIBCXX_DEBUG.
class news {
public:
  /// `whom` is told, and `counters` are those of its context.
  news(std::shared_ptr<event_handler const> whom, context_counters& counters) noexcept
      : whom_(std::move(whom)), counters_(counters) {}
  ~news();
  news(news const&) = delete;
  news& operator=(news const&) = delete;

  /// Behind those that wait. Throws std::bad_alloc.
  void add(session_event&& what);
  /// Some wait, and nobody tells them.
  [[nodiscard]] bool has_any() const noexcept { return first_ != nullptr && !is_telling_; }
  /// True if there are some: the caller tells them all, by take(), and nobody else does meanwhile.
  [[nodiscard]] bool begin_telling() noexcept;
  /// The next that waits. Null: all are told, and the caller has ended.
  [[nodiscard]] std::unique_ptr<report> take() noexcept;

  /// Another handshake begins.
  void begin_anew() noexcept { cpu_time = {}; }

  time_point began{};                   ///< The handshake.
  std::chrono::nanoseconds cpu_time{};  ///< Of its steps so far.
  session_info info;                    ///< What it has agreed on.

private:
  std::shared_ptr<event_handler const> whom_;
  context_counters& counters_;
  std::unique_ptr<report> first_;
  report* last_ = nullptr;
  bool is_telling_ = false;
};

}  // namespace tls_async::detail
