// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// From what operations are allocated, and cancellation by Asio's own tokens.
#include "connection.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <variant>

namespace tls_async::test {
namespace {

struct counts {
  std::size_t allocated = 0, freed = 0;
};
template <class T>
struct counting_allocator {
  using value_type = T;

  explicit counting_allocator(counts& c) noexcept : in(&c) {}
  template <class U>
  counting_allocator(counting_allocator<U> const& other) noexcept
      : in(other.in) {}  // NOLINT(google-explicit-constructor)

  T* allocate(std::size_t n) {
    ++in->allocated;
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* place, std::size_t n) noexcept {
    ++in->freed;
    std::allocator<T>().deallocate(place, n);
  }
  template <class U>
  bool operator==(counting_allocator<U> const& other) const noexcept {
    return in == other.in;
  }

  counts* in;
};

BOOST_AUTO_TEST_SUITE(handler_allocator)

BOOST_AUTO_TEST_CASE_TEMPLATE(is_used_for_each_verb_and_given_everything_back, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  handshake(over);
  auto& client = over.client.stream;
  auto& server = over.server.stream;
  std::array<char, 5> place{'h', 'e', 'l', 'l', 'o'};
  auto const check = [&](auto start) {
    counts seen;
    bool done = false;
    start(
        asio::bind_allocator(counting_allocator<void*>(seen), [&](error_code ec, std::size_t = 0) {
          require(ec, "verb");
          // Before the handler runs its operation is freed, so that the next one may use the
          // memory.
          done = true;
        }));
    BOOST_TEST(seen.allocated > 0);
    over.io.run();
    over.io.restart();
    BOOST_TEST(done);
    BOOST_TEST(seen.freed == seen.allocated);
  };
  check([&](auto handler) { client.async_write_some(asio::buffer(place), handler); });
  check([&](auto handler) { server.async_read_some(asio::buffer(place), handler); });
  check([&](auto handler) {
    client.async_shutdown([](error_code) {});
    server.async_shutdown(handler);
  });
}

// What Asio promises for every operation: memory is freed before the handler is run.
BOOST_AUTO_TEST_CASE_TEMPLATE(has_its_memory_back_when_the_handler_runs, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  handshake(over);
  counts seen;
  std::size_t outstanding = 99;
  over.client.stream.async_write_some(
      asio::buffer("x", 1),
      asio::bind_allocator(counting_allocator<void*>(seen), [&](error_code, std::size_t) {
        outstanding = seen.allocated - seen.freed;
      }));
  over.io.run();
  BOOST_TEST(seen.allocated > 0);
  BOOST_TEST(outstanding == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(awaitable_operators)

using namespace asio::experimental::awaitable_operators;

asio::awaitable<void> moment() {
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
  co_await timer.async_wait(asio::use_awaitable);
}

// Asio's programs bound a read like this. What the cancelled read did not take is for the next one.
BOOST_AUTO_TEST_CASE_TEMPLATE(read_that_loses_against_a_timer_has_consumed_nothing, Stream,
                              both_streams<tcp::socket>) {
  connection<Stream> over;
  handshake(over);
  auto const wait = [&]() -> asio::awaitable<void> {
    std::string received(5, '\0');
    auto const first = co_await (
        asio::async_read(over.client.stream, asio::buffer(received), asio::use_awaitable) ||
        moment());
    BOOST_TEST(first.index() == 1U);
    co_await asio::async_write(over.server.stream, asio::buffer("hello", 5), asio::use_awaitable);
    co_await asio::async_read(over.client.stream, asio::buffer(received), asio::use_awaitable);
    BOOST_TEST(received == "hello");
    co_await (over.client.stream.async_shutdown(asio::use_awaitable) &&
              over.server.stream.async_shutdown(asio::use_awaitable));
  };
  asio::co_spawn(over.io, wait, rethrow);
  over.io.run();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(read_that_wins_cancels_the_timer, Stream, both_streams<tcp::socket>) {
  connection<Stream> over;
  handshake(over);
  auto const wait = [&]() -> asio::awaitable<void> {
    asio::steady_timer never(over.io, asio::steady_timer::time_point::max());
    std::string received(5, '\0');
    co_await asio::async_write(over.server.stream, asio::buffer("hello", 5), asio::use_awaitable);
    auto const first = co_await (
        asio::async_read(over.client.stream, asio::buffer(received), asio::use_awaitable) ||
        never.async_wait(asio::use_awaitable));
    BOOST_TEST(first.index() == 0U);
    BOOST_TEST(received == "hello");
  };
  asio::co_spawn(over.io, wait, rethrow);
  over.io.run();
}

using over_sockets = boost::mpl::list<asio_stream<tcp::socket>, asio_stream<beast::tcp_stream>,
                                      our_stream<tcp::socket>, our_stream<tcp::socket&>,
                                      our_stream<beast::tcp_stream>>;

// A read and a write that both wait for the peer.
template <class Stream>
struct stuck : connection<Stream> {
  stuck() {
    handshake(*this);
    auto& stream = this->client.stream;
    asio::async_write(stream, asio::buffer(much), [this](error_code ec, std::size_t) {
      write = ec;
      ++ended;
    });
    stream.async_read_some(
        asio::buffer(&place, 1),
        asio::bind_cancellation_slot(cancel_read.slot(), [this](error_code ec, std::size_t) {
          read = ec;
          ++ended;
        }));
    settle();
    BOOST_TEST_REQUIRE(ended == 0);
  }
  void settle() {
    while (this->io.poll() != 0) {
    }
  }

  std::string const much = std::string(64 << 20, 'm');
  char place = 0;
  asio::cancellation_signal cancel_read;
  error_code read, write;
  int ended = 0;
};

// Ours cancelled the whole socket for the read, and took the second cancel for its own.
BOOST_AUTO_TEST_CASE_TEMPLATE(cancel_of_the_socket_behind_a_cancelled_read_ends_the_write, Stream,
                              over_sockets) {
  stuck<Stream> over;
  over.cancel_read.emit(asio::cancellation_type::terminal);
  over.client.stream.lowest_layer().cancel();
  over.settle();
  BOOST_TEST(over.ended == 2);
  BOOST_TEST(over.read == asio::error::operation_aborted);
  BOOST_TEST(over.write == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(cancelled_read_ends_nothing_else_of_the_socket, Stream,
                              over_sockets) {
  stuck<Stream> over;
  bool waited = false;
  over.client.stream.lowest_layer().async_wait(tcp::socket::wait_error,
                                               [&](error_code) { waited = true; });
  over.cancel_read.emit(asio::cancellation_type::terminal);
  over.settle();
  BOOST_TEST(over.ended == 1);
  BOOST_TEST(over.read == asio::error::operation_aborted);
  BOOST_TEST(!waited);
}

// A write that is cancelled under way would corrupt the session with Asio.
BOOST_AUTO_TEST_CASE(write_that_loses_leaves_our_stream_usable) {
  using Stream = our_stream<tcp::socket>;
  connection<Stream> over;
  handshake(over);
  auto& client = over.client.stream;
  auto& server = over.server.stream;
  auto const talk = [&]() -> asio::awaitable<void> {
    std::string const first(64'000'000, '1'), second(100'000, '2');
    auto const lost =
        co_await (asio::async_write(client, asio::buffer(first), asio::use_awaitable) || moment());
    BOOST_TEST(lost.index() == 1U);
    auto const rest = [&]() -> asio::awaitable<std::string> {
      std::string all;
      error_code ec;
      co_await asio::async_read(server, asio::dynamic_buffer(all),
                                asio::redirect_error(asio::use_awaitable, ec));
      BOOST_TEST(ec == asio::error::eof);
      co_await server.async_shutdown(asio::use_awaitable);
      co_return all;
    };
    auto const write = [&]() -> asio::awaitable<void> {
      co_await asio::async_write(client, asio::buffer(second), asio::use_awaitable);
      co_await client.async_shutdown(asio::use_awaitable);
    };
    std::string const all = co_await (rest() && write());
    // A prefix of the first, then the second.
    std::size_t const prefix = all.size() - second.size();
    BOOST_REQUIRE(all.size() >= second.size());
    BOOST_TEST((all == std::string(prefix, '1') + second));
  };
  asio::co_spawn(over.io, talk, rethrow);
  over.io.run();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
