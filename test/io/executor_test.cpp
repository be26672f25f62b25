// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Where handlers run: on their own executor, never from within the function that started them, with
// work kept while they are outstanding, and without holding the thread or breaking the stream.
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

using io_executor = asio::io_context::executor_type;

// Starts every verb that a session can have, each with a token of `token(name)`, until both sides
// have ended.
template <class Token>
void start_every_verb(memory_session& s, Token token) {
  static char place = 0;
  tls_read_some(s.client, asio::buffer(&place, 1), token("read before a role"));
  tls_shutdown(s.client, token("shutdown before a session"));
  tls_handshake(s.client, as_client{""}, token("refused handshake"));
  tls_handshake(s.client, as_client{"localhost"}, token("client handshake"));
  tls_handshake(s.client, as_client{"localhost"}, token("second handshake"));
  tls_handshake(s.server, as_server{}, token("server handshake"));
  s.settle();
  tls_write(s.client, asio::const_buffer(), token("empty write"));
  tls_write(s.client, asio::buffer("xy", 2), token("write"));
  tls_read_some(s.server, asio::buffer(&place, 1), token("read"));
  tls_read_some(s.server, asio::buffer(&place, 1), token("second read"));
  s.settle();
  // What is in the ring already needs no next layer.
  tls_read_some(s.server, asio::buffer(&place, 1), token("read from the ring"));
  s.settle();
  tls_read_some(s.client, asio::buffer(&place, 1), 1s, token("read that times out"));
  s.settle();
  s.pass(1s);
  tls_close_write(s.client, token("close_write"));
  tls_write(s.client, asio::buffer("x", 1), token("late write"));
  s.settle();
  tls_shutdown(s.server, token("server shutdown"));
  s.settle();
  tls_shutdown(s.client, token("client shutdown"));
  s.settle();
}
constexpr std::size_t verbs_started = 16;

// One whose context is gone, and says nothing.
struct gone_executor {
  template <class Function>
  void execute(Function&& function) const {
    [[maybe_unused]] std::decay_t<Function> const destroyed(std::forward<Function>(function));
  }
  bool operator==(gone_executor const&) const noexcept = default;
};

BOOST_AUTO_TEST_SUITE(executors)

BOOST_AUTO_TEST_CASE(every_handler_runs_once_on_its_executor_and_never_inside_a_call) {
  memory_session s;
  auto const strand = asio::make_strand(s.io);
  std::size_t handlers = 0;
  std::string running;
  start_every_verb(s, [&](char const* name) {
    // Between this and the next call, or the return from settle(), no handler of this verb may run.
    running = name;
    asio::post(s.io, [&running] { running.clear(); });
    return asio::bind_executor(strand, [&, name](error_code, std::size_t = 0) {
      BOOST_TEST_CONTEXT(name) {
        BOOST_TEST(strand.running_in_this_thread());
        BOOST_TEST(running != name);
      }
      ++handlers;
    });
  });
  BOOST_TEST(handlers == verbs_started);
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_CASE(handlers_of_another_context_run_there_and_are_its_work) {
  memory_session s;
  asio::io_context elsewhere{1};
  std::size_t handlers = 0;
  std::size_t runs = 0;
  start_every_verb(s, [&](char const*) {
    ++runs;
    return asio::bind_executor(elsewhere.get_executor(),
                               [&](error_code, std::size_t = 0) { ++handlers; });
  });
  BOOST_TEST(runs == verbs_started);
  // The gates run on the executor of the verb that started them.
  for (int round = 0; round != 200; ++round) {
    settle(elsewhere);
    s.settle();
  }
  BOOST_TEST(handlers != 0U);

  connected_session fresh;
  ending read;
  char place = 0;
  tls_read_some(fresh.server, asio::buffer(&place, 1),
                asio::bind_executor(elsewhere.get_executor(), read.token()));
  fresh.settle();
  BOOST_TEST(!has_no_work(elsewhere));
  ending written;
  tls_write(fresh.client, asio::buffer("x", 1), written.token());
  for (int round = 0; round != 10; ++round) {
    BOOST_TEST(!read.done);
    fresh.settle();
    if (settle(elsewhere) != 0 && read.done) break;
  }
  BOOST_TEST(read.done);
  BOOST_TEST(read.ec == error_code());
  BOOST_TEST(has_no_work(elsewhere));
}

BOOST_AUTO_TEST_CASE(handler_that_its_executor_drops_is_destroyed) {
  memory_session s;
  s.handshake();
  auto const handler = std::make_shared<int>();
  char place = 0;
  ending written;
  tls_read_some(
      s.client, asio::buffer(&place, 1),
      asio::bind_executor(gone_executor(), [handler](error_code, std::size_t) { ++*handler; }));
  BOOST_TEST(handler.use_count() == 2);
  tls_write(s.server, asio::buffer("x", 1), written.token());
  s.settle();
  BOOST_TEST(written.done);
  BOOST_TEST(*handler == 0);
  BOOST_TEST(handler.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(handler_may_start_the_next_verb_and_destroy_the_stream) {
  connected_session s;
  ending parked, queued;
  char place = 0;
  s.client_end().outgoing().capacity = 0;
  tls_read_some(s.client, asio::buffer(&place, 1), [&](error_code, std::size_t) {
    tls_write(s.client, asio::buffer("x", 1), queued.token());
    tls_read_some(s.client, asio::buffer(&place, 1), parked.token());
    auto const gone = std::move(s.client);
    BOOST_TEST(!parked.done);
  });
  ending written;
  tls_write(s.server, asio::buffer("x", 1), written.token());
  s.settle();
  BOOST_TEST(parked.done);
  BOOST_TEST(parked.ec == asio::error::operation_aborted);
  BOOST_TEST(queued.ec == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(stream_that_is_moved_takes_its_verbs_along) {
  connected_session s;
  ending read, written;
  char place = 0;
  tls_read_some(s.client, asio::buffer(&place, 1), read.token());
  auto moved = std::move(s.client);
  s.settle();
  tls_write(s.server, asio::buffer("x", 1), written.token());
  s.settle();
  BOOST_TEST(read.ec == error_code());
  BOOST_TEST(place == 'x');
}

BOOST_AUTO_TEST_CASE(chain_of_verbs_that_complete_at_once_lets_others_run) {
  connected_session s;
  bool other_ran = false;
  std::size_t links = 0;
  constexpr std::size_t most = 1'000'000;
  std::function<void(error_code, std::size_t)> next = [&](error_code, std::size_t) {
    if (other_ran || ++links == most) return;
    tls_write(s.client, asio::const_buffer(), [&](error_code ec, std::size_t n) { next(ec, n); });
  };
  // From a handler that the stream itself runs, where the next could follow without a turn of the
  // loop.
  char place = 0;
  tls_read_some(s.client, asio::buffer(&place, 1), [&](error_code ec, std::size_t n) {
    asio::post(s.io, [&] { other_ran = true; });
    next(ec, n);
  });
  ending written;
  tls_write(s.server, asio::buffer("x", 1), written.token());
  s.settle();
  BOOST_TEST(other_ran);
  BOOST_TEST(links < most);
}

template <class Executor>
void check_throwing_handler(connected_session& s, Executor const& executor) {
  ending parked, written, later;
  char place = 0;
  tls_read_some(s.server, asio::buffer(&place, 1), asio::bind_executor(executor, parked.token()));
  tls_write(s.server, asio::buffer("x", 1),
            asio::bind_executor(executor, [](error_code, std::size_t) {
              throw std::runtime_error("from a handler");
            }));
  tls_write(s.server, asio::buffer("y", 1), asio::bind_executor(executor, written.token()));
  BOOST_CHECK_THROW(s.settle(), std::runtime_error);
  // run() may be called again (the reference documentation of io_context says so), and nothing is
  // lost.
  s.settle();
  BOOST_TEST(written.done);
  sink received;
  keep_reading(s.client, received);
  tls_write(s.client, asio::buffer("z", 1), later.token());
  s.settle();
  BOOST_TEST(received.plaintext == "xy");
  BOOST_TEST(later.done);
  BOOST_TEST(parked.done);
  BOOST_TEST(place == 'z');
}

BOOST_AUTO_TEST_CASE(handler_that_throws_leaves_the_stream_usable) {
  connected_session s;
  check_throwing_handler(s, s.io.get_executor());
}

// Calls in place, and says nothing of it.
struct plain_executor {
  template <class Function>
  void execute(Function&& function) const {
    std::forward<Function>(function)();
  }
  bool operator==(plain_executor const&) const noexcept = default;
};

BOOST_AUTO_TEST_CASE(handler_that_throws_on_an_executor_of_the_programs_leaves_the_stream_usable) {
  connected_session s;
  check_throwing_handler(s, plain_executor());
}

BOOST_AUTO_TEST_CASE(handler_that_throws_on_a_strand_leaves_the_stream_usable) {
  connected_session s;
  check_throwing_handler(s, asio::make_strand(s.io));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
