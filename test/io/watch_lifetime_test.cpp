// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A wait of a file watcher that ends otherwise, at each point where it can: cancelled, or its
// watcher moved, replaced or destroyed, or the io_context, or a handler that throws. Leaks are for
// the sanitizer to find.
#include "watched_folder.hpp"

#include <tls_async_test/virtual_clock.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <memory_resource>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;
using namespace std::chrono_literals;

using watcher_type = basic_file_watcher<asio::any_io_executor, virtual_clock>;

// Where a wait stands.
enum class stage { begun, waiting, settling };
std::ostream& operator<<(std::ostream& out, stage at) {
  return out << std::array{"begun", "waiting", "settling"}.at(static_cast<std::size_t>(at));
}
auto const stages = data::make({stage::begun, stage::waiting, stage::settling});

// A watcher with a wait that stands at some stage.
struct watched {
  explicit watched(stage at) {
    watcher->async_wait(asio::bind_cancellation_slot(signal.slot(), [this](error_code ec) {
      ++completions;
      result = ec;
    }));
    if (at == stage::settling) change();
    if (at != stage::begun) io.poll();
    BOOST_TEST(completions == 0);
  }

  void change() const { write_file(folder / "cert.pem", "1"); }
  // What is aborted is told at once; what isn't, when it has settled.
  void check(error_code expected) {
    if (expected) {
      io.restart();
      io.poll();
    } else {
      pass(io, 1h);
    }
    BOOST_TEST(completions == 1);
    BOOST_TEST(result == expected, result.message());
  }

  watched_folder folder;
  asio::cancellation_signal signal;
  int completions = 0;
  error_code result;
  asio::io_context io;
  std::optional<watcher_type> watcher{std::in_place, io.get_executor(),
                                      std::vector<fs::path>{folder / "cert.pem"}};
};

error_code const aborted = asio::error::operation_aborted;

BOOST_AUTO_TEST_SUITE(watch_lifetime)

BOOST_DATA_TEST_CASE(ends_by_each_type_of_cancellation, stages, at) {
  for (auto const type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                          asio::cancellation_type::total, asio::cancellation_type::all}) {
    watched w(at);
    w.signal.emit(type);
    BOOST_TEST(w.completions == 0, "within emit");
    w.check(aborted);
  }
}

BOOST_DATA_TEST_CASE(ends_by_cancel, stages, at) {
  watched w(at);
  w.watcher->cancel();
  BOOST_TEST(w.completions == 0, "within cancel");
  w.check(aborted);
  w.watcher->cancel();  // of nothing
}

// The event has come, and its step has not run yet.
BOOST_AUTO_TEST_CASE(ends_by_what_comes_between_two_steps) {
  for (bool const by_signal : {true, false}) {
    watched w(stage::waiting);
    asio::post(w.io, [&] {
      w.change();
      w.io.poll_one();  // the loop takes the event in
      by_signal ? w.signal.emit(asio::cancellation_type::total) : w.watcher->cancel();
    });
    w.check(aborted);
  }
}

BOOST_DATA_TEST_CASE(keeps_the_change_of_a_wait_that_was_cancelled, stages, at) {
  watched w(at);
  w.change();
  w.watcher->cancel();
  w.check(aborted);
  w.watcher->async_wait([&](error_code ec) { w.result = ec; });
  pass(w.io, 500ms);
  pass(w.io, 500ms);
  BOOST_TEST(!w.result, w.result.message());
}

BOOST_DATA_TEST_CASE(ends_with_its_watcher, stages, at) {
  watched w(at);
  w.watcher.reset();
  BOOST_TEST(w.completions == 0, "within the destructor");
  w.check(aborted);
  BOOST_TEST(w.io.stopped());
}

BOOST_DATA_TEST_CASE(goes_on_when_its_watcher_is_moved, stages, at) {
  watched w(at);
  watcher_type moved(std::move(*w.watcher));
  w.watcher.reset();
  w.change();
  pass(w.io, 0s);
  w.check({});
  BOOST_TEST((moved.get_executor() == w.io.get_executor()));
}

BOOST_DATA_TEST_CASE(ends_when_its_watcher_is_replaced, stages, at) {
  watched w(at);
  *w.watcher = watcher_type(w.io.get_executor(), {w.folder / "key.pem"});
  w.check(aborted);
  error_code second = aborted;
  w.watcher->async_wait([&](error_code ec) { second = ec; });
  write_file(w.folder / "key.pem", "1");
  pass(w.io, 500ms);
  pass(w.io, 500ms);
  BOOST_TEST(!second, second.message());
}

BOOST_DATA_TEST_CASE(is_the_only_one, stages, at) {
  watched w(at);
  error_code second;
  w.watcher->async_wait([&](error_code ec) { second = ec; });
  BOOST_TEST(!second, "within async_wait");
  w.io.restart();
  w.io.poll();
  BOOST_TEST(second == asio::error::already_started);
  w.change();
  pass(w.io, 0s);
  w.check({});
}

asio::awaitable<void> own(watcher_type watcher, std::shared_ptr<int> alive) {
  co_await watcher.async_wait(asio::use_awaitable);
  co_await watcher.async_wait(asio::deferred);
  ++*alive;
}

BOOST_DATA_TEST_CASE(goes_with_its_io_context, stages, at) {
  watched_folder const folder;
  auto const alive = std::make_shared<int>(0);
  {
    asio::io_context io;
    watcher_type watcher(io.get_executor(), {folder / "cert.pem"});
    if (at == stage::settling) write_file(folder / "cert.pem", "1");
    co_spawn(io, own(std::move(watcher), alive), asio::detached);
    io.run_one();
    if (at != stage::begun) io.poll();
  }
  BOOST_TEST(alive.use_count() == 1, "a coroutine frame is left");
}

BOOST_AUTO_TEST_CASE(may_end_its_watcher_in_its_handler) {
  watched w(stage::begun);
  w.watcher->cancel();
  w.check(aborted);
  bool is_done = false;
  w.watcher->async_wait([&](error_code) {
    w.watcher.reset();
    is_done = true;
  });
  w.change();
  pass(w.io, 500ms);
  pass(w.io, 500ms);
  BOOST_TEST(is_done);
}

BOOST_AUTO_TEST_CASE(may_wait_again_in_its_handler) {
  watched w(stage::begun);
  w.watcher->cancel();
  w.check(aborted);
  error_code second;
  w.watcher->async_wait(
      [&](error_code) { w.watcher->async_wait([&](error_code ec) { second = ec; }); });
  w.watcher->cancel();
  w.io.restart();
  w.io.poll();
  w.watcher->cancel();
  w.io.restart();
  w.io.poll();
  BOOST_TEST(second == aborted, second.message());
}

BOOST_AUTO_TEST_CASE(survives_a_handler_that_throws) {
  watched_folder const folder;
  asio::io_context io;
  file_watcher watcher(io.get_executor(), {folder / "cert.pem"}, 0s);
  for (int round = 0; round != 3; ++round) {
    watcher.async_wait([](error_code) { throw std::runtime_error("of the user"); });
    write_file(folder / "cert.pem", "1");
    io.restart();
    BOOST_CHECK_THROW(io.run(), std::runtime_error);
  }
}

BOOST_AUTO_TEST_CASE(runs_where_its_handler_does_and_takes_its_memory) {
  watched_folder const folder;
  asio::io_context io;
  asio::io_context elsewhere;
  file_watcher watcher(io.get_executor(), {folder / "cert.pem"}, 0s);
  std::array<std::byte, 8192> bytes;
  std::pmr::monotonic_buffer_resource memory(bytes.data(), bytes.size(),
                                             std::pmr::null_memory_resource());
  bool is_done = false;
  watcher.async_wait(asio::bind_executor(
      elsewhere, asio::bind_allocator(std::pmr::polymorphic_allocator<int>(&memory),
                                      [&, only = std::make_unique<int>()](error_code ec) {
                                        BOOST_TEST(!ec);
                                        is_done = true;
                                      })));
  write_file(folder / "cert.pem", "1");
  io.poll();
  BOOST_TEST(!is_done);
  BOOST_TEST(elsewhere.run() != 0U);
  BOOST_TEST(is_done);
  void* const next = memory.allocate(1);
  BOOST_TEST(next != bytes.data(), "of another memory");
}

BOOST_AUTO_TEST_CASE(takes_any_token) {
  watched_folder const folder;
  asio::io_context io;
  basic_file_watcher<asio::io_context::executor_type> watcher(io.get_executor(),
                                                              {folder / "cert.pem"}, 0s);
  write_file(folder / "cert.pem", "1");
  auto told = watcher.async_wait(asio::use_future);
  io.run();
  told.get();

  asio::as_tuple_t<asio::deferred_t>::as_default_on_t<file_watcher> tuple(
      io.get_executor(), {folder / "cert.pem"}, 0s);
  auto later = tuple.async_wait();
  write_file(folder / "cert.pem", "2");
  error_code result = aborted;
  std::move(later)([&](std::tuple<error_code> const& only) { result = std::get<0>(only); });
  io.restart();
  io.run();
  BOOST_TEST(!result);
}

// What is deferred keeps what it needs of a watcher that is gone.
BOOST_AUTO_TEST_CASE(ends_if_it_is_launched_too_late) {
  watched_folder const folder;
  asio::io_context io;
  std::optional<file_watcher> watcher(std::in_place, io.get_executor(),
                                      std::vector<fs::path>{folder / "cert.pem"});
  auto later = watcher->async_wait(asio::deferred);
  watcher.reset();
  error_code result;
  std::move(later)([&](error_code ec) { result = ec; });
  io.run();
  BOOST_TEST(result == aborted, result.message());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
