// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What handlers, callables and those who wait for them may do: start, wait, throw, close and
// destroy, on whatever executor.
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "memory_session.hpp"
#include "raw_peer.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(handlers)

// T9 and X1.
BOOST_AUTO_TEST_CASE(what_a_handler_starts_has_left_before_it_returns) {
  connected_session s;
  auto const before = s.client_end().written().size();
  std::size_t inside = 0;
  ending written;
  tls_write(s.client, asio::buffer("first", 5), [&](error_code, std::size_t) {
    tls_write(s.client, asio::buffer("second", 6), written.token());
    inside = s.client_end().written().size();
  });
  auto const after_first = s.client_end().written().size();
  BOOST_TEST(after_first > before);
  s.settle();
  BOOST_TEST(inside > after_first);
  BOOST_TEST(written.done);
}

BOOST_AUTO_TEST_CASE(handler_may_write_and_close_the_next_layer) {
  connected_session s;
  sink at_server;
  keep_reading(s.server, at_server);
  asio::post(s.io, [&] {
    tls_write(s.client, asio::buffer("the last words", 14), [](error_code, std::size_t) {});
    s.client_end().shutdown_send();
  });
  s.settle();
  BOOST_TEST(at_server.plaintext == "the last words");
}

BOOST_AUTO_TEST_CASE(handler_may_run_the_loop_until_another_verb_is_done) {
  connected_session s;
  sink at_server;
  keep_reading(s.server, at_server);
  bool nested = false;
  tls_write(s.client, asio::buffer("outer", 5), [&](error_code, std::size_t) {
    ending inner;
    tls_write(s.client, asio::buffer("inner", 5), inner.token());
    for (int i = 0; i != 100 && !inner.done; ++i)
      s.io.poll_one();
    nested = inner.done;
  });
  s.settle();
  BOOST_TEST(nested);
}

// Two verbs end at once, and the first handler waits for the second.
BOOST_AUTO_TEST_CASE(handler_may_wait_for_a_verb_that_has_ended_with_its_own) {
  connected_session s;
  ending second;
  bool met = false;
  tls_write(s.client, asio::buffer("before", 6), [](error_code, std::size_t) {});
  tls_write(s.client, asio::buffer("one", 3), [&](error_code, std::size_t) {
    for (int i = 0; i != 100 && !second.done; ++i)
      s.io.poll_one();
    met = second.done;
  });
  tls_write(s.client, asio::buffer("two", 3), second.token());
  s.settle();
  BOOST_TEST(met);
}

// T12.
BOOST_AUTO_TEST_CASE(reads_that_complete_at_once_let_others_run) {
  connected_session s;
  BOOST_TEST(write_now(s, s.server, std::string(16'000, 'x')).ec == error_code());
  std::size_t reads = 0, reads_before = 0;
  char place;
  std::function<void()> read = [&] {
    tls_read_some(s.client, asio::buffer(&place, 1), [&](error_code ec, std::size_t) {
      if (!ec && ++reads != 10'000) read();
    });
  };
  tls_read_some(s.client, asio::buffer(&place, 1), [&](error_code, std::size_t) {
    asio::post(s.io, [&] { reads_before = reads; });
    read();
  });
  s.settle();
  BOOST_TEST(reads == 10'000U);
  BOOST_TEST(reads_before <= 256U);
}

// T10.
BOOST_AUTO_TEST_CASE(callable_that_throws_ends_its_own_write_alone) {
  connected_session s;
  sink at_server;
  keep_reading(s.server, at_server);
  std::string const content(100'000, 'c');
  int asked = 0;
  ending thrown, before, after;
  tls_write(s.client, asio::buffer("before;", 7), before.token());
  tls_write(
      s.client,
      [&]() -> asio::const_buffer {
        if (++asked == 4) throw std::runtime_error("moved away");
        return asio::buffer(content);
      },
      thrown.token());
  tls_write(s.client, asio::buffer(";after", 6), after.token());
  s.settle();
  BOOST_TEST((thrown.ec == errc::buffer_threw));
  BOOST_TEST(thrown.bytes % 16'384 == 0U);
  BOOST_TEST(before.ec == error_code());
  BOOST_TEST(after.ec == error_code());
  BOOST_TEST((at_server.plaintext == "before;" + content.substr(0, thrown.bytes) + ";after"));
}

// T35: its slot was left behind.
BOOST_AUTO_TEST_CASE(callable_that_throws_at_once_leaves_no_slot_behind) {
  connected_session s;
  asio::cancellation_signal cancel;
  ending thrown;
  tls_write(
      s.client, []() -> asio::const_buffer { throw std::bad_alloc(); },
      asio::bind_cancellation_slot(cancel.slot(), thrown.token()));
  BOOST_TEST(!thrown.done);
  s.settle();
  BOOST_TEST((thrown.ec == boost::system::errc::not_enough_memory));
  cancel.emit(asio::cancellation_type::terminal);
  BOOST_TEST(write_now(s, s.client, "and on").ec == error_code());
}

// T11: both streams gathered in one place.
BOOST_AUTO_TEST_CASE(callable_may_write_to_another_stream) {
  connected_session s, other;
  sink at_server, at_other;
  keep_reading(s.server, at_server);
  keep_reading(other.server, at_other);
  std::string const content(300, 'a'), second(300, 'b');
  ending written, busy;
  tls_write(s.client, asio::buffer(content), busy.token());
  tls_write(
      s.client,
      [&] {
        tls_write(other.client, asio::buffer(second), [](error_code, std::size_t) {});
        return asio::buffer(content);
      },
      written.token());
  s.settle();
  other.settle();
  BOOST_TEST((at_server.plaintext == content + content));
  BOOST_TEST(at_other.plaintext.find('a') == std::string::npos);
}

// T45: it takes a mutex that another thread holds while it starts a verb.
BOOST_AUTO_TEST_CASE(callable_may_take_a_mutex_that_is_held_where_verbs_are_started) {
  connected_session s;
  std::mutex of_program;
  std::string const content(50'000, 'm');
  std::promise<void> is_held, is_asked;
  std::thread other([&] {
    std::scoped_lock const held(of_program);
    is_held.set_value();
    is_asked.get_future().wait();
    (void)tls_try_write(s.client, asio::buffer("kept", 4));
  });
  is_held.get_future().wait();
  bool told = false;
  ending written;
  tls_write(
      s.client,
      [&] {
        if (!std::exchange(told, true)) is_asked.set_value();
        std::scoped_lock const held(of_program);
        return asio::buffer(content);
      },
      written.token());
  other.join();
  s.settle();
  BOOST_TEST(written.done);
}

BOOST_AUTO_TEST_CASE(callable_may_destroy_its_stream) {
  std::optional<connected_session> s(std::in_place);
  std::optional<memory_tls> stream(std::move(s->client));
  std::string const content(100'000, 'd');
  int asked = 0;
  ending written;
  tls_write(
      *stream,
      [&] {
        if (++asked == 3) stream.reset();
        return asio::buffer(content);
      },
      written.token());
  s->settle();
  BOOST_TEST(written.done);
  BOOST_TEST(written.ec == asio::error::operation_aborted);
}

// From inside of a call of OpenSSL: nothing may be given back that it works on.
BOOST_AUTO_TEST_CASE(verify_callback_may_start_and_cancel_verbs) {
  memory_session s;
  asio::cancellation_signal cancel;
  ending of_client, of_server, cancelled, written;
  char place;
  bool has_started = false;
  s.client.set_verify_callback([&](bool preverified, asio::ssl::verify_context&) {
    if (std::exchange(has_started, true)) return preverified;
    tls_read_some(s.client, asio::buffer(&place, 1),
                  asio::bind_cancellation_slot(cancel.slot(), cancelled.token()));
    cancel.emit(asio::cancellation_type::terminal);
    tls_write(s.client, asio::buffer("from inside", 11), written.token());
    return preverified;
  });
  sink at_server;
  tls_handshake(s.client, as_client{"localhost"}, of_client.token());
  tls_handshake(s.server, as_server{}, [&](error_code ec) {
    of_server = {true, ec, 0};
    keep_reading(s.server, at_server);
  });
  s.settle();
  BOOST_TEST(of_client.done);
  BOOST_TEST(of_client.ec == error_code());
  BOOST_TEST(of_server.ec == error_code());
  BOOST_TEST(cancelled.ec == asio::error::operation_aborted);
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(at_server.plaintext == "from inside");
}

BOOST_AUTO_TEST_CASE(verify_callback_may_ask_and_move_its_stream) {
  memory_session s;
  ending of_client, of_server;
  s.client.set_verify_callback([&](bool preverified, asio::ssl::verify_context&) {
    memory_tls moved(std::move(s.client));
    s.client = std::move(moved);
    BOOST_TEST(SSL_in_init(s.client.native_handle()) == 1);
    BOOST_TEST(s.client.stats().records_sealed == 0U);
    BOOST_TEST(s.client.error_info().text().empty());
    return preverified;
  });
  tls_handshake(s.client, as_client{"localhost"}, of_client.token());
  tls_handshake(s.server, as_server{}, of_server.token());
  s.settle();
  BOOST_TEST(of_client.done);
  BOOST_TEST(of_client.ec == error_code());
  BOOST_TEST(of_server.ec == error_code());
}

BOOST_AUTO_TEST_CASE(verify_callback_may_destroy_its_stream) {
  memory_session s;
  std::optional<memory_tls> stream(std::move(s.client));
  ending shaken, written;
  stream->set_verify_callback([&](bool preverified, asio::ssl::verify_context&) {
    stream.reset();
    return preverified;
  });
  tls_handshake(*stream, as_client{"localhost"}, shaken.token());
  tls_write(*stream, asio::buffer("never", 5), written.token());
  tls_handshake(s.server, as_server{}, [](error_code) {});
  s.settle();
  BOOST_TEST(!stream);
  BOOST_TEST(shaken.done);
  BOOST_TEST(shaken.ec == asio::error::operation_aborted);
  BOOST_TEST(written.done);
  BOOST_TEST(written.ec == asio::error::operation_aborted);
}

// T43: the slot was cleared, and the handler moved, by whoever ended the verb.
BOOST_AUTO_TEST_CASE(handler_of_another_executor_is_touched_there_only) {
  connected_session s;
  asio::io_context elsewhere;
  asio::cancellation_signal cancel;
  struct traced {
    explicit traced(std::thread::id& moved) : moved_in(&moved) {}
    traced(traced&& other) noexcept : moved_in(other.moved_in) {
      *moved_in = std::this_thread::get_id();
    }
    std::thread::id* moved_in;
  };
  std::thread::id moved_in;
  bool called = false;
  char place[10];
  tls_read_some(
      s.client, asio::buffer(place),
      asio::bind_cancellation_slot(
          cancel.slot(), asio::bind_executor(elsewhere.get_executor(),
                                             [&, t = traced(moved_in)](error_code, std::size_t) {
                                               called = true;
                                             })));
  moved_in = {};
  BOOST_TEST(write_now(s, s.server, "for it").ec == error_code());
  BOOST_TEST((moved_in == std::thread::id()));
  BOOST_TEST(cancel.slot().has_handler());
  cancel.emit(asio::cancellation_type::terminal);  // too late, and no harm
  BOOST_TEST(!called);
  elsewhere.run();
  BOOST_TEST(called);
  BOOST_TEST(!cancel.slot().has_handler());
}

// X3: the gate ran on the pool, and a dying context took the other's verbs along.
BOOST_AUTO_TEST_CASE(executor_that_dies_takes_its_own_verbs_only) {
  connected_session s;
  ending read;
  bool is_destroyed = false;
  char place[10];
  {
    asio::io_context dying;
    struct told {
      explicit told(bool& of) : gone(&of) {}
      told(told&& other) noexcept : gone(std::exchange(other.gone, nullptr)) {}
      ~told() {
        if (gone != nullptr) *gone = true;
      }
      bool* gone;
    };
    tls_write(s.client, asio::buffer("w", 1),
              asio::bind_executor(dying.get_executor(),
                                  [t = told(is_destroyed)](error_code, std::size_t) {}));
    tls_read_some(s.client, asio::buffer(place), read.token());
    s.settle();
  }
  BOOST_TEST(is_destroyed);
  BOOST_TEST(!read.done);
  BOOST_TEST(write_now(s, s.server, "still there").ec == error_code());
  BOOST_TEST(read.done);
  BOOST_TEST(read.ec == error_code());
}

BOOST_AUTO_TEST_CASE(handler_that_is_an_lvalue_stays_what_it_was) {
  connected_session s;
  int called = 0;
  std::function<void(error_code, std::size_t)> handler = [&](error_code, std::size_t) { ++called; };
  tls_write(s.client, asio::buffer("a", 1), handler);
  s.client.async_write_some(asio::buffer("b", 1), handler);
  BOOST_TEST(static_cast<bool>(handler));
  s.settle();
  BOOST_TEST(called == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
