// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The two sides of the scenarios on one connection, each a coroutine over a stack. What a stack has
// to have is what stack_openssl.cpp has; one that says `concurrent` also has `event` and runs any
// number of coroutines.
#pragma once

#include "connection.hpp"
#include "contexts.hpp"
#include "meter.hpp"
#include "sample.hpp"
#include "serve.hpp"
#include "stack.hpp"

#include <coroutine>
#include <deque>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tls_async::bench {

constexpr std::size_t header_bytes = 200;

template <class Stack>
task<Stack> receive_bytes_of(typename Stack::stream& s, std::uint64_t bytes,
                             expected_plaintext& expected) {
  std::vector<char> buffer(receive_bytes);
  while (expected.taken() < bytes) {
    // Not what the peer says afterwards.
    auto const n = std::min<std::uint64_t>(buffer.size(), bytes - expected.taken());
    expected.take(buffer.data(), co_await Stack::read_some(s, buffer.data(), n));
  }
}

template <class Stack>
void receive(std::promise<unsigned short>& port, job const& work, sample& result) {
  run_server<Stack>(port, [&](auto&, auto& listener) -> task<Stack> {
    record_counter records;
    auto s = co_await accepted<Stack>(listener, work);
    if (work.check) Stack::count(s, records);
    expected_plaintext expected(message_of(work.message_bytes), work.check);
    meter const measured;
    co_await receive_bytes_of<Stack>(s, work.messages * work.message_bytes, expected);
    measured.stop(result, work.messages);
    if (work.check) result["records"] = static_cast<double>(records.opened);
    co_await Stack::write(s, "k", 1);
    co_await read_to_end<Stack>(s);
  });
}

// Sends by `write(s, message)`, which is called until all messages are out.
template <class Stack, class Write>
void send_by(unsigned short port, job const& work, sample& result, Write write) {
  run_client<Stack>([&](auto& loop) -> task<Stack> {
    record_counter records;
    auto s = co_await connected<Stack>(loop, port, work);
    if (work.check) Stack::count(s, records);
    std::string const message = message_of(work.message_bytes);
    meter const measured;
    for (std::uint64_t i = 0; i < work.messages; ++i)
      co_await write(s, message);
    measured.stop(result, work.messages);
    if (work.check) result["records"] = static_cast<double>(records.sealed);
    co_await take_answer<Stack>(s);
  });
}
template <class Stack>
void send(unsigned short port, job const& work, sample& result) {
  send_by<Stack>(port, work, result, [](auto& s, std::string const& message) {
    return Stack::write(s, message.data(), message.size());
  });
}
template <class Stack>
void send_two(unsigned short port, job const& work, sample& result) {
  send_by<Stack>(port, work, result, [](auto& s, std::string const& message) {
    return Stack::write(s, message.data(), header_bytes, message.data() + header_bytes,
                        message.size() - header_bytes);
  });
}

// Lets one coroutine after the other in, for stacks that allow one writer at a time.
template <class Stack>
class turns {
public:
  explicit turns(typename Stack::loop& loop) : loop_(loop) {}

  typename Stack::template awaitable<void> wait() {
    if (std::exchange(taken_, true)) {
      typename Stack::event mine(loop_);
      waiting_.push_back(&mine);
      co_await mine.wait();
    }
  }
  void next() {
    if (waiting_.empty()) {
      taken_ = false;
    } else {
      waiting_.front()->set();
      waiting_.pop_front();
    }
  }

private:
  typename Stack::loop& loop_;
  std::deque<typename Stack::event*> waiting_;
  bool taken_ = false;
};

// Many coroutines write on one connection. Where the stack allows one writer, they take turns.
template <class Stack>
void write_at_once(unsigned short port, job const& work, sample& result) {
  run_client<Stack>([&](auto& loop) -> task<Stack> {
    record_counter records;
    auto s = co_await connected<Stack>(loop, port, work);
    if (work.check) Stack::count(s, records);
    std::string const message = message_of(work.message_bytes);
    turns<Stack> turn(loop);
    typename Stack::event all_done(loop);
    std::size_t writing = work.at_once;
    auto const writer = [&]() -> task<Stack> {
      for (std::uint64_t i = 0; i < work.messages / work.at_once; ++i) {
        if constexpr (!Stack::many_writers) co_await turn.wait();
        co_await Stack::write(s, message.data(), message.size());
        if constexpr (!Stack::many_writers) turn.next();
      }
      if (--writing == 0) all_done.set();
    };
    meter const measured;
    for (std::size_t i = 0; i < work.at_once; ++i)
      loop.spawn([&] { return writer(); });
    co_await all_done.wait();
    measured.stop(result, work.messages);
    if (work.check) result["records"] = static_cast<double>(records.sealed);
    co_await take_answer<Stack>(s);
  });
}

template <class Stack>
void answer(std::promise<unsigned short>& port, job const& work, sample& result) {
  run_server<Stack>(port, [&](auto&, auto& listener) -> task<Stack> {
    auto s = co_await accepted<Stack>(listener, work);
    std::string buffer(work.message_bytes, ' ');
    meter const measured;
    for (std::uint64_t i = 0; i < work.messages; ++i) {
      co_await read_all<Stack>(s, buffer.data(), buffer.size());
      co_await Stack::write(s, buffer.data(), buffer.size());
    }
    measured.stop(result, work.messages);
    co_await read_to_end<Stack>(s);
  });
}
template <class Stack>
void ask(unsigned short port, job const& work, sample& result) {
  run_client<Stack>([&](auto& loop) -> task<Stack> {
    auto s = co_await connected<Stack>(loop, port, work);
    std::string const message = message_of(work.message_bytes);
    std::string buffer(work.message_bytes, ' ');
    latencies times(work.messages);
    meter const measured;
    for (std::uint64_t i = 0; i < work.messages; ++i) {
      auto const start = latencies::clock::now();
      co_await Stack::write(s, message.data(), message.size());
      co_await read_all<Stack>(s, buffer.data(), buffer.size());
      times.add(start);
      if (buffer != message) throw std::runtime_error("wrong plaintext came back");
    }
    measured.stop(result, work.messages);
    times.tell(result);
  });
}

// Connections one after the other: connect, handshake, one byte back, close. The byte also brings
// the tickets of TLS 1.3.
template <class Stack>
void accept(std::promise<unsigned short>& port, job const& work, sample& result) {
  run_server<Stack>(port, [&](auto&, auto& listener) -> task<Stack> {
    meter const measured;
    for (std::uint64_t i = 0; i < work.messages + (work.resume ? 1 : 0); ++i) {
      auto s = co_await accepted<Stack>(listener, work);
      co_await Stack::write(s, "k", 1);
      co_await read_to_end<Stack>(s);
    }
    measured.stop(result, work.messages);
  });
}
// OpenSSL takes a session that ends without close_notify for one not to be resumed.
inline void keep_resumable(SSL* session) {
  SSL_set_shutdown(session, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}
template <class Stack>
void connect(unsigned short port, job const& work, sample& result) {
  run_client<Stack>([&](auto& loop) -> task<Stack> {
    SSL_SESSION* session = nullptr;
    if (work.resume) {
      auto s = co_await connected<Stack>(loop, port, work);
      co_await take_answer<Stack>(s);
      session = SSL_get1_session(Stack::session(s));
      keep_resumable(Stack::session(s));
    }
    meter const measured;
    for (std::uint64_t i = 0; i < work.messages; ++i) {
      auto s =
          Stack::make(co_await Stack::connect(loop, port), context_of(role::client, work.protocol));
      if (session != nullptr) must(SSL_set_session(Stack::session(s), session) == 1, "set_session");
      co_await Stack::handshake(s, role::client);
      co_await take_answer<Stack>(s);
      if ((SSL_session_reused(Stack::session(s)) == 1) != work.resume)
        throw std::runtime_error("a full handshake in place of a resumed one, or the reverse");
      keep_resumable(Stack::session(s));
    }
    measured.stop(result, work.messages);
    SSL_SESSION_free(session);
  });
}

// Both send and receive all messages at once.
template <class Stack>
task<Stack> both_ways(typename Stack::loop& loop, typename Stack::stream& s, job const& work,
                      sample& result) {
  std::string const message = message_of(work.message_bytes);
  typename Stack::event sent(loop);
  expected_plaintext expected(message, work.check);
  meter const measured;
  loop.spawn([&]() -> task<Stack> {
    for (std::uint64_t i = 0; i < work.messages; ++i)
      co_await Stack::write(s, message.data(), message.size());
    sent.set();
  });
  co_await receive_bytes_of<Stack>(s, work.messages * work.message_bytes, expected);
  co_await sent.wait();
  measured.stop(result, work.messages);
}
template <class Stack>
void duplex_server(std::promise<unsigned short>& port, job const& work, sample& result) {
  run_server<Stack>(port, [&](auto& loop, auto& listener) -> task<Stack> {
    auto s = co_await accepted<Stack>(listener, work);
    co_await both_ways<Stack>(loop, s, work, result);
    co_await Stack::write(s, "k", 1);
    co_await read_to_end<Stack>(s);
  });
}
template <class Stack>
void duplex_client(unsigned short port, job const& work, sample& result) {
  run_client<Stack>([&](auto& loop) -> task<Stack> {
    auto s = co_await connected<Stack>(loop, port, work);
    co_await both_ways<Stack>(loop, s, work, result);
    co_await take_answer<Stack>(s);
  });
}

template <class Stack>
stack table_of(std::string name) {
  stack s;
  s.name = std::move(name);
  s.send = send<Stack>;
  s.send_two = send_two<Stack>;
  s.receive = receive<Stack>;
  s.ask = ask<Stack>;
  s.answer = answer<Stack>;
  if constexpr (Stack::tls) {
    s.connect = connect<Stack>;
    s.accept = accept<Stack>;
  }
  if constexpr (Stack::concurrent) {
    s.write_at_once = write_at_once<Stack>;
    s.duplex_client = duplex_client<Stack>;
    s.duplex_server = duplex_server<Stack>;
    s.serves_many_at_once = true;
  }
  s.serve = serve<Stack>;
  return s;
}

}  // namespace tls_async::bench
