// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The scenarios: each is one template over the stacks. Sender and receiver have a thread and an
// io_context of their own. Every byte is checked: a run that did not do its work throws.
#include "sample.hpp"
#include "stacks.hpp"

#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

namespace tls_async::bench {
namespace {

constexpr std::size_t receive_bytes = 64 * 1024;

void rethrow(std::exception_ptr failed) {
  if (failed) std::rethrow_exception(failed);
}

// Runs the two sides to their end, each on a thread of its own.
template <class Receiver, class Sender>
sample run_sides(Receiver receiver, Sender sender) {
  asio::io_context there(1), here(1);
  tcp::acceptor acceptor(there, {asio::ip::address_v4::loopback(), 0});
  sample result;
  std::exception_ptr receiver_failed;
  asio::co_spawn(there, receiver(acceptor, result),
                 [&](std::exception_ptr e) { receiver_failed = e; });
  asio::co_spawn(here, sender(acceptor.local_endpoint(), result), rethrow);
  auto const start = std::chrono::steady_clock::now();
  std::thread thread([&there] { there.run(); });
  std::exception_ptr sender_failed;
  try {
    here.run();
  } catch (...) {
    sender_failed = std::current_exception();
    there.stop();
  }
  thread.join();
  result.wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  rethrow(sender_failed);
  rethrow(receiver_failed);
  return result;
}

// Takes all the plaintext, looks at it, and answers with one byte, so that the sender does not
// close on it.
template <class Stack>
asio::awaitable<void> receive_all(tcp::acceptor& acceptor, std::uint64_t bytes, sample& result) {
  auto s = Stack::make(co_await acceptor.async_accept(use_awaitable), contexts::all().server);
  co_await Stack::handshake(s, asio::ssl::stream_base::server);
  std::vector<char> buffer(receive_bytes);
  auto const receives = s.next_layer().receives;
  double const start = thread_cpu();
  std::uint64_t got = 0;
  while (got < bytes) {
    std::size_t const n = co_await Stack::read_some(s, asio::buffer(buffer));
    if (buffer[0] != 'x' || buffer[n - 1] != 'x')
      throw std::runtime_error("wrong plaintext arrived");
    got += n;
  }
  result.receiver_cpu = thread_cpu() - start;
  result.receives = s.next_layer().receives - receives;
  if (got != bytes) throw std::runtime_error("too much plaintext arrived");
  co_await Stack::write(s, asio::buffer("k", 1));
  // The sender closes first.
  try {
    co_await Stack::read_some(s, asio::buffer(buffer));
  } catch (boost::system::system_error const&) {
  }
}

template <class Stack>
asio::awaitable<typename Stack::stream> connect(tcp::endpoint server) {
  tcp::socket socket(co_await asio::this_coro::executor);
  co_await socket.async_connect(server, use_awaitable);
  socket.set_option(tcp::no_delay(true));
  auto s = Stack::make(std::move(socket), contexts::all().client);
  co_await Stack::handshake(s, asio::ssl::stream_base::client);
  co_return s;
}

template <class Stack>
asio::awaitable<void> take_answer(typename Stack::stream& s) {
  char answer = 0;
  co_await Stack::read_some(s, asio::buffer(&answer, 1));
  if (answer != 'k') throw std::runtime_error("wrong answer");
}

// The other side of what is measured is the same for every TLS stack: a faster or slower peer
// changes what the kernel does on the measured thread.
template <class Stack>
using peer = std::conditional_t<std::is_same_v<Stack, tcp_stack>, tcp_stack, tls_async_stack>;

// Sends by `write(s)`, which is called until all messages are out.
template <class Stack, class Receiver, class Write>
sample one_writer(size sizes, std::uint64_t bytes_a_message, Write write) {
  std::uint64_t const bytes = sizes.messages * bytes_a_message;
  return run_sides([=](tcp::acceptor& acceptor,
                       sample& result) { return receive_all<Receiver>(acceptor, bytes, result); },
                   [=](tcp::endpoint server, sample& result) -> asio::awaitable<void> {
                     auto s = co_await connect<Stack>(server);
                     auto const sends = s.next_layer().sends;
                     double const start = thread_cpu();
                     for (std::uint64_t i = 0; i < sizes.messages; ++i)
                       co_await write(s);
                     result.sender_cpu = thread_cpu() - start;
                     result.sends = s.next_layer().sends - sends;
                     result.messages = sizes.messages;
                     result.bytes = bytes;
                     co_await take_answer<Stack>(s);
                   });
}

template <class Stack, class Receiver>
sample bulk(size sizes) {
  auto const message = std::make_shared<std::string>(sizes.message_bytes, 'x');
  return one_writer<Stack, Receiver>(
      sizes, sizes.message_bytes,
      [message](typename Stack::stream& s) { return Stack::write(s, asio::buffer(*message)); });
}
template <class Stack>
sample bulk_send(size sizes) {
  sample result = bulk<Stack, peer<Stack>>(sizes);
  result.receiver_cpu = 0;
  return result;
}
template <class Stack>
sample bulk_receive(size sizes) {
  sample result = bulk<peer<Stack>, Stack>(sizes);
  result.sender_cpu = 0;
  return result;
}

template <class Stack>
sample header_and_body(size sizes) {
  auto const header = std::make_shared<std::string>(200, 'x');
  auto const body = std::make_shared<std::string>(sizes.message_bytes, 'x');
  return one_writer<Stack, peer<Stack>>(
      sizes, sizes.message_bytes + 200, [header, body](typename Stack::stream& s) {
        return Stack::write(
            s, std::array<asio::const_buffer, 2>{asio::buffer(*header), asio::buffer(*body)});
      });
}

// Many coroutines write small messages on one connection. Where the stack allows one writer at a
// time, they take turns by a lock.
template <class Stack>
sample many_writers(size sizes) {
  std::uint64_t const each = sizes.messages / sizes.writers;
  std::uint64_t const bytes = each * sizes.writers * sizes.message_bytes;
  return run_sides(
      [=](tcp::acceptor& acceptor, sample& result) {
        return receive_all<peer<Stack>>(acceptor, bytes, result);
      },
      [=](tcp::endpoint server, sample& result) -> asio::awaitable<void> {
        auto s = co_await connect<Stack>(server);
        auto const executor = co_await asio::this_coro::executor;
        std::string const message(sizes.message_bytes, 'x');
        coroutine_lock turn(executor);
        asio::steady_timer all_done(executor, asio::steady_timer::time_point::max());
        std::size_t writing = sizes.writers;
        auto const writer = [&]() -> asio::awaitable<void> {
          for (std::uint64_t i = 0; i < each; ++i) {
            if constexpr (Stack::many_writers) {
              co_await Stack::write(s, asio::buffer(message));
            } else {
              co_await turn.lock();
              co_await Stack::write(s, asio::buffer(message));
              turn.unlock();
            }
          }
          if (--writing == 0) all_done.cancel();
        };
        auto const sends = s.next_layer().sends;
        double const start = thread_cpu();
        for (std::size_t w = 0; w < sizes.writers; ++w)
          asio::co_spawn(executor, writer, rethrow);
        co_await all_done.async_wait(asio::as_tuple(use_awaitable));
        result.sender_cpu = thread_cpu() - start;
        result.sends = s.next_layer().sends - sends;
        result.messages = each * sizes.writers;
        result.bytes = bytes;
        co_await take_answer<Stack>(s);
      });
}

// One message there, the same back. The CPU time is that of both sides.
template <class Stack>
sample ping_pong(size sizes) {
  return run_sides(
      [=](tcp::acceptor& acceptor, sample& result) -> asio::awaitable<void> {
        tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
        socket.set_option(tcp::no_delay(true));
        auto s = Stack::make(std::move(socket), contexts::all().server);
        co_await Stack::handshake(s, asio::ssl::stream_base::server);
        std::string buffer(sizes.message_bytes, ' ');
        double const start = thread_cpu();
        for (std::uint64_t i = 0; i < sizes.messages; ++i) {
          for (std::size_t got = 0; got < buffer.size();) {
            got += co_await Stack::read_some(s, asio::buffer(buffer) + got);
          }
          co_await Stack::write(s, asio::buffer(buffer));
        }
        result.receiver_cpu = thread_cpu() - start;
        try {
          co_await Stack::read_some(s, asio::buffer(buffer));
        } catch (boost::system::system_error const&) {
        }
      },
      [=](tcp::endpoint server, sample& result) -> asio::awaitable<void> {
        auto s = co_await connect<Stack>(server);
        std::string const message(sizes.message_bytes, 'x');
        std::string buffer(sizes.message_bytes, ' ');
        auto const sends = s.next_layer().sends;
        double const start = thread_cpu();
        for (std::uint64_t i = 0; i < sizes.messages; ++i) {
          co_await Stack::write(s, asio::buffer(message));
          for (std::size_t got = 0; got < buffer.size();) {
            got += co_await Stack::read_some(s, asio::buffer(buffer) + got);
          }
          if (buffer != message) throw std::runtime_error("wrong plaintext came back");
        }
        result.sender_cpu = thread_cpu() - start;
        result.sends = s.next_layer().sends - sends;
        result.messages = sizes.messages;
        result.bytes = sizes.messages * sizes.message_bytes;
      });
}

}  // namespace

std::vector<scenario> const& scenarios() {
  static std::vector<scenario> const all = [] {
    std::vector<scenario> list;
    auto const add = [&list](std::string name, std::string what, size full, size smoke, auto ours,
                             auto theirs, auto plain) {
      list.push_back({std::move(name),
                      std::move(what),
                      full,
                      smoke,
                      {{asio_ssl_stack::name, theirs},
                       {tls_async_stack::name, ours},
                       {tcp_stack::name, plain}}});
    };
    auto const add_bulk = [&add](std::string const& name, std::size_t bytes,
                                 std::uint64_t messages) {
      add("bulk_send_" + name, "one writer, messages of " + name, {messages, bytes}, {4, bytes},
          bulk_send<tls_async_stack>, bulk_send<asio_ssl_stack>, bulk_send<tcp_stack>);
      add("bulk_receive_" + name, "a receiver with 64 KiB of buffer, messages of " + name,
          {messages, bytes}, {4, bytes}, bulk_receive<tls_async_stack>,
          bulk_receive<asio_ssl_stack>, bulk_receive<tcp_stack>);
    };
    add_bulk("4KiB", 4096, 65'536);
    add_bulk("16KiB", 16'384, 16'384);
    add_bulk("64KiB", 65'536, 4'096);
    add_bulk("1MiB", 1'048'576, 256);
    for (std::size_t const writers : {1U, 8U, 64U, 256U}) {
      add("writers_" + std::to_string(writers),
          std::to_string(writers) + " coroutines write messages of 128 bytes on one connection",
          {131'072, 128, writers}, {2 * writers, 128, writers}, many_writers<tls_async_stack>,
          many_writers<asio_ssl_stack>, many_writers<tcp_stack>);
    }
    add("header_body", "one write of 200 bytes and 16 KiB in two buffers", {16'384, 16'384},
        {4, 16'384}, header_and_body<tls_async_stack>, header_and_body<asio_ssl_stack>,
        header_and_body<tcp_stack>);
    add("ping_pong_64B", "64 bytes there and back", {20'000, 64}, {4, 64},
        ping_pong<tls_async_stack>, ping_pong<asio_ssl_stack>, ping_pong<tcp_stack>);
    add("ping_pong_4KiB", "4 KiB there and back", {20'000, 4096}, {4, 4096},
        ping_pong<tls_async_stack>, ping_pong<asio_ssl_stack>, ping_pong<tcp_stack>);
    return list;
  }();
  return all;
}

}  // namespace tls_async::bench
