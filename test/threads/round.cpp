// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The course of a round.
#include "round.hpp"

#include <tls_async_test/certificates.hpp>

#include <boost/asio/post.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <future>
#include <system_error>
#include <utility>

namespace tls_async::threads {
namespace {

stream_options patient_options(bool has_small_records) {
  stream_options options;
  // Nothing but what a verb is given ends it.
  options.handshake_deadline = options.shutdown_deadline = options.write_stall_deadline =
      time_limit::none();
  options.most_key_updates_in_a_row = options.most_key_updates_per_second = 0;
  options.most_handshake_messages_in_a_row = 0;
  if (has_small_records) options.small_record_bytes = 1'300;
  return options;
}

}  // namespace

// Pipes are none of ours. ThreadSanitizer opens two, to the program that knows the names of
// functions, when it meets its first race, be it one that is suppressed.
std::size_t descriptors() {
  std::size_t count = 0;
  for (auto const& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code unknown;
    if (!read_symlink(each.path(), unknown).string().starts_with("pipe:")) ++count;
  }
  return count;
}

contexts::contexts()
    : server(context::role::server),
      client(context::role::client),
      client_of_1_2(context::role::client) {
  server.use_certificate_chain(test::server_identity().certificate_chain);
  server.use_private_key(test::server_identity().private_key);
  for (context* const one : {&client, &client_of_1_2})
    one->trust(test::server_identity().authority);
  client_of_1_2.set_versions(context::version::tls1_2, context::version::tls1_2);
}

round::round(round_plan const& plan, watchdog& dog)
    : plan_(plan), dog_(dog), where_(plan), with_(std::make_shared<contexts>()) {
  kept_.push_back(with_);
}

void round::make_connection(std::size_t number) {
  connection_plan const& planned = plan_.connections[number];
  count("connections");
  count(std::string("over ") + name_of(planned.over));
  count(planned.tls_1_2 ? "TLS 1.2" : "TLS 1.3");
  // Every other generation is destroyed while its streams live.
  if (plan_.reload_every != 0 && number % plan_.reload_every == plan_.reload_every - 1) {
    count("reloads");
    with_ = std::make_shared<contexts>();
    if (number % 2 == 0) kept_.push_back(with_);
    if (kept_.size() > 2) kept_.erase(kept_.begin());
  }
  std::array<std::shared_ptr<standing>, 2> sides;
  for (std::size_t i : {0U, 1U}) {
    sides[i] = std::make_shared<standing>();
    sides[i]->name = std::string(i == 0 ? "client " : "server ") + std::to_string(number) +
                     " over " + name_of(planned.over);
    end_plan const& of = i == 0 ? planned.client : planned.server;
    sides[i]->sent = std::make_unique<transcript>(2 * number + i, of.writers);
    standings_.push_back(sides[i]);
  }
  auto const surround = [&](bool is_client) {
    auto const at = where_.make_places(is_client);
    std::size_t const me = is_client ? 0 : 1;
    return end::surroundings{this,      &planned,  is_client ? &planned.client : &planned.server,
                             is_client, at.home,   at.socket,
                             at.others, sides[me], sides[1 - me]};
  };
  static stream_options const full = patient_options(false), small = patient_options(true);
  ingredients const of{surround(true), surround(false),
                       planned.tls_1_2 ? with_->client_of_1_2 : with_->client, with_->server,
                       number % 4 == 0 ? small : full};
  auto const make = [&] {
    switch (planned.over) {
      case transport::tcp:
        return over_tcp(of);
      case transport::tcp_raw:
        return over_tcp_raw(of);
      case transport::tcp_strand:
        return over_tcp_strand(of);
      case transport::tcp_ref:
        return over_tcp_ref(of);
      case transport::local:
        return over_local(of);
      case transport::beast:
      case transport::beast_timed:
        return over_beast(of);
      case transport::nested:
        return over_nested(of);
    }
    return both_ends();
  };
  auto const made = make();
  ends_.insert(ends_.end(), {made.first, made.second});
  made.first->begin();
  made.second->begin();
}

void round::run() {
  count("rounds");
  count(std::string("way ") + name_of(plan_.runs));
  dog_.says("connections are made");
  for (unsigned i = 0; i != plan_.outsiders; ++i)
    outsiders_.emplace_back([this] { work_outside(); });
  for (std::size_t i = 0; i != plan_.connections.size(); ++i) {
    make_connection(i);
    dog_.watch(standings_);
  }
  std::size_t const all = ends_.size();
  if (plan_.is_abandoned) {
    dog_.says("handshakes are waited for");
    wait_for(shaken_, all / 2);
    count("io_context destroyed");
    for (auto const& one : standings_)
      one->is_abandoned = true;
    where_.stop();
    end_others();
  } else {
    std::thread governor([this] { govern(); });
    dog_.says("ends are waited for");
    wait_for(finished_, all);
    governor.join();
    end_others();
    dog_.says("streams are destroyed");
    for (std::size_t i = 0; i != all; ++i) {
      auto const over = plan_.connections[i / 2].over;
      bool const may_stay = over != transport::beast && over != transport::beast_timed;
      if (!plan_.keeps_streams || !may_stay) ends_[i]->leave();
    }
    dog_.says("run() is to return");
    where_.run_out();
  }
  dog_.says("all is destroyed");
  // Of an io_context that is abandoned, what is in progress owns the streams.
  ends_.clear();
  where_.destroy();
  judge();
  dog_.rest();
}

void round::has_shaken() {
  std::lock_guard const alone(mutex_);
  ++shaken_;
  changed_.notify_all();
}

void round::has_finished() {
  std::lock_guard const alone(mutex_);
  ++finished_;
  changed_.notify_all();
}

void round::give(std::function<void()> job) {
  std::lock_guard const alone(mutex_);
  jobs_.push_back(std::move(job));
  changed_.notify_all();
}

void round::spawn(std::function<void()> job) {
  std::lock_guard const alone(mutex_);
  spawned_.emplace_back(std::move(job));
}

void round::wait_for(std::size_t const& counter, std::size_t least) {
  std::unique_lock alone(mutex_);
  changed_.wait(alone, [&] { return counter >= least; });
}

void round::work_outside() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock alone(mutex_);
      changed_.wait(alone, [this] { return is_over_ || !jobs_.empty(); });
      if (is_over_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

void round::end_others() {
  {
    std::lock_guard const alone(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  for (auto* const all : {&outsiders_, &spawned_}) {
    for (auto& thread : *all)
      thread.join();
  }
  jobs_.clear();
}

// What a context allows only while none of its sessions is being made or in its handshake.
void round::govern() {
  wait_for(shaken_, standings_.size());
  for (std::size_t const budget : plan_.budgets) {
    count("budgets");
    for (auto const& generation : kept_) {
      generation->server.set_memory_budget(budget);
      generation->client.set_memory_budget(budget / 2);
      (void)generation->server.memory_usage();
    }
    std::this_thread::yield();
  }
  if (plan_.renews) {
    count("renewals");
    auto const& fresh = test::make_identity(test::identity_kind::server_intermediate);
    with_->server.use_certificate_chain(fresh.certificate_chain);
    with_->server.use_private_key(fresh.private_key);
  }
  if (!plan_.tells_of_forks) return fork_some_times();
  std::promise<void> done;
  asio::post(*where_.io(), [&] {
    count("forks told");
    where_.io()->notify_fork(asio::execution_context::fork_prepare);
    fork_some_times();
    where_.io()->notify_fork(asio::execution_context::fork_parent);
    done.set_value();
  });
  done.get_future().wait();
}

// The child does nothing but end, as POSIX wants it of a child of several threads.
void round::fork_some_times() {
  for (unsigned i = 0; i != plan_.forks; ++i) {
    count("forks");
    ::pid_t const child = ::fork();
    if (child == 0) ::_exit(0);
    int status = 0;
    if (child == -1 || ::waitpid(child, &status, 0) != child) complain("a fork failed");
    std::this_thread::yield();
  }
}

void round::judge() {
  for (auto const& generation : kept_) {
    for (context* const one :
         {&generation->server, &generation->client, &generation->client_of_1_2}) {
      if (one->memory_usage() != 0)
        complain("a context says that " + std::to_string(one->memory_usage()) +
                 " bytes are held by its streams, which are gone");
    }
  }
  if (live_handlers != 0)
    complain(std::to_string(live_handlers.exchange(0)) + " handlers are left");
  if (live_bytes != 0)
    complain(std::to_string(live_bytes.exchange(0)) + " bytes are not given back");
  for (std::size_t i = 0; i != standings_.size(); i += 2) {
    judge_direction(*standings_[i], *standings_[i + 1]);
    judge_direction(*standings_[i + 1], *standings_[i]);
  }
}

void round::judge_direction(standing const& from, standing const& to) {
  bool const is_whole = to.has_ended && !to.discards && !to.is_abandoned;
  bool const is_disturbed = from.is_broken || to.is_broken || to.discards || from.is_abandoned;
  if (!is_whole && !is_disturbed) complain(to.name + " has not met the end");
  for (int what = 0; what != verb_kinds; ++what) {
    if (from.in_progress[static_cast<std::size_t>(what)] != 0 && !from.is_abandoned)
      complain(from.name + ": a " + name_of(static_cast<verb_kind>(what)) + " has not ended");
  }
  if (to.discards) return;  // a part of it in the middle may be missing
  std::string const difference = from.sent->difference(is_whole);
  if (!difference.empty()) complain("from " + from.name + ": " + difference);
}

}  // namespace tls_async::threads
