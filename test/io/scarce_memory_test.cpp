// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Handlers where there is no memory to pass them on to their executor: each is called once, later,
// or its verb has thrown.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/strand.hpp>

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <utility>

#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

// An executor that has no memory while `is_short`.
template <class Inner>
class scarce_executor {
public:
  scarce_executor(Inner inner, bool const& is_short) noexcept
      : inner_(std::move(inner)), is_short_(&is_short) {}

  template <class Property>
  requires asio::can_query<Inner const&, Property>::value decltype(auto) query(
      Property const& property) const {
    return asio::query(inner_, property);
  }
  template <class Property>
  requires asio::can_require<Inner const&, Property>::value auto require(
      Property const& property) const {
    auto required = asio::require(inner_, property);
    return scarce_executor<decltype(required)>(std::move(required), *is_short_);
  }
  template <class Property>
  requires asio::can_prefer<Inner const&, Property>::value auto prefer(
      Property const& property) const {
    auto preferred = asio::prefer(inner_, property);
    return scarce_executor<decltype(preferred)>(std::move(preferred), *is_short_);
  }
  template <class Function>
  void execute(Function&& function) const {
    if (*is_short_) throw std::bad_alloc();
    inner_.execute(std::forward<Function>(function));
  }
  bool operator==(scarce_executor const& other) const noexcept {
    return inner_ == other.inner_ && is_short_ == other.is_short_;
  }

private:
  Inner inner_;
  bool const* is_short_;
};

asio::any_io_executor scarce(asio::io_context& io, bool const& is_short) {
  return scarce_executor<asio::io_context::executor_type>(io.get_executor(), is_short);
}

// Counts, and frees nothing before the end, so that what is given back twice can be seen.
template <class T>
class counting_allocator {
public:
  using value_type = T;

  counting_allocator(int& taken, int& given_back) noexcept
      : taken_(&taken), given_back_(&given_back) {}
  template <class U>
  explicit(false) counting_allocator(counting_allocator<U> const& other) noexcept
      : taken_(other.taken_), given_back_(other.given_back_) {}

  T* allocate(std::size_t n) {
    static std::pmr::monotonic_buffer_resource memory;
    ++*taken_;
    return static_cast<T*>(memory.allocate(n * sizeof(T), alignof(T)));
  }
  void deallocate(T* /*place*/, std::size_t /*n*/) noexcept { ++*given_back_; }
  bool operator==(counting_allocator const&) const = default;

private:
  template <class>
  friend class counting_allocator;
  int* taken_;
  int* given_back_;
};

struct scarce_session {
  scarce_session()
      : link_(memory_stream::make(scarce(io, is_short))),
        client(std::move(link_.first), trusting_client()),
        server(std::move(link_.second), known_server()) {
    ending of_client, of_server;
    tls_handshake(client, as_client{"localhost"}, of_client.token());
    tls_handshake(server, as_server{}, of_server.token());
    settle(io);
    BOOST_REQUIRE(of_client.done && !of_client.ec);
    BOOST_REQUIRE(of_server.done && !of_server.ec);
  }
  void send(std::string const& message) {
    ending sent;
    tls_write(server, asio::buffer(message), sent.token());
    settle(io);
    BOOST_REQUIRE(sent.done && !sent.ec);
  }

  asio::io_context io{1};
  bool is_short = false;

private:
  std::pair<memory_stream, memory_stream> link_;

public:
  memory_tls client, server;
};

BOOST_AUTO_TEST_SUITE(scarce_memory)

BOOST_AUTO_TEST_CASE(verb_that_is_refused_throws_where_nobody_can_be_told_later) {
  scarce_session s;
  ending refused;
  auto const handler = std::make_shared<int>();
  s.is_short = true;
  BOOST_CHECK_THROW(
      tls_write(s.client, asio::const_buffer(), [handler](error_code, std::size_t) { ++*handler; }),
      std::bad_alloc);
  BOOST_TEST(handler.use_count() == 1);
  s.is_short = false;
  settle(s.io);
  BOOST_TEST(*handler == 0);
  tls_write(s.client, asio::const_buffer(), refused.token());
  settle(s.io);
  BOOST_TEST(refused.done);
}

BOOST_AUTO_TEST_CASE(read_that_throws_loses_no_byte_in_silence) {
  scarce_session s;
  s.send("two words");
  char place[4];
  ending first, last;
  tls_read_some(s.client, asio::buffer(place, 3), first.token());
  settle(s.io);
  BOOST_REQUIRE(first.done);
  s.is_short = true;
  BOOST_CHECK_THROW(tls_read_some(s.client, asio::buffer(place), last.token()), std::bad_alloc);
  s.is_short = false;
  settle(s.io);
  BOOST_TEST(!last.done);
  tls_read_some(s.client, asio::buffer(place), last.token());
  settle(s.io);
  BOOST_TEST((last.ec == boost::system::errc::not_enough_memory));
}

// A later verb may have the same place.
BOOST_AUTO_TEST_CASE(verb_that_throws_cannot_be_cancelled_any_more) {
  scarce_session s;
  asio::cancellation_signal cancel;
  ending refused;
  s.is_short = true;
  BOOST_CHECK_THROW(tls_write(s.client, asio::const_buffer(),
                              asio::bind_cancellation_slot(cancel.slot(), refused.token())),
                    std::bad_alloc);
  BOOST_TEST(!cancel.slot().has_handler());
}

// Asio's strand takes a handler into its queue before it asks for memory to run that.
BOOST_AUTO_TEST_CASE(handler_that_its_strand_has_is_not_passed_on_again) {
  scarce_session s;
  int taken = 0, given_back = 0;
  auto const handler = std::make_shared<int>();
  {
    asio::io_context elsewhere;
    bool is_short = false;
    using executor = scarce_executor<asio::io_context::executor_type>;
    asio::any_io_executor const strand =
        asio::strand<executor>(executor(elsewhere.get_executor(), is_short));
    ending next;
    char place[10];
    tls_read_some(
        s.client, asio::buffer(place),
        asio::bind_allocator(
            counting_allocator<void>(taken, given_back),
            asio::bind_executor(strand, [handler](error_code, std::size_t) { ++*handler; })));
    settle(s.io);
    is_short = true;
    s.send("for it");
    is_short = false;
    tls_write(s.client, asio::buffer("x", 1), next.token());
    settle(s.io);
    settle(elsewhere);
    BOOST_TEST(next.done);
  }
  BOOST_TEST(*handler <= 1);
  BOOST_TEST(handler.use_count() == 1);
  BOOST_TEST(taken == 1);
  BOOST_TEST(given_back == 1);
}

// Its handler was destroyed, and nobody was told.
BOOST_AUTO_TEST_CASE(handler_that_cannot_reach_its_executor_is_called_later) {
  scarce_session s;
  asio::io_context elsewhere;
  bool is_short = false;
  for (bool const is_cancelled : {false, true}) {
    ending read, next;
    asio::cancellation_signal cancel;
    char place[10];
    tls_read_some(
        s.client, asio::buffer(place),
        asio::bind_cancellation_slot(
            cancel.slot(), asio::bind_executor(scarce(elsewhere, is_short), read.token())));
    settle(s.io);
    is_short = true;
    if (is_cancelled) {
      cancel.emit(asio::cancellation_type::terminal);
      settle(s.io);
    } else {
      s.send("for it");
    }
    settle(elsewhere);
    BOOST_TEST(!read.done);
    is_short = false;
    tls_write(s.client, asio::buffer("x", 1), next.token());
    settle(s.io);
    settle(elsewhere);
    BOOST_TEST(next.done);
    BOOST_TEST(read.done);
  }
}

BOOST_AUTO_TEST_CASE(handler_behind_one_that_throws_is_called_at_once_where_it_cannot_be_later) {
  scarce_session s;
  ending second;
  int asked = 0;
  tls_write(s.client, asio::buffer("first", 5),
            [](error_code, std::size_t) { throw std::runtime_error("of the handler"); });
  tls_write(
      s.client,
      [&] {
        s.is_short = ++asked == 1;  // in the step that ends the first
        return asio::buffer("second", 6);
      },
      second.token());
  BOOST_CHECK_THROW(settle(s.io), std::runtime_error);
  BOOST_TEST(second.done);
  BOOST_TEST((second.ec == boost::system::errc::not_enough_memory));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
