// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a stream takes from the heap: for a verb in the steady state, and while it is idle. The
// program counts every call of malloc and its kin, and those that OpenSSL makes apart.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

#include <malloc.h>

#include "counted_heap.hpp"
#include "memory_session.hpp"
#include "quiet_link.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
using quiet_tls = stream<quiet_link>;

struct quiet_session {
  explicit quiet_session(unsigned long modes = 0) {
    quiet_link::join(client.next_layer(), server.next_layer());
    if (modes != 0) {
      for (auto* const s : {&client, &server}) {
        s->clear_mode(mode::release_buffers);
        s->set_mode(modes);
      }
    }
    run([&] {
      tls_handshake(client, as_client{"localhost"}, of_client.token());
      tls_handshake(server, as_server{}, of_server.token());
    });
    // The server's tickets have left when the client reads.
    BOOST_REQUIRE(of_client.done);
    BOOST_REQUIRE_EQUAL(of_client.ec, error_code());
  }
  /// Starts something, and moves all that can be moved, from one handler.
  template <class Start>
  void run(Start start) {
    asio::post(io, [&] {
      start();
      while (client.next_layer().move() || server.next_layer().move()) {
      }
    });
    settle(io);
  }

  asio::io_context io{1};
  ending of_client, of_server;
  quiet_tls client{quiet_link(io.get_executor()), trusting_client()};
  quiet_tls server{quiet_link(io.get_executor()), known_server()};
};

// Reads for as long as something comes, and counts from when it has all that is only for warming
// up.
struct reader {
  quiet_tls& from;
  std::size_t warm_up = 0;
  std::size_t total = 0;
  heap_calls warm{};
  std::array<char, 65'536> place{};

  void start() {
    tls_read_some(from, asio::buffer(place), [this](error_code ec, std::size_t n) {
      if (total < warm_up) warm = heap_calls::so_far();
      total += n;
      if (!ec) start();
    });
  }
};

// Writes one message after the other.
struct writer {
  quiet_tls& to;
  std::string const& message;
  std::size_t left = 0;

  void start() {
    if (left-- == 0) return;
    tls_write(to, asio::buffer(message), [this](error_code ec, std::size_t) {
      if (!ec) start();
    });
  }
};

// Where a stream rests in between it gives its memory back, so it all has to be one run.
void check_steady_state(std::size_t writers, std::size_t size) {
  constexpr std::size_t warm_up = 100, counted = 1'000;
  quiet_session s;
  std::string const message(size, 'm');
  reader received{s.server, warm_up * writers * size}, parked{s.client};
  std::vector<writer> all(writers, writer{s.client, message, warm_up + counted});
  received.start();
  parked.start();
  s.run([&] {
    for (auto& one : all)
      one.start();
  });
  heap_calls const made = heap_calls::so_far() - received.warm;
  BOOST_TEST(received.total == (warm_up + counted) * writers * size);
  BOOST_TEST(made.ours == 0U);
  BOOST_TEST_MESSAGE(writers << " writers, each " << counted << " times " << size
                             << " bytes: " << made.ours << " allocations, and " << made.of_openssl
                             << " of OpenSSL's");
}

template <class Token>
asio::awaitable<void> write_with(Token token, quiet_tls& to, std::string const& message,
                                 heap_calls& made) {
  for (std::size_t const messages : {100U, 1'000U}) {
    heap_calls const before = heap_calls::so_far();
    for (std::size_t i = 0; i != messages; ++i)
      co_await tls_write(to, asio::buffer(message), token);
    made = heap_calls::so_far() - before;
  }
}

BOOST_AUTO_TEST_SUITE(allocation)

BOOST_AUTO_TEST_CASE(writes_and_reads_in_the_steady_state_make_none) {
  check_steady_state(1, 128);
  check_steady_state(1, 65'536);
  check_steady_state(64, 128);
}

BOOST_AUTO_TEST_CASE(a_coroutine_adds_only_what_its_token_makes) {
  quiet_session s;
  std::string const message(128, 'm');
  reader received{s.server}, parked{s.client};
  received.start();
  parked.start();
  auto const count = [&](char const* name, auto token) {
    heap_calls made;
    asio::co_spawn(s.io, write_with(token, s.client, message, made),
                   [](std::exception_ptr thrown) { BOOST_TEST(!thrown); });
    settle(s.io);
    s.run([] {});
    BOOST_TEST_MESSAGE("a coroutine of 1000 writes with " << name << ": " << made.ours
                                                          << " allocations");
    return made.ours;
  };
  BOOST_TEST(count("asio::deferred", asio::deferred) == 0U);
  BOOST_TEST(count("asio::use_awaitable", asio::use_awaitable) == 0U);
}

// Bytes in use, in blocks of any size.
std::size_t bytes_in_use() {
  auto const heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// What a connection holds that has moved plaintext both ways and waits for more: both its ends.
std::size_t bytes_of_an_idle_connection(unsigned long modes) {
  constexpr std::size_t connections = 8;
  std::string const message(65'536, 'm');
  std::vector<std::unique_ptr<quiet_session>> sessions;
  std::vector<std::unique_ptr<reader>> readers;
  std::size_t before = 0;
  for (std::size_t i = 0; i != connections + 1; ++i) {
    if (i == 1) before = bytes_in_use();  // the first pays for what all share
    auto& s = *sessions.emplace_back(std::make_unique<quiet_session>(modes));
    std::array<writer, 2> writes{writer{s.client, message, 1}, writer{s.server, message, 1}};
    for (auto* const end : {&s.client, &s.server})
      readers.emplace_back(std::make_unique<reader>(reader{*end}))->start();
    s.run([&] {
      for (auto& one : writes)
        one.start();
    });
    BOOST_TEST(readers.back()->total == message.size());
  }
  std::size_t const test_itself = sizeof(quiet_session) + 2 * sizeof(reader);
  return (bytes_in_use() - before) / connections - test_itself;
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M11"))
BOOST_AUTO_TEST_CASE(M11_an_idle_connection_holds_less_where_buffers_are_released) {
  auto const none = static_cast<unsigned long>(mode::auto_retry);
  auto const never = bytes_of_an_idle_connection(none);
  auto const always =
      bytes_of_an_idle_connection(static_cast<unsigned long>(mode::release_buffers));
  auto const on_idle =
      bytes_of_an_idle_connection(static_cast<unsigned long>(mode::release_buffers_on_idle));
  BOOST_TEST_MESSAGE("both ends of an idle connection, rings included: never "
                     << never << " bytes, always " << always << ", on_idle " << on_idle);
  BOOST_TEST(always + 2 * 16'384 < never);
  BOOST_TEST(on_idle <= always + 1'024);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
