// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Many connections to a server process, by coroutines over a stack. Fills a load_table.
#pragma once

#include "meter.hpp"
#include "serve.hpp"
#include "server_process.hpp"
#include "stack.hpp"

#include <atomic>
#include <coroutine>
#include <deque>
#include <exception>
#include <string>
#include <thread>

namespace tls_async::bench {

constexpr std::size_t small_bytes = 64;

// Runs `body(i)` for all i below `count`, `at_once` of them at a time.
template <class Stack, class Body>
task<Stack> for_each(typename Stack::loop& loop, std::size_t at_once, std::size_t count,
                     Body body) {
  typename Stack::event all_done(loop);
  std::size_t next = 0, running = std::min(at_once, count);
  auto const worker = [&]() -> task<Stack> {
    while (next < count) {
      std::size_t const mine = next++;
      co_await body(mine);
    }
    if (--running == 0) all_done.set();
  };
  for (std::size_t i = running; i != 0; --i)
    loop.spawn([&] { return worker(); });
  co_await all_done.wait();
}

template <class Stack>
using crowd = std::deque<typename Stack::stream>;

// Adds `count` connections that have sent their kind.
template <class Stack>
task<Stack> connect_crowd(typename Stack::loop& loop, unsigned short port, char const& kind,
                          std::size_t count, crowd<Stack>& connections) {
  job const work;
  co_await for_each<Stack>(loop, 16, count, [&](std::size_t) -> task<Stack> {
    auto s = co_await connected<Stack>(loop, port, work);
    co_await Stack::write(s, &kind, 1);
    connections.push_back(std::move(s));
  });
}

template <class Stack>
task<Stack> round_trip(typename Stack::stream& s, std::string const& message) {
  std::string back(message.size(), ' ');
  co_await Stack::write(s, message.data(), message.size());
  co_await read_all<Stack>(s, back.data(), back.size());
  if (back != message) throw std::runtime_error("wrong plaintext came back");
}

// Connections that wait, after one byte each way.
template <class Stack>
void idle(server_process& server, job const& work, sample& result) {
  run_client<Stack>([&](auto& loop) -> task<Stack> {
    crowd<Stack> connections;
    job const one;
    std::string const byte(1, 'x');
    auto const connect = [&](std::size_t) -> task<Stack> {
      auto s = co_await connected<Stack>(loop, server.port(), one);
      char const first[] = {kind_idle, byte[0]};
      co_await Stack::write(s, first, sizeof(first));
      char back = 0;
      co_await read_all<Stack>(s, &back, 1);
      if (back != byte[0]) throw std::runtime_error("wrong plaintext came back");
      connections.push_back(std::move(s));
    };
    co_await for_each<Stack>(loop, 8, 16, connect);  // What is there once is not counted.
    double const before = server.resident();
    co_await for_each<Stack>(loop, 8, work.at_once, connect);
    result["resident"] = (server.resident() - before) / static_cast<double>(work.at_once);
  });
}

// `each` round trips on each connection, all connections at once.
template <class Stack>
task<Stack> all_at_once(typename Stack::loop& loop, crowd<Stack>& connections, std::uint64_t each,
                        std::string const& message) {
  std::size_t const count = connections.size();
  co_await for_each<Stack>(loop, count, count, [&](std::size_t i) -> task<Stack> {
    for (std::uint64_t j = 0; j < each; ++j)
      co_await round_trip<Stack>(connections[i], message);
  });
}

// What one message costs the server where all connections are busy: each sends its next one when
// the last has come back.
template <class Stack>
task<Stack> keep_busy(typename Stack::loop& loop, server_process& server, crowd<Stack>& connections,
                      job const& work, sample& result) {
  std::string const message = message_of(work.message_bytes);
  // The server may still be at the handshakes, and the first message takes memory from the system.
  co_await all_at_once<Stack>(loop, connections, 1, message);
  std::uint64_t const each = std::max<std::uint64_t>(work.messages / connections.size(), 1);
  server_meter const measured(server);
  co_await all_at_once<Stack>(loop, connections, each, message);
  measured.stop(result, each * connections.size());
}

// The same server with one connection and with all of them, one after the other.
template <class Stack>
void grow(server_process& server, job const& work, sample& result) {
  run_client<Stack>([&](auto& loop) -> task<Stack> {
    crowd<Stack> one, connections;
    sample alone;
    if (work.at_once > 1) {
      co_await connect_crowd<Stack>(loop, server.port(), kind_echo, 1, one);
      co_await keep_busy<Stack>(loop, server, one, work, alone);
    }
    double const before = server.resident();
    co_await connect_crowd<Stack>(loop, server.port(), kind_echo, work.at_once, connections);
    co_await keep_busy<Stack>(loop, server, connections, work, result);
    if (work.at_once > 1) result["growth"] = result["server_cpu"] / alone["server_cpu"];
    // What is there once would be all of it with few connections.
    if (work.at_once >= 100)
      result["resident"] = (server.resident() - before) / static_cast<double>(work.at_once);
  });
}

// Connections that come, exchange one message and go.
template <class Stack>
void churn(server_process& server, job const& work, sample& result) {
  run_client<Stack>([&](auto& loop) -> task<Stack> {
    std::string const message = message_of(small_bytes);
    latencies times(work.messages);
    job const one;
    server_meter const measured(server);
    co_await for_each<Stack>(loop, work.at_once, work.messages, [&](std::size_t) -> task<Stack> {
      auto const start = latencies::clock::now();
      auto s = co_await connected<Stack>(loop, server.port(), one);
      co_await Stack::write(s, &kind_echo, 1);
      co_await round_trip<Stack>(s, message);
      times.add(start);
    });
    measured.stop(result, work.messages);
    times.tell(result);
  });
}

// Runs `noise` on a thread of its own beside `body`; the noise is told when the body has ended.
template <class Noise, class Body>
void beside(Noise noise, Body body) {
  std::atomic<bool> stop = false, quiet = false;
  std::exception_ptr failed;
  std::thread other([&] {
    try {
      noise(stop);
    } catch (...) {
      failed = std::current_exception();
    }
    quiet = true;
  });
  try {
    body(quiet);
  } catch (...) {
    if (!failed) failed = std::current_exception();
  }
  stop = true;
  other.join();
  if (failed) std::rethrow_exception(failed);
}

// Small round trips over many connections while one connection receives all it can. What that one
// gets is told too, since one can be had for the other.
template <class Stack>
void noisy_neighbour(server_process& server, job const& work, sample& result) {
  std::atomic<std::uint64_t> neighbour_bytes = 0;
  beside(
      [&](std::atomic<bool>& stop) {
        run_client<Stack>([&](auto& loop) -> task<Stack> {
          job const one;
          auto s = co_await connected<Stack>(loop, server.port(), one);
          co_await Stack::write(s, &kind_source, 1);
          std::vector<char> buffer(receive_bytes);
          while (!stop)
            neighbour_bytes += co_await Stack::read_some(s, buffer.data(), buffer.size());
        });
      },
      [&](std::atomic<bool>&) {
        run_client<Stack>([&](auto& loop) -> task<Stack> {
          crowd<Stack> connections;
          std::string const message = message_of(small_bytes);
          co_await connect_crowd<Stack>(loop, server.port(), kind_echo, work.at_once, connections);
          latencies times(work.messages);
          // Each walker goes round over connections of its own.
          std::size_t const walkers = std::min<std::size_t>(8, work.at_once);
          auto const begin = latencies::clock::now();
          std::uint64_t const bytes_before = neighbour_bytes;
          co_await for_each<Stack>(loop, walkers, walkers, [&](std::size_t walker) -> task<Stack> {
            std::size_t connection = walker;
            for (std::uint64_t i = 0; i < work.messages / walkers; ++i) {
              auto const start = latencies::clock::now();
              co_await round_trip<Stack>(connections[connection], message);
              times.add(start);
              connection += walkers;
              if (connection >= work.at_once) connection = walker;
            }
          });
          times.tell(result);
          std::chrono::duration<double> const seconds = latencies::clock::now() - begin;
          // In a run of a few round trips nothing may have come.
          auto const got = std::max<std::uint64_t>(neighbour_bytes - bytes_before, 1);
          result["neighbour_64KiB_time"] =
              seconds.count() * receive_bytes / static_cast<double>(got);
        });
      });
}

// Small round trips over a few connections while many others shake hands.
template <class Stack>
void handshake_storm(server_process& server, job const& work, sample& result) {
  std::promise<void> ready;
  beside(
      [&](std::atomic<bool>& stop) {
        ready.get_future().wait();
        run_client<Stack>([&](auto& loop) -> task<Stack> {
          job const one;
          co_await for_each<Stack>(loop, 64, work.messages, [&](std::size_t) -> task<Stack> {
            if (!stop) co_await connected<Stack>(loop, server.port(), one);
          });
        });
      },
      [&](std::atomic<bool>& quiet) {
        try {
          run_client<Stack>([&](auto& loop) -> task<Stack> {
            crowd<Stack> connections;
            std::string const message = message_of(small_bytes);
            co_await connect_crowd<Stack>(loop, server.port(), kind_echo, work.at_once,
                                          connections);
            latencies times(100'000);
            ready.set_value();
            co_await for_each<Stack>(loop, work.at_once, work.at_once,
                                     [&](std::size_t i) -> task<Stack> {
                                       do {
                                         auto const start = latencies::clock::now();
                                         co_await round_trip<Stack>(connections[i], message);
                                         times.add(start);
                                       } while (!quiet);
                                     });
            times.tell(result);
          });
        } catch (...) {
          // Whoever waits for us must not wait for ever. Set twice is no harm here.
          try {
            ready.set_value();
          } catch (std::future_error const&) {
          }
          throw;
        }
      });
}

template <class Stack>
load_table load_table_of() {
  return {idle<Stack>, grow<Stack>, churn<Stack>, noisy_neighbour<Stack>, handshake_storm<Stack>};
}

}  // namespace tls_async::bench
