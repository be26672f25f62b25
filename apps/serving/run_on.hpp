// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The one way in which a coroutine waits for another that runs on another executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace serving {

// Runs `work` on `executor` and completes on the caller's own.
//
// Cancellation stays with the caller, who ends at its next wait once `work` has come back. A
// cancellation slot belongs to one executor: co_spawn would emit on the other one's signal from the
// caller's thread, by a raw pointer (Boost 1.81), while `work` ends and frees it on its own.
template <class T>
boost::asio::awaitable<T> run_on(boost::asio::any_io_executor executor,
                                 boost::asio::awaitable<T> work) {
  namespace asio = boost::asio;
  co_return co_await asio::co_spawn(
      executor, std::move(work),
      asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
}

}  // namespace serving
