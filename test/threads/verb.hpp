// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A verb in progress, and the handlers that complete it: whether they run once, where they belong,
// and not inside of what started or cancelled them.
#pragma once

#include "counts.hpp"
#include "place.hpp"
#include "settings.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/system/error_code.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace tls_async::threads {

using boost::system::error_code;

class end;

enum class verb_kind { handshake, read, write, key_update, close_write, shutdown };
constexpr int verb_kinds = 6;
[[nodiscard]] char const* name_of(verb_kind what);

struct verb {
  verb(std::shared_ptr<end> made_by, verb_kind kind) : of(std::move(made_by)), what(kind) {}

  std::shared_ptr<end> const of;
  verb_kind const what;
  maybe_limit limit;
  bool as_some = false;  ///< async_read_some, async_write_some, async_shutdown
  bool asks_peer = false;
  bool is_second = false;
  place_ptr where;     ///< Where its handler belongs.
  bool binds = false;  ///< Its handler says so.
  /// `where` emits on it.
  bool has_slot = false;
  bool is_cancelled = false;
  asio::cancellation_signal signal;

  form given_as = form::buffer;
  unsigned throws_at = 0;
  bool holds_mutex = false;
  std::string_view message;  ///< Of a write.
  std::vector<char> room;    ///< Of a read.
  std::string held;          ///< A caller's buffer, which dies with the handler.
  int file = -1;

  std::function<void(verb&, error_code, std::size_t)> then;
  std::atomic<int> runs = 0;
  bool was_abandoned = false;

  ~verb();
  /// Called by the handler.
  void complete(error_code ec, std::size_t n);
};
using verb_ptr = std::shared_ptr<verb>;

/// Handlers that exist, and bytes of their allocators.
extern std::atomic<long> live_handlers;
extern std::atomic<long> live_bytes;
/// The thread is inside of a call that starts or cancels verbs of this end.
extern thread_local end const* inside_call_of;

struct inside_call {
  explicit inside_call(end const& of) : before(std::exchange(inside_call_of, &of)) {}
  ~inside_call() { inside_call_of = before; }
  inside_call(inside_call const&) = delete;
  end const* before;
};

/// Runs on the next layer's executor.
class plain_handler {
public:
  explicit plain_handler(verb_ptr of) : of_(std::move(of)) { ++live_handlers; }
  plain_handler(plain_handler&& other) noexcept : of_(std::move(other.of_)) { ++live_handlers; }
  plain_handler& operator=(plain_handler&&) = delete;
  ~plain_handler();
  void operator()(error_code ec, std::size_t n = 0) {
    auto const done = std::move(of_);
    done->complete(ec, n);
  }

protected:
  verb_ptr of_;
};

/// Counts, and checks that what is given back is what was taken.
template <class T>
struct counting_allocator {
  using value_type = T;
  counting_allocator() = default;
  template <class Other>
  counting_allocator(counting_allocator<Other> const&) noexcept {}
  T* allocate(std::size_t n) {
    live_bytes += static_cast<long>(n * sizeof(T));
    return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(alignof(T))));
  }
  void deallocate(T* p, std::size_t n) {
    live_bytes -= static_cast<long>(n * sizeof(T));
    ::operator delete(p, std::align_val_t(alignof(T)));
  }
  template <class Other>
  bool operator==(counting_allocator<Other> const&) const {
    return true;
  }
};

/// With an executor, an allocator and a cancellation slot of its own.
class bound_handler : public plain_handler {
public:
  using executor_type = asio::any_io_executor;
  using allocator_type = counting_allocator<char>;
  using cancellation_slot_type = asio::cancellation_slot;

  explicit bound_handler(verb_ptr const& of)
      : plain_handler(of),
        executor_(of->where->executor),
        slot_(of->has_slot ? of->signal.slot() : asio::cancellation_slot()) {}

  [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
  [[nodiscard]] allocator_type get_allocator() const noexcept { return {}; }
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }

private:
  executor_type executor_;
  cancellation_slot_type slot_;
};

}  // namespace tls_async::threads
