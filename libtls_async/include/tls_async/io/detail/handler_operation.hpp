// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// An operation with its handler: where it is allocated, which work it keeps alive, and how it is
// completed on the handler's associated executor.
#pragma once

#include <tls_async/io/detail/operation.hpp>
#include <tls_async/io/detail/operation_memory.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace tls_async::detail {

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
  static handler_operation* make(operation_memory& memory, Handler handler, IoExecutor const& io,
                                 Args&&... args) {
    if constexpr (brings_allocator) {
      node_allocator allocator(boost::asio::get_associated_allocator(handler));
      handler_operation* const place = allocator.allocate(1);
      return ::new (place)
          handler_operation(memory, std::move(handler), io, std::forward<Args>(args)...);
    } else {
      void* const place = memory.allocate<handler_operation>();
      return ::new (place)
          handler_operation(memory, std::move(handler), io, std::forward<Args>(args)...);
    }
  }

  /// The slot through which the caller cancels this operation.
  [[nodiscard]] auto cancellation_slot() const noexcept {
    return boost::asio::get_associated_cancellation_slot(handler_);
  }

  void complete(gate_step* from) override {
    // Everything the handler needs leaves the node before it is freed: the handler may start the
    // next operation, in the same memory, or destroy the stream.
    auto const ends_last = std::move(work_);
    if (auto slot = cancellation_slot(); slot.is_connected()) slot.clear();
    if (from != nullptr && from->on_io_executor && this->on_io_executor)
      return complete_here(*from);
    IoExecutor const io = io_;
    auto const executor = boost::asio::get_associated_executor(handler_, io);
    auto const allocator = boost::asio::get_associated_allocator(handler_);
    bound run{std::move(handler_), allocator, this->result, this->bytes};
    free(allocator);
    if (from != nullptr) from->lock.unlock();
    if constexpr (can_post) {
      if (from == nullptr) return boost::asio::post(executor, std::move(run));
      if (from->executor == any_io_executor(executor)) return run();
    } else if (from == nullptr) {
      return boost::asio::post(io, [executor, run = std::move(run)]() mutable {
        boost::asio::dispatch(executor, std::move(run));
      });
    }
    boost::asio::dispatch(executor, std::move(run));
  }

  void abandon() noexcept override {
    auto slot = cancellation_slot();
    if (slot.is_connected()) slot.clear();
    auto const ends_last = std::move(work_);
    auto const allocator = boost::asio::get_associated_allocator(handler_);
    [[maybe_unused]] auto const handler =
        std::move(handler_);  // destroyed last: it may own the stream
    free(allocator);
  }

  [[nodiscard]] any_io_executor executor() const override {
    if constexpr (can_post) {
      return boost::asio::get_associated_executor(handler_, io_);
    } else {
      return io_;
    }
  }

private:
  // The handler with its arguments; with its allocator, and without its executor, which is known
  // already.
  struct bound {
    using allocator_type = handler_operation::allocator_type;

    Handler handler;
    allocator_type allocator;
    error_code result;
    std::size_t bytes;

    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator; }
    void operator()() {
      if constexpr (std::is_same_v<Signature, void(error_code, std::size_t)>) {
        std::move(handler)(result, bytes);
      } else {
        std::move(handler)(result);
      }
    }
  };

  template <class... Args>
  handler_operation(operation_memory& memory, Handler handler, IoExecutor const& io, Args&&... args)
      : Base(std::forward<Args>(args)...), memory_(memory), io_(io), handler_(std::move(handler)) {
    // On the next layer's own executor, the gate's operation counts as work: while a verb is in
    // progress, there is one.
    auto const executor = boost::asio::get_associated_executor(handler_, io_);
    if constexpr (std::is_same_v<executor_type, IoExecutor>) {
      if (executor == io_) {
        this->on_io_executor = true;
        return;
      }
    } else if constexpr (can_post) {
      this->on_io_executor = any_io_executor(executor) == any_io_executor(io_);
    }
    work_.reset(::new (free_blocks::take<work>()) work(executor));
  }
  ~handler_operation() = default;

  void complete_here(gate_step& from) {
    auto const allocator = boost::asio::get_associated_allocator(handler_);
    bound run{std::move(handler_), allocator, this->result, this->bytes};
    free(allocator);
    from.lock.unlock();
    run();
  }

  void free([[maybe_unused]] allocator_type const& of_handler) noexcept {
    if constexpr (brings_allocator) {
      node_allocator allocator(of_handler);
      this->~handler_operation();
      allocator.deallocate(this, 1);
    } else {
      operation_memory& memory = memory_;
      this->~handler_operation();
      memory.deallocate<handler_operation>(this);
    }
  }

  operation_memory& memory_;
  IoExecutor const& io_;  // of the stream's state
  Handler handler_;
  // By itself, since few have one.
  using work = boost::asio::executor_work_guard<executor_type>;
  struct end_work {
    void operator()(work* ended) const noexcept {
      ended->~work();
      free_blocks::give<work>(ended);
    }
  };
  std::unique_ptr<work, end_work> work_{};
};

}  // namespace tls_async::detail
