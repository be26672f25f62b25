// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The server of the loads in load.hpp, for any number of connections.
#pragma once

#include "connection.hpp"

#include <coroutine>
#include <cstddef>
#include <future>
#include <utility>
#include <vector>

namespace tls_async::bench {

// The first byte of a connection is its kind.
constexpr char kind_echo = 'e';    // Sends back what comes.
constexpr char kind_idle = 'i';    // The same, but holds next to nothing while it waits.
constexpr char kind_source = 's';  // Sends without end.

template <class Stack>
task<Stack> echo(typename Stack::stream& s, std::size_t buffer_bytes) {
  std::vector<char> buffer(buffer_bytes);
  while (true) {
    std::size_t const n = co_await Stack::read_some(s, buffer.data(), buffer.size());
    co_await Stack::write(s, buffer.data(), n);
  }
}
template <class Stack>
task<Stack> send_without_end(typename Stack::stream& s) {
  std::vector<char> const message(receive_bytes);
  while (true)
    co_await Stack::write(s, message.data(), message.size());
}
template <class Stack>
task<Stack> serve_one(typename Stack::stream& s) {
  try {
    co_await Stack::handshake(s, role::server);
    char byte = 0;
    co_await read_all<Stack>(s, &byte, 1);
    if (byte == kind_source) co_await send_without_end<Stack>(s);
    if (byte == kind_echo) co_await echo<Stack>(s, 16 * 1024);
    while (true) {
      co_await read_all<Stack>(s, &byte, 1);
      co_await Stack::write(s, &byte, 1);
    }
  } catch (std::exception const&) {
    co_return;  // The peer has left.
  }
}
template <class Stack>
void serve(std::promise<unsigned short>& port) {
  run_server<Stack>(port, [&](auto& loop, auto& listener) -> task<Stack> {
    [[maybe_unused]] std::vector<typename Stack::stream> kept;
    while (true) {
      auto s = Stack::make(co_await listener.accept(), context_of(role::server, 13));
      if constexpr (Stack::concurrent) {
        loop.spawn([s = std::move(s)]() mutable { return serve_one<Stack>(s); });
      } else {
        co_await Stack::handshake(s, role::server);
        char bytes[2] = {};
        co_await read_all<Stack>(s, bytes, 2);
        co_await Stack::write(s, bytes + 1, 1);
        kept.push_back(std::move(s));
      }
    }
  });
}

}  // namespace tls_async::bench
