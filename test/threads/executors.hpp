// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The io_contexts, pools and threads of a round.
#pragma once

#include "place.hpp"
#include "settings.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/thread_pool.hpp>

#include <memory>
#include <thread>
#include <vector>

namespace tls_async::threads {

class executors {
public:
  explicit executors(round_plan const& plan);
  ~executors();
  executors(executors const&) = delete;

  struct places {
    place_ptr home, socket;
    std::vector<place_ptr> others;
  };
  /// For one end of a connection.
  [[nodiscard]] places make_places(bool is_client);
  /// The one that all sockets have; null for a pool.
  [[nodiscard]] asio::io_context* io() { return ios_.empty() ? nullptr : ios_.front().get(); }

  /// Returns when nothing is left to do.
  void run_out();
  /// Returns soon, whatever is left.
  void stop();
  /// Destroys them with what is left.
  void destroy();

private:
  using guard = asio::executor_work_guard<asio::io_context::executor_type>;
  void add_io(unsigned threads);
  place_ptr strand_of(asio::io_context& io);
  place_ptr strand_of_pool();
  [[nodiscard]] bool has_pool() const;

  way runs_;
  std::vector<std::unique_ptr<asio::io_context>> ios_;
  std::unique_ptr<asio::thread_pool> pool_;
  std::vector<guard> work_;
  std::vector<std::thread> threads_;
  std::vector<place_ptr> others_;
  place_ptr one_;
};

}  // namespace tls_async::threads
