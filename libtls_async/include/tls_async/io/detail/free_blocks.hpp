// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Memory for the nodes of verbs, recycled, so that a verb in the steady state allocates nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>

namespace tls_async::detail {

/// Blocks that are free, by size. One a thread, not one a stream: a stream that waits then keeps
/// none, and the block that is taken was used last. What was not needed for a while is freed by
/// halves, as in the pool of pairs (core/ring.cpp).
class free_blocks {
public:
  free_blocks(free_blocks const&) = delete;
  free_blocks& operator=(free_blocks const&) = delete;

  /// A place for one T, aligned as its type says: a handler may hold what a vector register takes.
  template <class T>
  static void* take() {
    constexpr std::size_t size = rounded(sizeof(T));
    if constexpr (is_over_aligned<T>) {
      return ::operator new(size, std::align_val_t(alignof(T)));
    } else {
      if (is_recycled(size)) {
        auto& blocks = of_thread();
        if (auto& list = blocks.lists_[index_of(size)]; list.first != nullptr) {
          list.low_water = std::min(list.low_water, list.count - 1);
          blocks.bytes_ -= size;
          return list.pop();
        }
      }
      return ::operator new(size);
    }
  }

  /// Of a T that has been destroyed.
  template <class T>
  static void give(void* place) noexcept {
    constexpr std::size_t size = rounded(sizeof(T));
    if constexpr (is_over_aligned<T>) {
      ::operator delete(place, std::align_val_t(alignof(T)));
    } else {
      if (is_recycled(size)) {
        auto& blocks = of_thread();
        if (blocks.bytes_ + size <= most_bytes) {
          blocks.lists_[index_of(size)].push(place);
          blocks.bytes_ += size;
          if (++blocks.gives_ % gives_between_trims == 0) blocks.trim();
          return;
        }
      }
      ::operator delete(place);
    }
  }

  /// What is really allocated for so many bytes.
  static constexpr std::size_t rounded(std::size_t size) noexcept {
    return (size + step - 1) / step * step;
  }

private:
  template <class T>
  static constexpr bool is_over_aligned = alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;

  struct block {
    block* next;
  };
  struct list {
    block* first = nullptr;
    unsigned count = 0;
    unsigned low_water = 0;  // there were never fewer since the last trim

    void push(void* place) noexcept {
      first = ::new (place) block{first};
      ++count;
    }
    void* pop() noexcept {
      block* const popped = first;
      first = popped->next;
      --count;
      return popped;
    }
  };
  static constexpr std::size_t step = 16;
  static constexpr std::size_t largest = 1024;
  static constexpr std::size_t most_bytes = std::size_t{1} << 18;
  static constexpr unsigned gives_between_trims = 64;

  free_blocks() = default;
  ~free_blocks() {
    is_gone() = true;
    for (list& each : lists_) {
      while (each.first != nullptr)
        ::operator delete(each.pop());
    }
  }

  static free_blocks& of_thread() {
    static thread_local free_blocks blocks;
    return blocks;
  }
  // A stream may outlive its thread's blocks, at the end of the program.
  static bool& is_gone() noexcept {
    static thread_local bool gone = false;
    return gone;
  }
  static bool is_recycled(std::size_t size) noexcept { return size <= largest && !is_gone(); }
  static constexpr std::size_t index_of(std::size_t size) noexcept {
    return rounded(size) / step - 1;
  }

  void trim() noexcept {
    for (std::size_t i = 0; i != lists_.size(); ++i) {
      list& each = lists_[i];
      for (unsigned n = (each.low_water + 1) / 2; n != 0; --n) {
        ::operator delete(each.pop());
        bytes_ -= (i + 1) * step;
      }
      each.low_water = each.count;
    }
  }

  std::array<list, largest / step> lists_{};
  std::size_t bytes_ = 0;
  unsigned gives_ = 0;
};

}  // namespace tls_async::detail
