// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A hook of the program that works on one question: what it needs while it does, and its way back.
// It outlives the stream if the hook does.
#pragma once

#include <tls_async/core/question.hpp>
#include <tls_async/gates/verb.hpp>
#include <tls_async/io/detail/handler_operation.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace tls_async::detail {

class hook_call;

/// What hooks.hpp makes of the program's hooks.
class program_hooks : public hook_set {
public:
  /// Starts the hook that `call` is for, which answers by it. Throws what the hook throws.
  virtual void ask(std::shared_ptr<hook_call> call) const = 0;
};

class hook_call : public std::enable_shared_from_this<hook_call> {
public:
  /// Where a hook runs, and is cancelled: of its own, for the stream's may have several threads.
  using executor_type = boost::asio::strand<boost::asio::any_io_executor>;

  hook_call(std::shared_ptr<program_hooks const> hooks,
            std::shared_ptr<tls_async::question const> asked, boost::asio::any_io_executor on)
      : work_(work_for(on)), executor_(on), hooks_(std::move(hooks)), question_(std::move(asked)) {}
  hook_call(hook_call const&) = delete;
  hook_call& operator=(hook_call const&) = delete;
  virtual ~hook_call() = default;

  [[nodiscard]] tls_async::question const& question() const noexcept { return *question_; }
  [[nodiscard]] executor_type const& executor() const noexcept { return executor_; }
  [[nodiscard]] boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }

  /// Runs the hook, without a lock. What it throws refuses the handshake.
  void run() noexcept {
    try {
      hooks_->ask(shared_from_this());
    } catch (std::exception const& thrown) {
      answer(verdict::refuse_in_any_case(thrown.what()));
    } catch (...) {
      answer(verdict::refuse_in_any_case("it threw what is no std::exception"));
    }
    is_running_ = false;
    if (is_dropped_) drop();
  }
  /// Its answer is destroyed. Where that is on the way of an exception, this has the words.
  void drop() noexcept {
    is_dropped_ = true;
    if (!is_running_) answer(verdict::refuse_in_any_case("no answer"));
  }
  /// Only the first one counts, and none if the handshake has ended meanwhile.
  void answer(verdict given) noexcept {
    if (!is_answered_.exchange(true)) deliver(std::move(given));
  }
  /// The answer, on its way to the stream's executor. Under the lock of the stream.
  std::optional<verdict> decided;

  /// Nobody waits for the answer any more. Throws std::bad_alloc.
  void cancel() {
    boost::asio::post(executor_, [self = shared_from_this()] {
      self->signal_.emit(boost::asio::cancellation_type::terminal);
    });
  }

private:
  virtual void deliver(verdict given) noexcept = 0;

  // Ends last: what hooks have captured may need the event loop.
  decltype(work_for(std::declval<boost::asio::any_io_executor const&>())) work_;
  executor_type executor_;
  std::shared_ptr<program_hooks const> hooks_;  // what a coroutine's lambda has captured
  std::shared_ptr<tls_async::question const> question_;
  boost::asio::cancellation_signal signal_;
  std::atomic<bool> is_answered_ = false;
  std::atomic<bool> is_running_ = true;
  std::atomic<bool> is_dropped_ = false;
};

/// How an answer finds its stream, if that is still there.
template <class State>
class hook_call_of final : public hook_call {
public:
  hook_call_of(std::weak_ptr<State> state, std::shared_ptr<program_hooks const> hooks,
               std::shared_ptr<tls_async::question const> asked, boost::asio::any_io_executor on)
      : hook_call(std::move(hooks), std::move(asked), std::move(on)), state_(std::move(state)) {}

private:
  void deliver(verdict given) noexcept override {
    if (auto const state = state_.lock()) state->answer_question(*this, std::move(given));
  }

  std::weak_ptr<State> state_;
};

}  // namespace tls_async::detail
