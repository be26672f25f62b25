// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The executor of one side of the test on an event loop that several share: what it runs, it runs
// with the trap armed, or not. So only the work of the connection under torture can fail.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

#include <type_traits>
#include <utility>

#include "trap.hpp"

namespace tls_async::test::torture {

template <class Inner>
class side_executor {
public:
  side_executor(Inner inner, bool is_tortured) noexcept
      : inner_(std::move(inner)), is_tortured_(is_tortured) {}

  template <class Property>
  requires boost::asio::can_query<Inner const&, Property>::value decltype(auto) query(
      Property const& property) const {
    return boost::asio::query(inner_, property);
  }
  template <class Property>
  requires boost::asio::can_require<Inner const&, Property>::value auto require(
      Property const& property) const {
    auto required = boost::asio::require(inner_, property);
    return side_executor<decltype(required)>(std::move(required), is_tortured_);
  }
  template <class Property>
  requires boost::asio::can_prefer<Inner const&, Property>::value auto prefer(
      Property const& property) const {
    auto preferred = boost::asio::prefer(inner_, property);
    return side_executor<decltype(preferred)>(std::move(preferred), is_tortured_);
  }

  template <class Function>
  void execute(Function&& function) const {
    inner_.execute([run = std::forward<Function>(function), on = is_tortured_]() mutable {
      armed const scope(on);
      std::move(run)();
    });
  }

  bool operator==(side_executor const& other) const noexcept {
    return inner_ == other.inner_ && is_tortured_ == other.is_tortured_;
  }

private:
  Inner inner_;
  bool is_tortured_;
};

inline boost::asio::any_io_executor executor_of_side(boost::asio::io_context& io,
                                                     bool is_tortured) {
  return side_executor<boost::asio::io_context::executor_type>(io.get_executor(), is_tortured);
}

}  // namespace tls_async::test::torture
