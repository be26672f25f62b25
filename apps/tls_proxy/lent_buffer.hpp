// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A buffer for bytes under way: borrowed when there is something to carry, and given back when that
// is gone, so that a connection that waits holds none. Each thread keeps a few for the next, the
// last one first, which is still in the cache.
#pragma once

#include <boost/asio/buffer.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace tls_proxy {

class lent_buffer {
public:
  static constexpr std::size_t bytes = 32'768;  // two records
  static constexpr std::size_t most_kept = 32;  // by a thread

  lent_buffer() = default;
  lent_buffer(lent_buffer const&) = delete;
  lent_buffer& operator=(lent_buffer const&) = delete;
  ~lent_buffer() { give_back(); }

  // Holds whatever was in it before. Throws std::bad_alloc.
  void borrow() {
    if (place_) return;
    auto& kept = kept_here();
    if (kept.count == 0)
      place_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
    else
      place_ = std::move(kept.places[--kept.count]);
  }
  // On any thread, which keeps it then.
  void give_back() noexcept {
    if (!place_) return;
    auto& kept = kept_here();
    if (kept.count < most_kept) kept.places[kept.count++] = std::move(place_);
    place_.reset();
  }

  // Of one that is borrowed.
  boost::asio::mutable_buffer all() const noexcept { return {place_.get(), bytes}; }

private:
  using place = std::unique_ptr<std::byte[]>;

  // Takes no memory: a thread may give back what it has not borrowed.
  struct blocks {
    std::array<place, most_kept> places;
    std::size_t count = 0;
  };
  static blocks& kept_here() noexcept {
    static constinit thread_local blocks kept;
    return kept;
  }

  place place_;
};

}  // namespace tls_proxy
