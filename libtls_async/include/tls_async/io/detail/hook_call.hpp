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
#include <type_traits>
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
      answer(verdict::refuse(thrown.what()));
    } catch (...) {
      answer(verdict::refuse("it threw what is no std::exception"));
    }
    is_running_ = false;
    if (is_dropped_) drop();
  }
  /// Its answer is destroyed. Where that is on the way of an exception, this has the words.
  void drop() noexcept {
    is_dropped_ = true;
    if (!is_running_) answer(verdict::refuse("no answer"));
  }
  /// Only the first one counts, and none if the handshake has ended meanwhile.
  void answer(verdict given) noexcept {
    if (!is_answered_.exchange(true)) deliver(std::move(given));
  }
  /// Nobody waits for the answer any more. The hook may go on, and answers in vain.
  void cancel() noexcept {
    try {
      boost::asio::post(executor_, [self = shared_from_this()] {
        self->signal_.emit(boost::asio::cancellation_type::terminal);
      });
    } catch (...) {  // no memory: it ends by itself
    }
  }

  /// The answer, on its way to the stream's executor. Under the lock of the stream.
  std::optional<verdict> decided;

  /// Runs it where it belongs. Destroyed without that, as an event loop does that goes down, it has
  /// no answer.
  class start {
  public:
    explicit start(std::shared_ptr<hook_call> call) noexcept : call_(std::move(call)) {}
    start(start&&) noexcept = default;
    start& operator=(start&&) = delete;
    ~start() {
      if (!call_) return;
      call_->is_running_ = false;
      call_->drop();
    }
    void operator()() { std::exchange(call_, nullptr)->run(); }

  private:
    std::shared_ptr<hook_call> call_;
  };

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
  /// Null if there is no memory, or if any_io_executor can't have the stream's executor.
  static std::shared_ptr<hook_call> make(State& state) noexcept {
    using boost::asio::any_io_executor;
    if constexpr (std::is_constructible_v<any_io_executor, typename State::executor_type const&>) {
      try {
        return std::make_shared<hook_call_of>(
            state.weak_from_this(),
            std::static_pointer_cast<program_hooks const>(state.session().hooks()),
            state.engine().question(), any_io_executor(state.executor()));
      } catch (...) {
      }
    }
    return nullptr;
  }

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
