// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Where handlers run: an executor, and how to know that we are there.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace tls_async::threads {

namespace asio = boost::asio;

struct place {
  using strand_type = asio::strand<asio::io_context::executor_type>;

  asio::any_io_executor executor;
  std::function<bool()> is_here;
  /// Nothing overlaps here: a strand, or one thread.
  bool is_strand = false;
  /// For sockets whose executor has another type.
  asio::io_context* io = nullptr;
  std::optional<strand_type> strand;

  std::atomic<bool> is_taken = false;  ///< A handler of ours is running.
  /// Touched by each handler, without a lock: ThreadSanitizer sees two that overlap.
  std::size_t handlers = 0;
};
using place_ptr = std::shared_ptr<place>;

template <class Executor>
place_ptr make_place(Executor const& executor, bool is_strand) {
  auto made = std::make_shared<place>();
  made->executor = executor;
  made->is_here = [executor] { return executor.running_in_this_thread(); };
  made->is_strand = is_strand;
  return made;
}

}  // namespace tls_async::threads
