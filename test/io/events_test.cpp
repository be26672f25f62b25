// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The end of each handshake and of each session is told once, in order, however it comes about.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/verify_context.hpp>

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "event_log.hpp"
#include "support/openssl_version.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

// Closes both ways, the client first.
void close_both_ways(memory_session& s) {
  ending of_client, of_server;
  sink of_reads;
  tls_shutdown(s.client, of_client.token());
  s.settle();
  keep_reading(s.server, of_reads);
  s.settle();
  tls_shutdown(s.server, of_server.token());
  s.settle();
  BOOST_TEST(of_client.ec == error_code());
  BOOST_TEST(of_server.ec == error_code());
}

BOOST_AUTO_TEST_SUITE(events)

BOOST_AUTO_TEST_CASE(session_that_is_closed_both_ways_has_two_events) {
  watched_session w;
  BOOST_TEST(w.client.story() == "");
  w.negotiate();
  BOOST_TEST(w.client.story() == "handshake ok");
  BOOST_TEST(w.server.story() == "handshake ok");
  close_both_ways(w.s);
  BOOST_TEST(w.client.story() == "handshake ok, session ok");
  BOOST_TEST(w.server.story() == "handshake ok, session ok");
  w.destroy(w.s.client);
  w.destroy(w.s.server);
  BOOST_TEST(w.client.events().size() == 2U);
  BOOST_TEST(w.server.events().size() == 2U);
}

BOOST_AUTO_TEST_CASE(event_has_what_was_agreed_on_and_how_long_it_took) {
  watched_session w;
  tls_handshake(w.s.client, as_client{"localhost"}, w.of_client.token());
  w.s.settle();
  virtual_clock::advance(3s);
  tls_handshake(w.s.server, as_server{}, w.of_server.token());
  w.s.settle();
  auto const done = w.client.events().at(0);
  BOOST_TEST(!done.is_server);
  BOOST_TEST(w.server.events().at(0).is_server);
  BOOST_TEST((done.info == w.s.client.session_info()));
  BOOST_TEST(done.info.version == "TLSv1.3");
  BOOST_TEST((done.duration == 3s));
  BOOST_TEST((w.server.events().at(0).duration == 0s));
  BOOST_TEST(done.cpu_time.count() > 0);
  BOOST_TEST(done.text == "");
  BOOST_TEST(!done.alert);
  virtual_clock::advance(4s);
  write_now(w.s, w.s.client, "hello");
  w.destroy(w.s.client);
  auto const ended = w.client.events().at(1);
  BOOST_TEST((ended.info == done.info));
  BOOST_TEST((ended.duration == 7s));
  BOOST_TEST((ended.cpu_time == done.cpu_time));
  BOOST_TEST(ended.stats.plaintext_sealed == 5U);
  BOOST_TEST(ended.result == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(session_without_a_clean_end_tells_which_it_was) {
  struct trial {
    char const* name;
    void (*act)(watched_session&);
    char const* of_client;
    char const* of_server;
  };
  auto const close_write = [](watched_session& w) {
    ending closed;
    sink read;
    tls_close_write(w.s.client, closed.token());
    keep_reading(w.s.server, read);
    w.s.settle();
    w.destroy(w.s.client);
    w.destroy(w.s.server);
    w.s.settle();
  };
  auto const abandon = [](watched_session& w) {
    w.destroy(w.s.client);
    w.destroy(w.s.server);
  };
  auto const cut = [](watched_session& w) {
    sink read;
    keep_reading(w.s.server, read);
    w.s.client_end().close();
    w.s.settle();
    BOOST_TEST(w.server.story() == "handshake ok, session truncated");
    w.destroy(w.s.client);
  };
  auto const time_out = [](watched_session& w) {
    std::array<char, 1> place{};
    ending read;
    tls_read_some(w.s.client, asio::buffer(place), 1s, read.token());
    w.s.settle();
    w.s.pass(2s);
    BOOST_TEST(read.ec == asio::error::timed_out);
    BOOST_TEST(w.client.story() == "handshake ok");  // it may be used on
    w.destroy(w.s.client);
    w.destroy(w.s.server);
  };
  for (auto const& each :
       {trial{"half closed", close_write, "session closed_by_us", "session closed_by_peer"},
        trial{"abandoned", abandon, "session abandoned", "session abandoned"},
        trial{"cut", cut, "session abandoned", "session truncated"},
        trial{"timed out", time_out, "session timed_out", "session abandoned"}}) {
    BOOST_TEST_CONTEXT(each.name) {
      watched_session w;
      w.negotiate();
      each.act(w);
      BOOST_TEST(w.client.story() == "handshake ok, " + std::string(each.of_client));
      BOOST_TEST(w.server.story() == "handshake ok, " + std::string(each.of_server));
    }
  }
}

BOOST_AUTO_TEST_CASE(stream_without_a_handshake_has_no_event) {
  watched_session w;
  w.destroy(w.s.client);
  BOOST_TEST(w.client.story() == "");
}

BOOST_AUTO_TEST_CASE(handshake_that_is_cancelled_ends_with_its_stream) {
  watched_session w;
  asio::cancellation_signal signal;
  ending first;
  tls_handshake(w.s.client, as_client{"localhost"},
                asio::bind_cancellation_slot(signal.slot(), first.token()));
  w.s.settle();
  signal.emit(asio::cancellation_type::terminal);
  w.s.settle();
  BOOST_TEST(first.ec == asio::error::operation_aborted);
  BOOST_TEST(w.client.story() == "");
  w.negotiate();  // it goes on
  BOOST_TEST(w.client.story() == "handshake ok");
}

BOOST_AUTO_TEST_CASE(handshake_whose_deadline_expired_says_so_when_its_stream_is_destroyed) {
  watched_session w;
  tls_handshake(w.s.client, as_client{"localhost"}, 1s, w.of_client.token());
  w.s.settle();
  w.s.pass(2s);
  BOOST_TEST(w.of_client.ec == asio::error::timed_out);
  w.destroy(w.s.client);
  BOOST_TEST(w.client.story() == "handshake timed_out");
  BOOST_TEST((w.client.events().at(0).duration == 2s));
  BOOST_TEST(w.client.events().at(0).text.find("ServerHello") != std::string::npos);
}

// Wherever it is destroyed, each end is told once.
BOOST_AUTO_TEST_CASE(stream_that_is_destroyed_at_any_step_tells_each_end_once) {
  for (int steps = 0;; ++steps) {
    watched_session w;
    tls_handshake(w.s.client, as_client{"localhost"}, w.of_client.token());
    tls_handshake(w.s.server, as_server{}, w.of_server.token());
    w.s.io.restart();
    int taken = 0;
    while (taken < steps && w.s.io.poll_one() != 0)
      ++taken;
    w.destroy(w.s.client);
    bool const was_done = w.client.events().size() == 2;
    BOOST_TEST(w.client.story() ==
               (was_done ? "handshake ok, session abandoned" : "handshake cancelled"));
    w.s.settle();
    w.destroy(w.s.server);
    w.s.settle();
    auto const of_server = w.server.story();
    BOOST_TEST((of_server == "handshake truncated" || of_server == "handshake cancelled" ||
                of_server == "handshake connection_failed" ||
                of_server.starts_with("handshake ok, session ")),
               of_server);
    BOOST_TEST(w.server.events().size() <= 2U);
    if (taken < steps) break;
  }
}

BOOST_AUTO_TEST_CASE(handshake_that_is_cancelled_at_any_step_ends_once) {
  for (int steps = 0;; ++steps) {
    watched_session w;
    asio::cancellation_signal signal;
    tls_handshake(w.s.client, as_client{"localhost"},
                  asio::bind_cancellation_slot(signal.slot(), w.of_client.token()));
    tls_handshake(w.s.server, as_server{}, w.of_server.token());
    w.s.io.restart();
    int taken = 0;
    while (taken < steps && w.s.io.poll_one() != 0)
      ++taken;
    signal.emit(asio::cancellation_type::terminal);
    w.s.settle();
    BOOST_TEST(w.of_client.done);
    auto const before = w.client.story();
    BOOST_TEST((before == "" || before == "handshake ok"), before);
    BOOST_TEST((w.of_client.ec.failed() || before == "handshake ok"));
    w.destroy(w.s.client);
    BOOST_TEST(w.client.story() ==
               (before == "" ? "handshake cancelled" : "handshake ok, session abandoned"));
    if (taken < steps) break;
  }
}

BOOST_AUTO_TEST_CASE(io_context_that_goes_first_leaves_the_end_to_the_stream) {
  context client = client_context();
  event_log log(client);
  {
    std::optional<asio::io_context> io(std::in_place);
    auto ends = memory_stream::make(io->get_executor());
    std::optional<memory_tls> stream(std::in_place, std::move(ends.first), client);
    tls_handshake(*stream, as_client{"localhost"}, [](error_code) {});
    io->poll();
    stream.reset();
    BOOST_TEST(log.story() == "handshake cancelled");
    io.reset();
  }
  BOOST_TEST(log.story() == "handshake cancelled");
}

BOOST_AUTO_TEST_CASE(stream_owned_by_its_handler_tells_its_end_when_the_io_context_goes) {
  context client = client_context();
  event_log log(client);
  {
    asio::io_context io;
    auto ends = memory_stream::make(io.get_executor());
    auto stream = std::make_shared<memory_tls>(std::move(ends.first), client);
    tls_handshake(*stream, as_client{"localhost"}, [stream](error_code) {});
    stream.reset();
    io.poll();
    BOOST_TEST(log.story() == "");
  }
  BOOST_TEST(log.story() == "handshake cancelled");
}

BOOST_AUTO_TEST_CASE(cleared_session_begins_another_life) {
  watched_session w;
  w.negotiate();
  close_both_ways(w.s);
  auto const first = w.client.events().at(0);
  for (auto* one : {&w.s.client, &w.s.server})
    BOOST_REQUIRE(SSL_clear(one->native_handle()) == 1);
  w.of_client = w.of_server = {};
  w.negotiate();
  BOOST_TEST(w.of_client.ec == error_code());
  BOOST_TEST(w.client.story() == "handshake ok, session ok, handshake ok");
  BOOST_TEST(w.server.story() == "handshake ok, session ok, handshake ok");
  BOOST_TEST((w.client.events().at(1).info == first.info));
  w.destroy(w.s.client);
  w.destroy(w.s.server);
  BOOST_TEST(w.client.story() == "handshake ok, session ok, handshake ok, session abandoned");
}

BOOST_AUTO_TEST_CASE(session_that_was_cleared_before_its_end_is_abandoned) {
  watched_session w(client_of_tls_1(2), server_context());  // whose tickets are in the handshake
  w.negotiate();
  auto const first = w.client.events().at(0);
  BOOST_REQUIRE(SSL_clear(w.s.client.native_handle()) == 1);
  BOOST_REQUIRE(SSL_clear(w.s.server.native_handle()) == 1);
  w.of_client = w.of_server = {};
  w.negotiate();
  BOOST_TEST(w.of_client.ec == error_code());
  BOOST_TEST(w.client.story() == "handshake ok, session abandoned, handshake ok");
  BOOST_TEST(w.server.story() == "handshake ok, session abandoned, handshake ok");
  BOOST_TEST((w.client.events().at(1).info == first.info));
}

BOOST_AUTO_TEST_CASE(moved_stream_tells_as_before) {
  watched_session w;
  w.negotiate();
  memory_tls moved(std::move(w.s.client));
  BOOST_TEST(w.client.story() == "handshake ok");
  moved = memory_tls(memory_stream::make(w.s.io.get_executor()).first, w.client_context);
  BOOST_TEST(w.client.story() == "handshake ok, session abandoned");
}

BOOST_AUTO_TEST_CASE(handler_that_throws_is_counted_and_disturbs_nothing) {
  watched_session w;
  w.client.then = [](session_event const&) { throw std::runtime_error("no log"); };
  w.negotiate();
  BOOST_TEST(w.of_client.ec == error_code());
  w.destroy(w.s.client);
  BOOST_TEST(w.client.story() == "handshake ok, session abandoned");
  BOOST_TEST(w.client_context.counters().handlers_threw == 2U);
}

// Throws in the place of what an event takes memory for.
struct scarce_clock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<scarce_clock>;
  static constexpr bool is_steady = true;

  static time_point now() {
    if (is_short) throw std::bad_alloc();
    return time_point(std::chrono::steady_clock::now().time_since_epoch());
  }

  static inline bool is_short = false;
};

BOOST_AUTO_TEST_CASE(event_that_finds_no_memory_is_lost_and_counted) {
  context client = client_context();
  event_log log(client);
  asio::io_context io;
  auto link = memory_stream::make(io.get_executor());
  {
    stream<memory_stream, scarce_clock> one(std::move(link.first), client);
    memory_tls other(std::move(link.second), known_server());
    ending a, b;
    tls_handshake(one, as_client{"localhost"}, a.token());
    tls_handshake(other, as_server{}, b.token());
    settle(io);
    BOOST_REQUIRE(SSL_clear(one.native_handle()) == 1);
    scarce_clock::is_short = true;
    one.set_role(memory_tls::client);
    scarce_clock::is_short = false;
  }
  BOOST_TEST(log.story() == "handshake ok");
  auto const counted = client.counters();
  BOOST_TEST(counted.events_lost == 1U);
  BOOST_TEST(ends(counted, end_reason::abandoned) == 1U);
}

BOOST_AUTO_TEST_CASE(stream_that_is_destroyed_inside_of_openssl_tells_its_end_outside) {
  watched_session w;
  bool is_inside = false;
  w.client.then = [&](session_event const&) { BOOST_TEST(!is_inside); };
  w.s.client.set_verify_callback([&](bool, asio::ssl::verify_context&) {
    is_inside = true;
    if (w.client.events().empty()) w.destroy(w.s.client);
    is_inside = false;
    return true;
  });
  w.negotiate();
  BOOST_TEST(w.client.events().size() != 0U);
  BOOST_TEST(w.client.story().starts_with("handshake "));
  BOOST_TEST((w.client.events().size() == 2) == w.client.story().starts_with("handshake ok"));
}

BOOST_AUTO_TEST_CASE(handler_may_call_into_its_stream) {
  watched_session w;
  sink of_server;
  ending written;
  w.client.then = [&](session_event const& event) {
    if (event.what == session_event::kind::session_ended) return;
    BOOST_TEST(w.s.client.session_info().version == "TLSv1.3");
    tls_write(w.s.client, asio::buffer("from the handler", 16), written.token());
    BOOST_TEST(!written.done);
  };
  w.negotiate();
  keep_reading(w.s.server, of_server);
  w.s.settle();
  BOOST_TEST(written.done);
  BOOST_TEST(of_server.plaintext == "from the handler");
}

BOOST_AUTO_TEST_CASE(handler_that_destroys_its_stream_is_told_the_end_afterwards) {
  watched_session w;
  bool is_inside = false;
  w.client.then = [&](session_event const&) {
    BOOST_TEST(!std::exchange(is_inside, true));
    if (w.client.events().size() == 1) w.destroy(w.s.client);
    is_inside = false;
  };
  w.negotiate();
  BOOST_TEST(w.of_client.done);
  BOOST_TEST(w.client.story() == "handshake ok, session abandoned");
}

BOOST_AUTO_TEST_CASE(handler_that_waits_for_another_thread_with_the_stream_goes_on) {
  watched_session w;
  auto const ask = [&](memory_tls& one) {
    std::thread other([&] { (void)one.stats(); });
    other.join();
  };
  w.client.then = [&](session_event const& event) {
    if (event.what == session_event::kind::handshake_ended) ask(w.s.client);
  };
  w.server.then = [&](session_event const& event) {
    if (event.what == session_event::kind::handshake_ended) ask(w.s.server);
  };
  w.negotiate();
  BOOST_TEST(w.client.story() == "handshake ok");
  BOOST_TEST(w.server.story() == "handshake ok");
}

BOOST_AUTO_TEST_CASE(handshake_that_is_refused_at_once_is_told_after_the_verb_has_started) {
  watched_session w(context(context::role::client), server_context());
  bool has_started = false;
  w.client.then = [&](session_event const&) { BOOST_TEST(has_started); };
  tls_handshake(w.s.client, as_client{"localhost"}, w.of_client.token());
  has_started = true;
  w.s.settle();
  BOOST_TEST(w.of_client.ec == errc::empty_trust_store);
  BOOST_TEST(w.client.story() == "handshake not_configured");
}

// The inner stream of two is driven under the outer one's lock.
BOOST_AUTO_TEST_CASE(stream_over_a_stream_tells_without_either_lock) {
  context outer_client = client_context();
  context outer_server = server_context();
  context inner_client = client_context();
  context inner_server = server_context();
  event_log of_outer(outer_client), of_inner(inner_client);
  asio::io_context io;
  using nested = stream<memory_tls, virtual_clock>;
  auto ends = memory_stream::make(io.get_executor());
  std::optional<nested> client(std::in_place, memory_tls(std::move(ends.first), inner_client),
                               outer_client);
  nested server(memory_tls(std::move(ends.second), inner_server), outer_server);
  bool is_there = true;
  auto const ask = [&](session_event const&) {
    if (is_there) std::thread([&] { (void)client->stats(); }).join();
  };
  of_outer.then = of_inner.then = ask;
  ending a, b, c, d;
  tls_handshake(client->next_layer(), as_client{"localhost"}, a.token());
  tls_handshake(server.next_layer(), as_server{}, b.token());
  settle(io);
  BOOST_TEST(of_inner.story() == "handshake ok");
  tls_handshake(*client, as_client{"localhost"}, c.token());
  tls_handshake(server, as_server{}, d.token());
  settle(io);
  BOOST_TEST(of_outer.story() == "handshake ok");
  is_there = false;
  client.reset();
  BOOST_TEST(of_outer.story() == "handshake ok, session abandoned");
  settle(io);
  BOOST_TEST(of_inner.story() == "handshake ok, session abandoned");
}

// A failure at once of the inner stream, in a call of the outer one.
BOOST_AUTO_TEST_CASE(inner_stream_that_fails_at_once_tells_without_the_outer_lock) {
  context outer_client = client_context();
  context untrusting(context::role::client);
  event_log of_inner(untrusting);
  asio::io_context io;
  using nested = stream<memory_tls, virtual_clock>;
  nested client(memory_tls(memory_stream::make(io.get_executor()).first, untrusting), outer_client);
  client.next_layer().set_role(memory_tls::client);
  of_inner.then = [&](session_event const&) { std::thread([&] { (void)client.stats(); }).join(); };
  ending shaken;
  tls_handshake(client, as_client{"localhost"}, shaken.token());
  BOOST_TEST(of_inner.story() == "");
  settle(io);
  BOOST_TEST(shaken.ec == errc::empty_trust_store);
  BOOST_TEST(of_inner.story() == "handshake not_configured");
}

BOOST_AUTO_TEST_CASE(blocking_verbs_tell_before_they_wait_and_before_they_return) {
  using asio::ip::tcp;
  context client = client_context();
  context server = server_context();
  event_log of_client(client), of_server(server);
  asio::io_context io;
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  tcp::socket socket(io);
  socket.connect(acceptor.local_endpoint());
  {
    stream<tcp::socket> a(std::move(socket), client);
    stream<tcp::socket> b(acceptor.accept(), server);
    // Its read negotiates, and then waits for what is only sent when that has been told.
    std::promise<void> told;
    of_client.then = [&](session_event const& event) {
      if (event.what == session_event::kind::handshake_ended) told.set_value();
    };
    std::thread other([&] {
      b.handshake(stream<tcp::socket>::server);
      told.get_future().wait();
      b.write_some(asio::buffer("x", 1));
      b.shutdown();
    });
    BOOST_REQUIRE(set_host(a.native_handle(), "localhost"));
    a.set_role(stream<tcp::socket>::client);
    std::array<char, 8> place{};
    BOOST_TEST(a.read_some(asio::buffer(place)) == 1U);
    error_code ec;
    a.shutdown(ec);
    other.join();
    BOOST_TEST(of_client.story() == "handshake ok, session ok");
    BOOST_TEST(of_server.story() == "handshake ok, session ok");
  }
  BOOST_TEST(of_client.events().size() == 2U);
}

BOOST_AUTO_TEST_CASE(context_without_a_handler_counts_and_takes_no_clock) {
  watched_session w;
  context client = test::client_context();
  memory_session plain({}, client, w.server_context);
  plain.handshake();
  w.destroy(plain.client);
  BOOST_TEST(w.client.story() == "");
  auto const counted = client.counters();
  BOOST_TEST(counted.as_client.full == 1U);
  BOOST_TEST(ends(counted, end_reason::abandoned) == 1U);
  BOOST_TEST(std::accumulate(counted.handshake_durations.begin(), counted.handshake_durations.end(),
                             std::uint64_t{0}) == 0U);
}

BOOST_AUTO_TEST_CASE(counters_say_how_each_handshake_and_session_ended) {
  watched_session w;
  w.negotiate();
  close_both_ways(w.s);
  {
    memory_session refused({}, w.client_context, w.server_context);
    ending of_client, of_server;
    tls_handshake(refused.client, as_client{"elsewhere.test"}, of_client.token());
    tls_handshake(refused.server, as_server{}, of_server.token());
    refused.settle();
  }
  w.destroy(w.s.client);
  auto const of_client = w.client_context.counters();
  auto const of_server = w.server_context.counters();
  BOOST_TEST(of_client.as_client.full == 1U);
  BOOST_TEST(of_client.as_server.full == 0U);
  BOOST_TEST(of_server.as_server.full == 1U);
  BOOST_TEST(failures(of_client.as_client, end_reason::host_mismatch) == 1U);
  BOOST_TEST(failures(of_server.as_server, end_reason::peer_alert) == 1U);
  BOOST_TEST(ends(of_client, end_reason::ok) == 1U);
  BOOST_TEST(of_client.alerts_sent.at(SSL_AD_BAD_CERTIFICATE) == 1U);
  BOOST_TEST(of_server.alerts_received.at(SSL_AD_BAD_CERTIFICATE) == 1U);
  BOOST_TEST(of_client.alerts_sent.at(0) == 1U);
  BOOST_TEST(of_client.alerts_received.at(0) == 1U);
  BOOST_TEST(of_client.handshake_durations.at(0) == 2U);
  BOOST_TEST(of_client.stats.flushes != 0U);
  BOOST_TEST(of_client.events_lost == 0U);
}

int exchange(SSL* ssl, int* /*alert*/, void* other) {
  SSL_set_SSL_CTX(ssl, static_cast<SSL_CTX*>(other));
  return SSL_TLSEXT_ERR_OK;
}

BOOST_AUTO_TEST_CASE(context_that_a_session_began_with_counts_it_all) {
  context begun = server_context();
  context other = server_context();
  SSL_CTX_set_tlsext_servername_callback(begun.native_handle(), exchange);
  SSL_CTX_set_tlsext_servername_arg(begun.native_handle(), other.native_handle());
  {
    memory_session s({}, trusting_client(), begun);
    s.handshake();
    ending written;
    tls_write(s.server, asio::buffer("hello", 5), written.token());
    s.settle();
    BOOST_TEST(SSL_get_SSL_CTX(s.server.native_handle()) == other.native_handle());
  }
  BOOST_TEST(begun.counters().as_server.full == 1U);
  BOOST_TEST(begun.stats().plaintext_sealed == 5U);
  BOOST_TEST(other.stats().plaintext_sealed == 0U);
}

BOOST_AUTO_TEST_CASE(resumed_handshake_is_counted_as_one) {
  watched_session w;
  w.negotiate();
  write_now(w.s, w.s.server, "x");
  std::array<char, 8> place{};
  ending read;
  tls_read_some(w.s.client, asio::buffer(place), read.token());
  w.s.settle();
  SSL_SESSION* const session = SSL_get1_session(w.s.client.native_handle());
  memory_session again({}, w.client_context, w.server_context);
  BOOST_REQUIRE(SSL_set_session(again.client.native_handle(), session) == 1);
  again.handshake();
  SSL_SESSION_free(session);
  BOOST_TEST(w.client.events().back().info.is_resumed);
  BOOST_TEST(w.client_context.counters().as_client.resumed == 1U);
  BOOST_TEST(w.server_context.counters().as_server.resumed == 1U);
  BOOST_TEST(w.server_context.counters().as_server.full == 1U);
}

BOOST_AUTO_TEST_CASE(durations_are_counted_by_bounds) {
  detail::context_counters counted;
  for (auto const span : {0ms, 1ms, 2ms, 4'999ms, 5'000ms, 5'001ms, 60'000ms})
    counted.count_duration(span);
  counters read;
  counted.read(read);
  BOOST_TEST(read.handshake_durations.at(0) == 2U);
  BOOST_TEST(read.handshake_durations.at(1) == 1U);
  BOOST_TEST(read.handshake_durations.at(11) == 2U);
  BOOST_TEST(read.handshake_durations.at(12) == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
