// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One side of a session as a script of coroutines, which stops doing anything at its first error
// and remembers which verb it is in.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "memory_session.hpp"

namespace tls_async::test {

// Errors as values.
inline constexpr auto as_value = boost::asio::as_tuple(boost::asio::use_awaitable);

struct scripted_side {
  scripted_side(memory_tls& stream_of_side, bool client, std::vector<std::string> messages)
      : s(stream_of_side), is_client(client), outbox(std::move(messages)) {}

  memory_tls& s;
  bool const is_client;
  std::vector<std::string> const outbox;

  std::string sent;  ///< What was given to a write.
  std::string received;
  char const* doing = "nothing";  ///< Which verb hangs, if one does.
  error_code first;               ///< The first error.
  // What the verbs say when they are called again after the first error.
  error_code handshake_again, read_again, write_again, shutdown_again;
  bool shaken = false;
  bool has_session =
      false;  ///< Also if its handshake failed because its last flight did not leave.
  bool finished = false;

  // Each does nothing once there is an error. co_await stands in statements of its own: GCC 12
  // miscompiles it inside `?:` and `&&`.
  boost::asio::awaitable<error_code> shake_hands() {
    if (is_client) {
      auto const [ec] = co_await tls_handshake(s, as_client{"localhost"}, as_value);
      co_return ec;
    }
    auto const [ec] = co_await tls_handshake(s, as_server{}, as_value);
    co_return ec;
  }
  boost::asio::awaitable<void> handshake() {
    doing = "handshake";
    first = co_await shake_hands();
    shaken = !first;
  }
  boost::asio::awaitable<void> write_all() {
    for (auto message = outbox.begin(); !first && message != outbox.end(); ++message) {
      doing = "write";
      sent += *message;
      auto const [ec, n] = co_await tls_write(s, boost::asio::buffer(*message), as_value);
      first = ec;
    }
  }
  boost::asio::awaitable<void> read(std::size_t wanted) {
    std::array<char, 10'000> place;
    while (!first && received.size() < wanted) {
      doing = "read";
      auto const [ec, n] = co_await tls_read_some(s, boost::asio::buffer(place), as_value);
      BOOST_TEST((!ec || n == 0));
      received.append(place.data(), n);
      first = ec;
    }
  }
  boost::asio::awaitable<void> close_write() {
    if (first) co_return;
    doing = "close_write";
    auto const [ec] = co_await tls_close_write(s, as_value);
    first = ec;
  }
  boost::asio::awaitable<void> shutdown() {
    if (first) co_return;
    doing = "shutdown";
    auto const [ec] = co_await tls_shutdown(s, as_value);
    first = ec;
  }
};

inline void spawn(boost::asio::io_context& io, scripted_side& party,
                  boost::asio::awaitable<void> script) {
  boost::asio::co_spawn(io, std::move(script), [&party](std::exception_ptr thrown) {
    BOOST_TEST((thrown == nullptr));
    party.finished = true;
  });
}

inline std::size_t size_of(std::vector<std::string> const& messages) {
  std::size_t size = 0;
  for (auto const& message : messages)
    size += message.size();
  return size;
}

}  // namespace tls_async::test
