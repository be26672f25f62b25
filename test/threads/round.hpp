// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One round: makes everything, waits until all is done, and judges what is left.
#pragma once

#include "connection.hpp"
#include "executors.hpp"
#include "watchdog.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tls_async::threads {

/// What the sessions of a generation share.
struct contexts {
  contexts();
  context server, client, client_of_1_2;
};

class round final : private host {
public:
  round(round_plan const& plan, watchdog& dog);
  ~round() = default;
  void run();

private:
  void has_shaken() override;
  void has_finished() override;
  void give(std::function<void()> job) override;
  void spawn(std::function<void()> job) override;

  void make_connection(std::size_t number);
  void work_outside();
  void govern();
  void fork_some_times();
  void wait_for(std::size_t const& counter, std::size_t least);
  void end_others();
  void judge();
  void judge_direction(standing const& from, standing const& to);

  round_plan const& plan_;
  watchdog& dog_;
  executors where_;
  std::shared_ptr<contexts> with_;
  std::vector<std::shared_ptr<contexts>> kept_;
  std::vector<std::shared_ptr<end>> ends_;
  std::vector<std::shared_ptr<standing>> standings_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t shaken_ = 0, finished_ = 0;
  bool is_over_ = false;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> outsiders_, spawned_;
};

/// Open descriptors of this process, but pipes.
[[nodiscard]] std::size_t descriptors();

}  // namespace tls_async::threads
