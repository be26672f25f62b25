// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The blocking members over a next layer that is the peer itself: plain OpenSSL, which does its
// part within each call, so that no thread and no socket is needed.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

struct peer {
  explicit peer(tls_settings const& settings)
      : tls(make_context(role::client, settings).get(), role::client, {1 << 20, 1 << 20}) {}

  void go_on() {
    if (SSL_is_init_finished(tls.ssl()) == 0) tls.handshake();
    bool const is_open = (SSL_get_shutdown(tls.ssl()) & SSL_RECEIVED_SHUTDOWN) == 0;
    if (SSL_is_init_finished(tls.ssl()) != 0 && is_open) {
      while (tls.read(plaintext)) {
      }
    }
  }

  raw_session tls;
  std::deque<std::function<void(raw_session&)>> script;  ///< The next step whenever it is read.
  std::size_t largest_transfer = everything;
  std::size_t largest_write = everything;
  std::size_t received = 0;
  std::function<void()> at_write;  ///< Once.
  std::string plaintext;
};

class peer_layer {
public:
  using executor_type = asio::any_io_executor;
  using lowest_layer_type = peer_layer;

  peer_layer(executor_type executor, peer& other) : executor_(std::move(executor)), peer_(&other) {}

  [[nodiscard]] executor_type get_executor() const { return executor_; }
  [[nodiscard]] lowest_layer_type& lowest_layer() { return *this; }

  std::size_t write_some(asio::const_buffer from, error_code& ec) {
    ec = {};
    if (auto const now = std::exchange(peer_->at_write, {})) now();
    std::size_t const most = std::min(peer_->largest_transfer, peer_->largest_write);
    std::size_t const n =
        peer_->tls.give({static_cast<char const*>(from.data()), std::min(from.size(), most)});
    peer_->received += n;
    peer_->go_on();
    return n;
  }
  std::size_t read_some(asio::mutable_buffer into, error_code& ec) {
    ec = {};
    peer_->go_on();
    while (peer_->tls.produced() == 0) {
      if (peer_->script.empty()) return ec = asio::error::eof, 0;
      auto const next = std::move(peer_->script.front());
      peer_->script.pop_front();
      next(peer_->tls);
    }
    return asio::buffer_copy(
        into, asio::buffer(peer_->tls.take(std::min(into.size(), peer_->largest_transfer))));
  }

  // Only what blocks is used here.
  template <class Buffers, class Token>
  auto async_read_some(Buffers const&, Token&& token) {
    return refuse(std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const&, Token&& token) {
    return refuse(std::forward<Token>(token));
  }

private:
  template <class Token>
  auto refuse(Token&& token) {
    error_code const ec = asio::error::operation_not_supported;
    return asio::post(executor_, asio::append(std::forward<Token>(token), ec, std::size_t{0}));
  }

  executor_type executor_;
  peer* peer_;
};

struct blocking_session {
  explicit blocking_session(tls_settings const& settings = {}, stream_options const& options = {})
      : other(settings), tls(peer_layer(io.get_executor(), other), known_server(), options) {}

  std::string read() {
    std::string place(100, '\0');
    place.resize(tls.read_some(asio::buffer(place)));
    return place;
  }

  asio::io_context io;
  peer other;
  stream<peer_layer> tls;
};

tls_settings in_tls_1_2() {
  tls_settings settings;
  settings.version = TLS1_2_VERSION;
  return settings;
}

BOOST_AUTO_TEST_SUITE(blocking)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W6") * boost::unit_test::label("M4") *
                     boost::unit_test::label("M8"))
BOOST_DATA_TEST_CASE(W6_a_call_returns_when_it_is_finished_however_little_the_next_layer_takes,
                     data::make({std::size_t{1}, std::size_t{700}, everything}), at_once) {
  blocking_session s;
  s.other.largest_transfer = at_once;
  s.tls.handshake(s.tls.server);
  s.tls.clear_mode(mode::enable_partial_write);
  auto const message = numbered_plaintext(100'000);
  BOOST_TEST(s.tls.write_some(asio::buffer(message)) == message.size());
  BOOST_TEST((s.other.plaintext == message));

  s.other.script.push_back([](raw_session& other) { other.write("an answer"); });
  BOOST_TEST(s.read() == "an answer");
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W6") * boost::unit_test::label("M3"))
BOOST_AUTO_TEST_CASE(W6_with_partial_write_what_is_reported_has_left) {
  blocking_session s;
  s.tls.handshake(s.tls.server);
  auto const message = numbered_plaintext(300'000);
  for (std::size_t sent = 0; sent != message.size();) {
    std::size_t const n = s.tls.write_some(asio::buffer(message) + sent);
    BOOST_REQUIRE_GT(n, 0U);
    sent += n;
    BOOST_REQUIRE_EQUAL(s.other.plaintext.size(), sent);
  }
  BOOST_TEST((s.other.plaintext == message));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M8") * boost::unit_test::label("M10"))
BOOST_DATA_TEST_CASE(M8_tickets_and_key_updates_are_never_the_callers_work,
                     data::make({true, false}) * data::make({std::size_t{1}, everything}),
                     auto_retry, at_once) {
  blocking_session s;
  if (!auto_retry) s.tls.clear_mode(mode::auto_retry);
  s.other.largest_transfer = at_once;
  s.tls.handshake(s.tls.server);
  for (int round = 0; round != 3; ++round) {
    s.other.script.push_back([](raw_session& other) {
      BOOST_REQUIRE_EQUAL(SSL_key_update(other.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
      BOOST_REQUIRE(other.handshake());
    });
    s.other.script.push_back([](raw_session& other) { BOOST_REQUIRE(other.write("behind it")); });
    BOOST_TEST(s.read() == "behind it");
    BOOST_TEST(s.tls.write_some(asio::buffer("under new keys", 14)) == 14U);
  }
  BOOST_TEST(s.other.plaintext == "under new keysunder new keysunder new keys");
  BOOST_TEST(s.tls.stats().key_updates_received == 3U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M8") * boost::unit_test::label("W4"))
BOOST_DATA_TEST_CASE(M8_a_renegotiation_is_never_the_callers_work,
                     data::make({true, false}) * data::make({std::size_t{1}, everything}),
                     auto_retry, at_once) {
  stream_options options;
  options.allow_renegotiation = true;
  blocking_session s(in_tls_1_2(), options);
  if (!auto_retry) s.tls.clear_mode(mode::auto_retry);
  s.other.largest_transfer = at_once;
  s.tls.handshake(s.tls.server);
  s.other.script.push_back([](raw_session& other) {
    SSL_clear_options(other.ssl(), SSL_OP_NO_RENEGOTIATION);
    BOOST_REQUIRE_EQUAL(SSL_renegotiate(other.ssl()), 1);
    BOOST_REQUIRE_EQUAL(other.handshake().error, SSL_ERROR_WANT_READ);
  });
  s.other.script.push_back([](raw_session& other) { BOOST_REQUIRE(other.write("behind it")); });
  BOOST_TEST(s.read() == "behind it");
  BOOST_TEST(s.tls.write_some(asio::buffer("and on", 6)) == 6U);
  BOOST_TEST(s.other.plaintext == "and on");
  BOOST_TEST(SSL_total_renegotiations(s.other.tls.ssl()) == 1);
}

// What was read last has a new handshake behind it, which the next write then has to finish.
BOOST_DATA_TEST_CASE(short_records_behind_a_renegotiation_lose_no_byte,
                     data::make({1U, 511U, 512U, 513U, 1'000U, 16'385U, 100'000U}) *
                         data::make({true, false}),
                     size, in_parts) {
  stream_options options;
  options.allow_renegotiation = true;
  blocking_session s(in_tls_1_2(), options);
  BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(s.tls.native_handle(), 512), 1);
  if (!in_parts) s.tls.clear_mode(mode::enable_partial_write);
  s.tls.handshake(s.tls.server);
  s.other.script.push_back([](raw_session& other) {
    BOOST_REQUIRE(other.write("first"));
    SSL_clear_options(other.ssl(), SSL_OP_NO_RENEGOTIATION);
    BOOST_REQUIRE_EQUAL(SSL_renegotiate(other.ssl()), 1);
    BOOST_REQUIRE_EQUAL(other.handshake().error, SSL_ERROR_WANT_READ);
  });
  BOOST_REQUIRE_EQUAL(s.read(), "first");
  auto const message = numbered_plaintext(size);
  std::size_t sent = 0;
  while (sent != size)
    sent += s.tls.write_some(asio::buffer(message) + sent);
  BOOST_TEST((s.other.plaintext == message));
  BOOST_TEST(SSL_total_renegotiations(s.other.tls.ssl()) == 1);
}

// OpenSSL answers the first request for new keys when the second has come, and the read is then
// over.
BOOST_DATA_TEST_CASE(answers_behind_a_read_leave_before_it_returns,
                     data::make({std::size_t{1}, std::size_t{30}, everything}), at_once) {
  blocking_session s;
  s.tls.handshake(s.tls.server);
  for (int round = 0; round != 3; ++round) {
    s.other.script.push_back([](raw_session& other) {
      for (int i = 0; i != 2; ++i) {
        BOOST_REQUIRE_EQUAL(SSL_key_update(other.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
        BOOST_REQUIRE(other.handshake());
      }
      BOOST_REQUIRE(other.write("behind them"));
    });
    s.other.largest_write = at_once;
    BOOST_TEST(s.read() == "behind them");
    auto const stats = s.tls.stats();
    BOOST_TEST(stats.ciphertext_flushed == s.other.received);
    BOOST_TEST(s.tls.write_some(asio::buffer("an answer", 9)) == 9U);
  }
  BOOST_TEST(s.other.plaintext == "an answeran answeran answer");
}

// As a fiber that is interrupted, for instance.
BOOST_AUTO_TEST_CASE(next_layer_that_throws_leaves_the_stream_usable) {
  blocking_session s;
  auto const interrupt = [] { throw std::runtime_error("interrupted"); };
  s.other.at_write = interrupt;
  BOOST_CHECK_THROW(s.tls.handshake(s.tls.server), std::runtime_error);
  s.tls.handshake(s.tls.server);
  s.other.script.push_back([&](raw_session&) { interrupt(); });
  BOOST_CHECK_THROW(s.read(), std::runtime_error);
  s.other.script.push_back([](raw_session& other) { other.write("not lost"); });
  BOOST_TEST(s.read() == "not lost");
  s.other.at_write = interrupt;
  BOOST_CHECK_THROW(s.tls.write_some(asio::buffer("sealed;", 7)), std::runtime_error);
  BOOST_TEST(s.tls.write_some(asio::buffer("the next", 8)) == 8U);
  BOOST_TEST(s.other.plaintext == "sealed;the next");
}

// What another thread starts while a call waits: the next layer is called outside of the stream's
// lock.
BOOST_AUTO_TEST_CASE(write_that_moves_and_is_started_beside_a_handshake_is_not_left_behind) {
  blocking_session s;
  ending written;
  auto const text = numbered_plaintext(100'000);
  s.other.at_write = [&] {
    tls_write(
        s.tls, [&] { return asio::const_buffer(asio::buffer(text)); }, written.token());
  };
  s.tls.handshake(s.tls.server);
  s.io.poll();  // its layer takes nothing asynchronously
  BOOST_TEST(written.done);
  BOOST_TEST(written.ec == asio::error::operation_not_supported);
}

BOOST_AUTO_TEST_CASE(read_that_is_started_beside_a_shutdown_does_not_hold_it_up) {
  blocking_session s;
  s.tls.handshake(s.tls.server);
  ending ended;
  std::string place(100, '\0');
  s.other.script.push_back([&](raw_session& other) {
    tls_read_some(s.tls, asio::buffer(place), ended.token());
    other.write("for the read");
  });
  s.other.script.push_back([&](raw_session& other) { other.shutdown(); });
  s.tls.shutdown();
  s.io.poll();
  BOOST_TEST(ended.done);
  BOOST_TEST(ended.bytes == 12U);
}

// A peer whose records are short, by its wish and by ours.
BOOST_TEST_DECORATOR(*boost::unit_test::label("W11"))
BOOST_DATA_TEST_CASE(short_records_lose_no_byte,
                     data::make({512U, 777U, 16'383U}) * data::make({2, 3}) *
                         data::make({true, false}) * data::make({std::size_t{700}, everything}),
                     limit, minor, in_parts, at_once) {
  blocking_session s(minor == 2 ? in_tls_1_2() : tls_settings());
  if (limit == 512U) {
    BOOST_REQUIRE_EQUAL(
        SSL_set_tlsext_max_fragment_length(s.other.tls.ssl(), TLSEXT_max_fragment_length_512), 1);
  } else {
    BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(s.tls.native_handle(), limit), 1);
  }
  if (!in_parts) s.tls.clear_mode(mode::enable_partial_write);
  s.other.largest_transfer = at_once;
  s.tls.handshake(s.tls.server);
  std::string all;
  for (std::size_t const size :
       {std::size_t{1}, std::size_t{limit - 1}, std::size_t{limit}, std::size_t{limit + 1},
        std::size_t{2 * limit + 1}, std::size_t{16'384}, std::size_t{100'000}}) {
    auto const message = numbered_plaintext(size, all.size());
    for (std::size_t sent = 0; sent != size;) {
      std::size_t const n = s.tls.write_some(asio::buffer(message) + sent);
      BOOST_REQUIRE_GT(n, 0U);
      if (!in_parts) BOOST_REQUIRE_EQUAL(n, size);
      all += message.substr(sent, n);
      sent += n;
      BOOST_REQUIRE_EQUAL(s.other.plaintext.size(), all.size());
    }
  }
  BOOST_TEST((s.other.plaintext == all));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
