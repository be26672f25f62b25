// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A verb with its handler: where it is allocated, which work it keeps alive, and how its handler is
// called. Handler, cancellation slot, allocator and work are touched on the handler's own executor
// only, whoever has ended the verb: elsewhere the node is passed on as a whole.
#pragma once

#include <tls_async/gates/verb.hpp>
#include <tls_async/io/detail/free_blocks.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace tls_async::detail {

using boost::asio::any_io_executor;

/// A verb on its way to its executor.
struct passage {
  verb const* of;              ///< Null once a handler has run meanwhile.
  bool has_come_back = false;  ///< Destroyed without having been called: it never got there.
};
/// Of this thread.
inline thread_local passage* under_way_here = nullptr;

/// Work for `executor`, for as long as what is returned lives. Not an executor_work_guard, which a
/// strand over an any_io_executor does not compile with.
template <class Executor>
auto work_for(Executor const& executor) {
  namespace execution = boost::asio::execution;
  if constexpr (execution::is_executor<Executor>::value) {
    return boost::asio::prefer(executor, execution::outstanding_work_t::tracked_t());
  } else {
    return boost::asio::make_work_guard(executor);
  }
}

template <class Base, class Signature, class Handler, class IoExecutor>
class handler_operation final : public Base {
  using executor_type = boost::asio::associated_executor_t<Handler, IoExecutor>;
  using allocator_type = boost::asio::associated_allocator_t<Handler>;
  static constexpr bool brings_allocator = !std::is_same_v<allocator_type, std::allocator<void>>;
  // The executor of an any_completion_handler can only be dispatched to.
  static constexpr bool can_post = std::is_constructible_v<any_io_executor, executor_type const&>;
  using node_allocator =
      typename std::allocator_traits<allocator_type>::template rebind_alloc<handler_operation>;

public:
  template <class... Args>
  static handler_operation* make(Handler handler, IoExecutor const& io, Args&&... args) {
    if constexpr (brings_allocator) {
      node_allocator allocator(boost::asio::get_associated_allocator(handler));
      auto const give = [&allocator](handler_operation* p) { allocator.deallocate(p, 1); };
      std::unique_ptr<handler_operation, decltype(give)> place(allocator.allocate(1), give);
      auto* const made = ::new (static_cast<void*>(place.get()))
          handler_operation(std::move(handler), io, std::forward<Args>(args)...);
      return place.release(), made;
    } else {
      auto const give = [](void* p) { free_blocks::give<handler_operation>(p); };
      std::unique_ptr<void, decltype(give)> place(free_blocks::take<handler_operation>(), give);
      auto* const made = ::new (place.get())
          handler_operation(std::move(handler), io, std::forward<Args>(args)...);
      made->node_bytes =
          static_cast<std::uint16_t>(free_blocks::rounded(sizeof(handler_operation)));
      return place.release(), made;
    }
  }

  /// The slot through which the caller cancels this verb.
  [[nodiscard]] auto cancellation_slot() const noexcept {
    return boost::asio::get_associated_cancellation_slot(handler_);
  }

  bool complete(hop how) override {
    if (how == hop::none) return call(), true;
    passage mine{this};
    auto* const before = std::exchange(under_way_here, &mine);
    try {
      pass_on(how);
    } catch (...) {
      under_way_here = before;
      if (mine.of == nullptr) throw;  // by a handler
      // A strand of Asio's takes it into its queue before it asks for memory to run that.
      return !mine.has_come_back;
    }
    under_way_here = before;
    if (mine.has_come_back) abandon();  // its executor is gone
    return true;
  }

  // The signal of its slot may be gone by now.
  void abandon() noexcept override {
    auto const ends_last = std::move(work_);
    auto const allocator = boost::asio::get_associated_allocator(handler_);
    [[maybe_unused]] auto const handler =
        std::move(handler_);  // destroyed last: it may own the stream
    free(allocator);
  }

private:
  void pass_on(hop how) {
    auto const executor =
        work_ ? work_->executor : boost::asio::get_associated_executor(handler_, io_);
    if constexpr (can_post) {
      if (how == hop::post) return boost::asio::post(executor, carrier(*this));
    } else if (how == hop::post) {
      return boost::asio::post(io_, [executor, on = carrier(*this)]() mutable {
        boost::asio::dispatch(executor, std::move(on));
      });
    }
    boost::asio::dispatch(executor, carrier(*this));
  }

  // Takes the node to its executor. If that goes down, the handler goes with it, but not if there
  // was no memory to get there.
  class carrier {
  public:
    explicit carrier(handler_operation& carried) noexcept : carried_(&carried) {}
    carrier(carrier&& other) noexcept : carried_(std::exchange(other.carried_, nullptr)) {}
    carrier& operator=(carrier&&) = delete;
    ~carrier() {
      if (carried_ == nullptr) return;
      if (under_way_here != nullptr && under_way_here->of == carried_) {
        under_way_here->has_come_back = true;
      } else {
        carried_->abandon();
      }
    }
    void operator()() {
      // The next node may have the same place.
      if (under_way_here != nullptr) under_way_here->of = nullptr;
      std::exchange(carried_, nullptr)->call();
    }

  private:
    handler_operation* carried_;
  };

  template <class... Args>
  handler_operation(Handler handler, IoExecutor const& io, Args&&... args)
      : Base(std::forward<Args>(args)...), io_(io), handler_(std::move(handler)) {
    // On the next layer's own executor, what the stream has outstanding counts as work.
    auto const executor = boost::asio::get_associated_executor(handler_, io_);
    if constexpr (std::is_same_v<executor_type, IoExecutor>) {
      this->on_io_executor = executor == io_;
    } else if constexpr (can_post) {
      this->on_io_executor = any_io_executor(executor) == any_io_executor(io_);
    }
    if (this->on_io_executor && std::is_same_v<executor_type, IoExecutor>) return;
    auto const give = [](void* p) { free_blocks::give<work>(p); };
    std::unique_ptr<void, decltype(give)> place(free_blocks::take<work>(), give);
    work_.reset(::new (place.get()) work{executor, work_for(executor)});
    (void)place.release();
  }
  ~handler_operation() = default;

  // Everything that the handler needs leaves the node before that is freed: it may start the next
  // verb, in the same memory, or destroy the stream.
  void call() {
    auto const ends_last = std::move(work_);
    if (auto slot = cancellation_slot(); slot.is_connected()) slot.clear();
    auto const allocator = boost::asio::get_associated_allocator(handler_);
    Handler handler(std::move(handler_));
    [[maybe_unused]] std::size_t const n = this->bytes;
    error_code const ec = this->result;
    free(allocator);
    if constexpr (std::is_same_v<Signature, void(error_code, std::size_t)>) {
      std::move(handler)(ec, n);
    } else {
      std::move(handler)(ec);
    }
  }

  void free([[maybe_unused]] allocator_type const& of_handler) noexcept {
    if constexpr (brings_allocator) {
      node_allocator allocator(of_handler);
      this->~handler_operation();
      allocator.deallocate(this, 1);
    } else {
      this->~handler_operation();
      free_blocks::give<handler_operation>(this);
    }
  }

  IoExecutor const& io_;  // of the stream's state
  Handler handler_;
  // By itself, since few have one.
  struct work {
    executor_type executor;
    decltype(work_for(std::declval<executor_type const&>())) outstanding;
  };
  struct end_work {
    void operator()(work* ended) const noexcept {
      ended->~work();
      free_blocks::give<work>(ended);
    }
  };
  std::unique_ptr<work, end_work> work_{};
};

}  // namespace tls_async::detail
