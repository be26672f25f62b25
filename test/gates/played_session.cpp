// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "played_session.hpp"

#include <tls_async/io/detail/asio_environment.hpp>

#include <algorithm>
#include <array>

namespace tls_async::detail {

std::ostream& operator<<(std::ostream& out, verb_state shown) {
  constexpr std::array names{"fresh",   "negotiating", "reading",    "queued", "under_way",
                             "leaving", "closing",     "letting_go", "done"};
  return out << names.at(static_cast<std::size_t>(shown));
}

}  // namespace tls_async::detail

namespace tls_async::test {

detail::time_point played_session::moment{std::chrono::hours(1'000)};

played_session::played_session(stream_options const& given, tls_settings const& settings)
    : played_session(make_context(role::client, settings).get(),
                     make_context(role::server, settings).get(), given) {}

played_session::played_session(SSL_CTX* client, SSL_CTX* server, stream_options const& given)
    : peer(server, role::server, {1 << 17, 1 << 17}), session(client, given, world()) {
  session.engine().be_client();
}

detail::environment const& played_session::world() {
  static auto const of_tests = detail::asio_environment(&now, 0);
  return of_tests;
}

played_session::~played_session() {
  session.close();
  hand_over();
}

void played_session::hand_over() {
  while (detail::verb* const done = session.take_done())
    (void)done->complete(detail::hop::none);
}

void played_session::turn() {
  for (;;) {
    auto const wanted = session.turn(*this);
    if (wanted.locate != nullptr && locates_later) {
      asked.locate = wanted.locate;
      break;
    }
    if (wanted.locate != nullptr) {
      wanted.locate->locate();
      session.located(*wanted.locate);
      continue;
    }
    BOOST_TEST(!(asked.flush && wanted.flush), "a second flush beside the first");
    BOOST_TEST(!(asked.fill && wanted.fill != detail::fill_way::none), "a second fill");
    asked.flush = asked.flush || wanted.flush;
    asked.writable = asked.writable || wanted.wait_writable;
    asked.fill = asked.fill || wanted.fill != detail::fill_way::none;
    asked.let_go = asked.let_go || wanted.let_go;
    asked.look_again = asked.look_again || wanted.look_again;
    if (wanted.timer != detail::never) asked.timer = wanted.timer;
    break;
  }
  hand_over();
  session.go_idle();
  if (session.wants_no_timer()) asked.timer = detail::never;
}

void played_session::cancel(detail::verb& v, bool only_if_without_effect) {
  session.cancel(v, only_if_without_effect, detail::operation_aborted());
  turn();
}

void played_session::open_at_peer() {
  if (SSL_is_init_finished(peer.ssl()) == 0) peer.handshake();
  if (SSL_is_init_finished(peer.ssl()) == 0 || peer_has_failed) return;
  for (;;) {
    auto const read = peer.read(plaintext);
    if (read) continue;
    peer_has_failed = read.error == SSL_ERROR_SSL || read.error == SSL_ERROR_SYSCALL;
    return;
  }
}

void played_session::flush(std::size_t most) {
  BOOST_REQUIRE(asked.flush);
  asked.flush = false;
  auto const ciphertext = session.engine().ring().readable();
  std::size_t const n = std::min(most, ciphertext.size());
  peer.give({reinterpret_cast<char const*>(ciphertext.data()), n});
  flushed_bytes += n;
  last_progress = moment;
  session.flushed({}, n);
  open_at_peer();
  turn();
}

void played_session::fail_flush(error_code ec) {
  asked.flush = false;
  session.flushed(ec, 0);
  turn();
}

void played_session::become_writable() {
  BOOST_REQUIRE(asked.writable);
  asked.writable = false;
  session.writable({});
  turn();
}

void played_session::fill(std::size_t most) {
  fill_with(peer.take(std::min<std::size_t>(most, 60'000)));
}

void played_session::fill_with(std::string_view ciphertext) {
  BOOST_REQUIRE(asked.fill);
  asked.fill = asked.let_go = false;
  auto const room = session.fill_room();
  BOOST_REQUIRE_GE(room.size(), ciphertext.size());
  std::ranges::copy(std::as_bytes(std::span(ciphertext)), room.begin());
  session.filled({}, ciphertext.size());
  turn();
}

void played_session::fail_fill(error_code ec) {
  asked.fill = asked.let_go = false;
  session.filled(ec, 0);
  turn();
}

void played_session::end_fill_let_go() {
  BOOST_REQUIRE(asked.let_go);
  fail_fill(detail::operation_aborted());
}

void played_session::look_again() {
  asked.look_again = false;
  session.go_on();
  turn();
}

void played_session::locate() {
  BOOST_REQUIRE(asked.locate != nullptr);
  auto& write = *std::exchange(asked.locate, nullptr);
  write.locate();
  session.located(write);
  turn();
}

void played_session::close() {
  session.close();
  turn();
}

void played_session::abandon() {
  auto verbs = session.take_all();
  while (!verbs.empty()) {
    detail::verb& first = verbs.front();
    verbs.pop_front();
    first.abandon();
  }
  asked.timer = detail::never;
}

void played_session::pass(std::chrono::milliseconds span) {
  moment += span;
  if (asked.timer > moment) return;
  asked.timer = detail::never;
  session.expired();
  turn();
}

void played_session::negotiate() {
  played_control handshake(verb_kind::handshake);
  start(handshake);
  run();
  BOOST_REQUIRE(handshake.told.done);
  BOOST_REQUIRE_EQUAL(handshake.told.ec, error_code());
}

void played_session::run() {
  for (int i = 0; i != 1'000; ++i) {
    if (asked.flush) {
      flush();
    } else if (asked.let_go) {
      end_fill_let_go();
    } else if (asked.look_again) {
      look_again();
    } else if (asked.locate != nullptr) {
      locate();
    } else if (asked.fill && peer.produced() != 0) {
      fill();
    } else {
      return;
    }
  }
  BOOST_FAIL("it never comes to rest");
}

}  // namespace tls_async::test
