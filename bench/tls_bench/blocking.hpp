// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A coroutine that never waits: it runs to its end when it is called. With it a blocking stack fits
// the sides, which are coroutines.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace tls_async::bench {

template <class T>
struct blocking_result {
  std::optional<T> value;
  template <class Value>
  void return_value(Value&& v) {
    value.emplace(std::forward<Value>(v));
  }
  T take() { return std::move(*value); }
};
template <>
struct blocking_result<void> {
  void return_void() {}
  void take() {}
};

template <class T>
class blocking {
public:
  struct promise_type : blocking_result<T> {
    std::exception_ptr failed;
    blocking get_return_object() {
      return blocking(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void unhandled_exception() { failed = std::current_exception(); }
  };

  blocking(blocking&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  blocking& operator=(blocking&&) = delete;
  ~blocking() {
    if (handle_) handle_.destroy();
  }

  [[nodiscard]] bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  T await_resume() { return take(); }
  T take() {
    if (handle_.promise().failed) std::rethrow_exception(handle_.promise().failed);
    return handle_.promise().take();
  }

private:
  explicit blocking(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

/// The same for one call: a value that can be awaited.
template <class T>
struct done {
  T value;
  [[nodiscard]] bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  T await_resume() noexcept { return value; }
};

}  // namespace tls_async::bench
