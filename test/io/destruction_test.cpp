// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A whole session whose stream is destroyed, moved or replaced at every step of it, within every
// handler, or with the io_context and the coroutines that own it. Leaks are for the sanitizer to
// find.
#include <tls_async/tls_async.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/mp11/list.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "memory_service.hpp"
#include "session_pair.hpp"

namespace {

namespace asio = boost::asio;
using namespace tls_async::test;
using asio::ip::tcp;
using tls_async::as_client;
using tls_async::as_server;

using owned = owned_memory<tls_async::stream<memory_stream>>;
using referenced = referenced_memory<tls_async::stream<memory_stream&>>;
using loopback = loopback_tcp<tls_async::stream<tcp::socket>>;
using links = boost::mp11::mp_list<owned, referenced, loopback>;

session_plan const& plan() {
  static session_plan const made = [] {
    session_plan p;
    p.client_messages = {1, 3'000, 60'000};
    p.server_messages = {100, 40'000, 17'000};
    p.pipe.capacity = 9'000;
    return p;
  }();
  return made;
}

// Runs a session with `disturb(session)` before step 0, then anew before step 1, until one ends
// before it.
template <class Link, class Disturb, class Check>
void before_every_step(Disturb disturb, Check check) {
  bool was_disturbed = true;
  for (std::size_t step = 0; was_disturbed; ++step) {
    session_pair<Link> session(plan());
    was_disturbed = false;
    std::size_t const steps = session.run([&](std::size_t i) {
      if (i != step || session.client.is_done()) return;
      was_disturbed = true;
      disturb(session);
    });
    BOOST_TEST_CONTEXT("disturbed before step " << step << " of " << steps) check(session);
  }
}

// All of it has ended, though not well, and nothing of it goes on behind the scenes.
template <class Session>
void check_ended(Session const& session) {
  BOOST_TEST(session.breach() == "");
  BOOST_TEST(session.client.outstanding() + session.server.outstanding() == 0u);
  BOOST_TEST(session.io.stopped());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(destroyed_stream)

BOOST_AUTO_TEST_CASE_TEMPLATE(ends_each_verb_once_at_every_step, Link, links) {
  for (bool const is_client : {true, false}) {
    std::size_t outstanding = 0;
    std::size_t completions = 0;
    std::size_t aborted = 0;
    before_every_step<Link>(
        [&](auto& session) {
          auto& side = session.side(is_client);
          outstanding = side.outstanding();
          completions = side.completions();
          aborted = side.aborted();
          session.destroy(is_client);
          BOOST_TEST(side.completions() == completions, "a handler ran inside the destructor");
        },
        [&](auto& session) {
          auto const& side = session.side(is_client);
          if (side.is_done()) return;
          check_ended(session);
          BOOST_TEST(side.completions() == completions + outstanding);
          BOOST_TEST(side.aborted() == aborted + outstanding);
        });
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(may_go_within_any_handler, Link, links) {
  for (bool const destroyer_is_client : {true, false}) {
    for (bool const victim_is_client : {true, false}) {
      bool was_destroyed = true;
      for (std::size_t nth = 1; was_destroyed; ++nth) {
        session_pair<Link> session(plan());
        was_destroyed = false;
        session.side(destroyer_is_client).on_completion = [&](std::size_t completions) {
          if (completions != nth) return;
          was_destroyed = true;
          session.destroy(victim_is_client);
        };
        session.run();
        BOOST_TEST_CONTEXT("handler " << nth << " of the "
                                      << (destroyer_is_client ? "client" : "server")) {
          if (was_destroyed) check_ended(session);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(may_go_together_with_its_peer, Link, links) {
  before_every_step<Link>(
      [](auto& session) {
        session.destroy(true);
        session.destroy(false);
      },
      [](auto& session) { check_ended(session); });
}

// X6: what it stood on has gone elsewhere.
BOOST_AUTO_TEST_CASE(may_have_lost_its_nested_stream) {
  using nested = tls_async::stream<tcp::socket>;
  asio::io_context io;
  tls_async::context context(tls_async::context::role::client);
  auto outer =
      std::make_unique<tls_async::stream<nested>>(nested(tcp::socket(io), context), context);
  nested const taken(std::move(outer->next_layer()));
  outer.reset();
  BOOST_TEST(io.run() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(moved_stream)

BOOST_AUTO_TEST_CASE_TEMPLATE(goes_on_at_every_step, Link, links) {
  for (bool const is_client : {true, false}) {
    before_every_step<Link>([&](auto& session) { session.side(is_client).move(); },
                            [](auto& session) { BOOST_TEST(session.verdict() == ""); });
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(goes_on_when_assigned_at_every_step, Link, links) {
  for (bool const is_client : {true, false}) {
    before_every_step<Link>(
        [&](auto& session) {
          Link idle(session.io, {});
          session.side(is_client).move_by_assignment(std::move(*idle.client));
        },
        [](auto& session) { BOOST_TEST(session.verdict() == ""); });
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(that_is_replaced_ends_each_verb_once, Link, links) {
  std::optional<Link> another;
  before_every_step<Link>(
      [&](auto& session) {
        another.emplace(session.io, pipe_options{});
        auto& side = session.side(true);
        std::size_t const expected = side.completions() + side.outstanding();
        side.replace(std::move(*another->client));
        // A stream that only refers to its next layer leaves it open: its peer would wait for ever.
        session.destroy(false);
        session.run();
        BOOST_TEST(side.completions() == expected);
        BOOST_TEST(side.outstanding() == 0u);

        // What has taken its place works.
        error_code client_result = asio::error::would_block;
        error_code server_result = asio::error::would_block;
        tls_handshake(side.stream(), as_client{"localhost"},
                      [&](error_code ec) { client_result = ec; });
        tls_handshake(*another->server, as_server{}, [&](error_code ec) { server_result = ec; });
        session.run();
        BOOST_TEST(!client_result);
        BOOST_TEST(!server_result);
        session.destroy(true);
        another.reset();
      },
      [](auto& session) { BOOST_TEST(session.breach() == ""); });
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

template <class Stream>
asio::awaitable<void> write_all(Stream& s, std::vector<std::size_t> sizes) {
  for (std::size_t const size : sizes) {
    auto const bytes = message(size, size);
    co_await tls_write(s, asio::buffer(bytes.data(), bytes.size()));
  }
  co_await tls_close_write(s);
}

template <class Stream>
asio::awaitable<void> read_all(Stream& s) {
  std::vector<char> place(10'000);
  for (error_code ec; !ec;) {
    co_await tls_read_some(s, asio::buffer(place), asio::redirect_error(asio::use_awaitable, ec));
  }
}

// The frame owns the stream, and what else must not leak.
template <class Stream>
asio::awaitable<void> whole_session(std::unique_ptr<Stream> stream, memory_service& service,
                                    bool is_client, std::shared_ptr<int> alive) {
  using namespace asio::experimental::awaitable_operators;
  using end_type = typename Stream::next_layer_type;
  std::optional<memory_service::watch> watch;
  if constexpr (std::is_same_v<end_type, memory_stream>)
    watch.emplace(service, stream->next_layer());
  Stream& s = *stream;
  if (is_client) {
    as_client const client{"localhost"};
    co_await tls_handshake(s, client);
  } else {
    co_await tls_handshake(s, as_server{});
  }
  co_await (write_all(s, is_client ? plan().client_messages : plan().server_messages) &&
            read_all(s));
  co_await tls_shutdown(s);
  ++*alive;
}

// Runs `steps` handlers of a session and destroys the io_context with what is left. Returns how
// many sides had come to their end.
template <class Link>
int run_and_drop(std::size_t steps) {
  auto const alive = std::make_shared<int>(0);
  std::optional<Link> link;
  {
    asio::io_context io;
    link.emplace(io, plan().pipe);
    // Made last, so that it is shut down first, as a service of sockets would be before its users.
    auto& service = asio::use_service<memory_service>(io);
    asio::co_spawn(io, whole_session(std::move(link->client), service, true, alive),
                   asio::detached);
    asio::co_spawn(io, whole_session(std::move(link->server), service, false, alive),
                   asio::detached);
    for (std::size_t i = 0; i != steps; ++i) {
      if ((Link::waits_for_the_kernel ? io.run_one() : io.poll_one()) == 0) break;
    }
    io.stop();
  }
  BOOST_TEST(alive.use_count() == 1, "a coroutine frame is left");
  return *alive;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(destroyed_io_context)

BOOST_AUTO_TEST_CASE_TEMPLATE(takes_the_coroutines_that_own_the_streams_with_it, Link, links) {
  int ended = 0;
  for (std::size_t steps = 0; ended != 2; ++steps) {
    BOOST_TEST_CONTEXT("after " << steps << " steps") ended = run_and_drop<Link>(steps);
    BOOST_TEST_REQUIRE(steps < 10'000u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
