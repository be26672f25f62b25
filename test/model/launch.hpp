// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The ways in which a verb of a stream is told its result: from an initiation that takes any
// completion token to the listener.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "subject.hpp"

namespace tls_async::test::model {

class launcher {
public:
  launcher(boost::asio::io_context& io, listener& told)
      : io_(io), strand_(boost::asio::make_strand(io)), told_(told) {}

  /// `initiate(token)` starts the verb, if `is_alive`, which is asked when it begins. The handler
  /// keeps `owner`, as a coroutine frame keeps the stream.
  template <class Owner, class Alive, class Initiate>
  void operator()(verb_ptr const& which, Owner const& owner, Alive is_alive, Initiate initiate) {
    if (which->asked.told == way::future) {
      told_.begun(*which);
      // By itself it would be told on a thread of the system's.
      futures_.push_back({which, initiate(boost::asio::bind_executor(
                                     io_.get_executor(), boost::asio::use_future(result_of)))});
      return;
    }
    if (which->asked.told == way::coroutine) {
      boost::asio::co_spawn(
          io_, await(told_, io_.get_executor(), which, std::move(is_alive), std::move(initiate)),
          boost::asio::bind_cancellation_slot(which->signal.slot(), boost::asio::detached));
      return;
    }
    told_.begun(*which);
    bool const on_strand = which->asked.told == way::strand;
    auto tell = boost::asio::bind_cancellation_slot(
        which->signal.slot(), [owner, which, on_strand, told = &told_, io = io_.get_executor(),
                               strand = strand_](error_code ec, std::size_t n = 0) {
          bool const is_there =
              on_strand ? strand.running_in_this_thread() : io.running_in_this_thread();
          told->ended(which, ec, n, !is_there);
        });
    if (on_strand) {
      initiate(boost::asio::bind_executor(strand_, std::move(tell)));
    } else {
      initiate(std::move(tell));
    }
  }

  /// Tells of the futures that are ready. True if there were any.
  bool tell_futures() {
    std::vector<pending> ready;
    for (auto next = futures_.begin(); next != futures_.end();) {
      if (next->result.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
        ++next;
        continue;
      }
      ready.push_back(std::move(*next));
      next = futures_.erase(next);
    }
    for (auto& one : ready) {
      auto const [ec, n] = one.result.get();
      told_.ended(one.of, ec, n, false);
    }
    return !ready.empty();
  }

private:
  // as_tuple and use_future don't go together in Boost 1.81.
  static constexpr auto result_of = [](error_code ec, std::size_t n = 0) {
    return std::pair(ec, n);
  };
  struct pending {
    verb_ptr of;
    std::future<std::pair<error_code, std::size_t>> result;
  };

  template <class Executor, class Alive, class Initiate>
  static boost::asio::awaitable<void> await(listener& told, Executor io, verb_ptr which,
                                            Alive is_alive, Initiate initiate) {
    // Terminal alone would be let through otherwise.
    co_await boost::asio::this_coro::reset_cancellation_state(
        boost::asio::enable_total_cancellation());
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    if (!is_alive()) {
      which->was_refused_here = true;
      told.ended(which, boost::asio::error::operation_aborted, 0, false);
      co_return;
    }
    told.begun(*which);
    auto const result = co_await initiate(boost::asio::as_tuple(boost::asio::use_awaitable));
    std::size_t n = 0;
    if constexpr (std::tuple_size_v<std::remove_cvref_t<decltype(result)>> == 2)
      n = std::get<1>(result);
    told.ended(which, std::get<0>(result), n, !io.running_in_this_thread());
  }

  boost::asio::io_context& io_;
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  listener& told_;
  std::vector<pending> futures_;
};

}  // namespace tls_async::test::model
