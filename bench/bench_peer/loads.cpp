// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "loads.hpp"

#include "backend.hpp"
#include "client.hpp"
#include "meter.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <latch>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tls_async::bench {
namespace {

std::string content_of(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::string name_of(std::string const& path) {
  return std::filesystem::path(path).filename().string();
}

void ready_and_told_to_go() {
  std::cout << "ready" << std::endl;
  std::string line;
  if (!std::getline(std::cin, line)) throw std::runtime_error("standard input ended, no start");
}

// Made on the thread that repeats it, which is when it warms up.
using repetition = std::function<void()>;

/// How often it was done, by all threads. Throws what the first one threw.
std::uint64_t repeat(amount const& of, std::function<repetition()> const& make) {
  using clock = std::chrono::steady_clock;
  std::latch warm(of.connections), start(1);
  clock::time_point end;
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> count{0};
  std::exception_ptr failed;
  std::mutex of_failed;
  auto const fail = [&] {
    std::lock_guard const lock(of_failed);
    if (!failed) failed = std::current_exception();
    over = true;
  };
  auto const work = [&] {
    repetition once;
    try {
      once = make();
    } catch (...) {
      fail();
    }
    warm.count_down();
    start.wait();
    if (over) return;
    try {
      do {
        once();
        ++count;
      } while (!over && clock::now() < end);
    } catch (...) {
      fail();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < of.connections; ++i)
      threads.emplace_back(work);
    warm.wait();
    try {
      if (!over) ready_and_told_to_go();
    } catch (...) {
      fail();
    }
    end = clock::now() + of.time;
    start.count_down();
  }
  if (failed) std::rethrow_exception(failed);
  return count;
}

// The same number each time, or the connections can't be compared.
class same_number {
public:
  void take(std::size_t number) {
    std::size_t first = none;
    if (!number_.compare_exchange_strong(first, number) && first != number)
      throw std::runtime_error(std::to_string(number) + " tickets on a connection, " +
                               std::to_string(first) + " on another");
  }
  [[nodiscard]] std::size_t value() const { return number_; }

private:
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  std::atomic<std::size_t> number_{none};
};

void read_to_end(client& over) {
  char rest = 0;
  if (over.read_some(&rest, 1) != 0) throw std::runtime_error("too much plaintext arrived");
}

// One piece there and its answer back.
void send_piece(client& over, std::string const& piece) {
  over.write(piece.data(), piece.size());
  char answer = 0;
  if (over.read_some(&answer, 1) != 1 || answer != piece_taken)
    throw std::runtime_error("wrong answer");
}

// A piece there and back. The window is smaller than any socket's buffers, so that a backend that
// only reads when it has written never waits for us.
void exchange_piece(client& over, std::string const& piece) {
  constexpr std::size_t step = 16'384, window = 4 * step;
  expected_plaintext back(piece, true);
  std::array<char, step> buffer;
  for (std::size_t sent = 0; back.taken() < piece.size();) {
    for (; sent < piece.size() && sent - back.taken() < window; sent += step)
      over.write(piece.data() + sent, step);
    std::size_t const some = over.read_some(buffer.data(), buffer.size());
    if (some == 0) throw std::runtime_error("the connection ended");
    back.take(buffer.data(), some);
  }
}

// The same over and over on each connection; the first time is not counted.
void repeat_on_kept(amount const& of, std::function<void(client&)> const& once) {
  auto const done = repeat(of, [&]() -> repetition {
    auto const mine = std::make_shared<tickets>();
    auto const over = std::make_shared<client>(of.port, *mine, false);
    once(*over);
    return [&once, mine, over] { once(*over); };
  });
  std::cout << "{\"done\": " << done << '}' << std::endl;
}

}  // namespace

void short_connections(amount const& of, std::string const& file, bool resume, closer who) {
  std::string const name = name_of(file), wanted = content_of(file);
  same_number tickets_each;
  std::atomic<std::uint64_t> close_notifies{0};
  auto const connect = [&](tickets& mine, bool with_ticket) {
    client over(of.port, mine, with_ticket);
    get(over, name, who == closer::client, wanted);
    if (who == closer::server) read_to_end(over);
    over.send_close_notify();
    return over.got_close_notify();
  };
  auto const done = repeat(of, [&]() -> repetition {
    auto const mine = std::make_shared<tickets>();
    connect(*mine, false);
    return [&, mine] {
      if (connect(*mine, resume)) ++close_notifies;
      tickets_each.take(mine->received);
    };
  });
  std::cout << "{\"done\": " << done << ", \"tickets\": " << tickets_each.value()
            << ", \"close_notifies\": " << close_notifies << '}' << std::endl;
}

void idle_connections(amount const& of, std::string const& file) {
  std::string const name = name_of(file), wanted = content_of(file);
  tickets mine;
  std::vector<std::unique_ptr<client>> waiting;
  auto const add = [&] {
    waiting.push_back(std::make_unique<client>(of.port, mine, false));
    get(*waiting.back(), name, true, wanted);
  };
  add();
  ready_and_told_to_go();
  for (unsigned i = 0; i < of.connections; ++i)
    add();
  std::cout << "{\"done\": " << of.connections << ", \"tickets\": " << mine.received << '}'
            << std::endl;
  std::string line;
  std::getline(std::cin, line);
  for (auto const& one : waiting)
    one->send_close_notify();
}

void kept_connections(amount const& of, std::string const& file) {
  std::string const name = name_of(file), wanted = content_of(file);
  repeat_on_kept(of, [&](client& over) { get(over, name, true, wanted); });
}

void upload(amount const& of) {
  std::string const piece = message_of(piece_bytes);
  repeat_on_kept(of, [&](client& over) { send_piece(over, piece); });
}

void both_ways(amount const& of) {
  std::string const piece = message_of(piece_bytes);
  repeat_on_kept(of, [&](client& over) { exchange_piece(over, piece); });
}

}  // namespace tls_async::bench
