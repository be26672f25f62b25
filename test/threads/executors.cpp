// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Which executors an end gets, by the way its round runs.
#include "executors.hpp"

#include "counts.hpp"

#include <boost/asio/strand.hpp>

#include <exception>

namespace tls_async::threads {

executors::executors(round_plan const& plan) : runs_(plan.runs) {
  if (has_pool()) pool_ = std::make_unique<asio::thread_pool>(plan.threads);
  if (runs_ != way::pool && runs_ != way::pool_chain) add_io(plan.threads);
  if (runs_ == way::two_contexts || runs_ == way::scattered) add_io(plan.threads);
  if (runs_ == way::other_strands) others_ = {strand_of(*ios_.front()), strand_of(*ios_.front())};
  if (runs_ == way::scattered)
    others_ = {strand_of(*ios_.front()), strand_of(*ios_.back()), strand_of_pool()};
}

bool executors::has_pool() const {
  return runs_ == way::pool || runs_ == way::pool_chain || runs_ == way::elsewhere ||
         runs_ == way::scattered;
}

executors::~executors() { destroy(); }

void executors::add_io(unsigned threads) {
  auto& io = *ios_.emplace_back(std::make_unique<asio::io_context>(static_cast<int>(threads)));
  work_.emplace_back(io.get_executor());
  for (unsigned i = 0; i != threads; ++i) {
    threads_.emplace_back([&io] {
      try {
        io.run();
      } catch (std::exception const& thrown) {
        complain(std::string("run() throws ") + thrown.what());
      }
    });
  }
}

place_ptr executors::strand_of(asio::io_context& io) {
  auto const strand = asio::make_strand(io);
  auto made = make_place(strand, true);
  made->io = &io;
  made->strand = strand;
  return made;
}

place_ptr executors::strand_of_pool() {
  return make_place(asio::make_strand(pool_->get_executor()), true);
}

executors::places executors::make_places(bool is_client) {
  auto const raw = [this](bool is_strand) {
    auto made = make_place(ios_.front()->get_executor(), is_strand);
    made->io = ios_.front().get();
    return made;
  };
  switch (runs_) {
    case way::single:
      if (!one_) one_ = raw(true);
      return {one_, one_, {}};
    case way::strand:
    case way::other_strands:
    case way::scattered: {
      auto const strand = strand_of(*ios_.front());
      return {strand, strand, others_};
    }
    case way::bound:
      return {strand_of(*ios_.front()), raw(false), {}};
    case way::chain: {
      auto const any = raw(false);
      return {any, any, {}};
    }
    case way::pool: {
      auto const strand = strand_of_pool();
      return {strand, strand, {}};
    }
    case way::pool_chain: {
      auto const any = make_place(pool_->get_executor(), false);
      return {any, any, {}};
    }
    case way::elsewhere:
      return {strand_of_pool(), raw(false), {}};
    case way::two_contexts: {
      auto const strand = strand_of(is_client ? *ios_.front() : *ios_.back());
      return {strand, strand, {}};
    }
  }
  return {};
}

void executors::run_out() {
  // What runs in the pool may be started from an io_context, and the other way round.
  work_.clear();
  for (auto& thread : threads_)
    thread.join();
  threads_.clear();
  if (pool_) pool_->join();
}

void executors::stop() {
  for (auto& io : ios_)
    io->stop();
  if (pool_) pool_->stop();
  run_out();
}

void executors::destroy() {
  if (!threads_.empty()) stop();
  others_.clear();
  one_.reset();
  work_.clear();
  pool_.reset();
  ios_.clear();
}

}  // namespace tls_async::threads
