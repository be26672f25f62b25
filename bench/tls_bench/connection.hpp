// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What every side begins and ends with: a loop of its own, a connection, reading to the end.
#pragma once

#include "contexts.hpp"
#include "sample.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <future>
#include <stdexcept>

namespace tls_async::bench {

constexpr std::size_t receive_bytes = 64 * 1024;

// Runs `body` on a loop of its own, to its end.
template <class Stack, class Body>
void run_server(std::promise<unsigned short>& port, Body body) {
  typename Stack::loop loop;
  typename Stack::listener listener(loop);
  port.set_value(listener.port());
  loop.spawn([&] { return body(loop, listener); });
  loop.run();
}
template <class Stack, class Body>
void run_client(Body body) {
  typename Stack::loop loop;
  loop.spawn([&] { return body(loop); });
  loop.run();
}

template <class Stack>
using task = typename Stack::template awaitable<void>;

template <class Stack>
typename Stack::template awaitable<typename Stack::stream> accepted(
    typename Stack::listener& listener, job const& work) {
  auto s =
      Stack::make(co_await listener.accept(), context_of(role::server, work.protocol, work.check));
  co_await Stack::handshake(s, role::server);
  co_return s;
}
template <class Stack>
typename Stack::template awaitable<typename Stack::stream> connected(typename Stack::loop& loop,
                                                                     unsigned short port,
                                                                     job const& work) {
  auto s = Stack::make(co_await Stack::connect(loop, port),
                       context_of(role::client, work.protocol, work.check));
  co_await Stack::handshake(s, role::client);
  co_return s;
}

// Reads exactly `n` bytes.
template <class Stack>
task<Stack> read_all(typename Stack::stream& s, char* data, std::size_t n) {
  while (n != 0) {
    std::size_t const some = co_await Stack::read_some(s, data, n);
    data += some;
    n -= some;
  }
}
// The sender closes only when all has arrived.
template <class Stack>
task<Stack> take_answer(typename Stack::stream& s) {
  char answer = 0;
  co_await read_all<Stack>(s, &answer, 1);
  if (answer != 'k') throw std::runtime_error("wrong answer");
}
// Reads until the peer ends, which may look like an error.
template <class Stack>
task<Stack> read_to_end(typename Stack::stream& s) {
  char rest = 0;
  try {
    co_await Stack::read_some(s, &rest, 1);
  } catch (std::exception const&) {
    co_return;
  }
  throw std::runtime_error("too much plaintext arrived");
}

}  // namespace tls_async::bench
