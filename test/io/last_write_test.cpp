// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_write_last through a stream: how many sends it makes of which plaintext, and what a reader
// has that the transport cuts off.
#include <boost/asio/ssl/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <memory>
#include <string>
#include <vector>

#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

// Client to server, both up, with a reader that takes what comes.
struct last_write_pair {
  explicit last_write_pair(int minor = 3)
      : client_context(client_of_tls_1(minor)), s({}, client_context) {
    keep_reading(s.server, received);
    s.settle();
    sends_before = s.client_end().writes();
    bytes_before = s.client_end().written().size();
  }
  [[nodiscard]] std::size_t sends() { return s.client_end().writes() - sends_before; }
  [[nodiscard]] auto records() { return records_written(s.client_end(), bytes_before); }

  context client_context;
  connected_session s;
  sink received;
  std::size_t sends_before = 0, bytes_before = 0;
};

BOOST_AUTO_TEST_SUITE(last_write)

BOOST_DATA_TEST_CASE(any_plaintext_leaves_with_close_notify_in_one_send, data::make({2, 3}),
                     minor) {
  auto const text = numbered_plaintext(1'000);
  auto const in_one_send = [&](auto const& write) {
    last_write_pair p(minor);
    ending written;
    write(p.s.client, written.token());
    p.s.settle();
    BOOST_TEST(written.done);
    BOOST_TEST(written.ec == error_code());
    BOOST_TEST(written.bytes == text.size());
    BOOST_TEST(p.sends() == 1U);
    BOOST_TEST(p.records().size() == 2U);
    BOOST_TEST(p.received.plaintext == text);
    BOOST_TEST(p.received.end == asio::error::eof);
  };
  in_one_send([&](auto& s, auto token) { tls_write_last(s, asio::buffer(text), token); });
  in_one_send([&](auto& s, auto token) { tls_write_last(s, asio::buffer(text), 1s, token); });
  in_one_send([&](auto& s, auto token) { tls_write_last(s, std::string(text), token); });
  in_one_send([&](auto& s, auto token) {
    tls_write_last(s, std::make_shared<std::string const>(text), token);
  });
  in_one_send([&](auto& s, auto token) {
    tls_write_last(
        s, [&text] { return asio::buffer(text); }, token);
  });
  in_one_send([&](auto& s, auto token) {
    tls_write_last(
        s, std::vector<asio::const_buffer>{asio::buffer(text, 400), asio::buffer(text) + 400},
        token);
  });
}

BOOST_AUTO_TEST_CASE(whole_ring_leaves_with_close_notify_in_one_send) {
  last_write_pair p;
  auto const text = numbered_plaintext(4 * max_record_plaintext);
  ending written;
  tls_write_last(p.s.client, asio::buffer(text), written.token());
  p.s.settle();
  BOOST_TEST(written.bytes == text.size());
  BOOST_TEST(p.sends() == 1U);
  BOOST_TEST((p.received.plaintext == text));
  BOOST_TEST(p.received.end == asio::error::eof);
}

BOOST_AUTO_TEST_CASE(next_layer_may_take_as_little_as_it_likes) {
  for (std::size_t const at_once : {1U, 7U, 999U}) {
    last_write_pair p;
    p.s.client_end().outgoing().largest_transfer = at_once;
    auto const text = numbered_plaintext(20'000);
    ending written;
    tls_write_last(p.s.client, asio::buffer(text), written.token());
    p.s.settle();
    BOOST_TEST(written.ec == error_code());
    BOOST_TEST((p.received.plaintext == text));
    BOOST_TEST(p.received.end == asio::error::eof);
    BOOST_TEST(p.s.client_end().written().size() == p.bytes_before + 20'000 + 2 * 22 + 24);
  }
}

// Only all of it, close_notify included, is an end that a reader may believe.
BOOST_AUTO_TEST_CASE(whatever_is_cut_off_is_truncated) {
  auto const text = numbered_plaintext(20'000);
  std::size_t const all = 20'000 + 2 * 22 + 24;
  for (std::size_t cut = 0; cut <= all; ++cut) {
    if (cut == 30 || cut == 16'415) cut = cut == 30 ? 16'395 : all - 50;
    last_write_pair p;
    p.s.client_end().outgoing().cut_at = p.bytes_before + cut;
    ending written;
    tls_write_last(p.s.client, asio::buffer(text), written.token());
    p.s.settle();
    std::size_t const whole = cut < 16'406 ? 0 : cut < all - 24 ? 16'384 : 20'000;
    BOOST_TEST_CONTEXT("cut behind " << cut << " bytes") {
      BOOST_TEST(p.received.ended);
      BOOST_TEST((p.received.plaintext == text.substr(0, whole)));
      if (cut != all) BOOST_TEST(p.received.end == asio::ssl::error::stream_truncated);
      if (cut == all) BOOST_TEST(p.received.end == asio::error::eof);
    }
  }
}

BOOST_AUTO_TEST_CASE(one_that_ends_at_its_deadline_half_way_leaves_the_session_open) {
  last_write_pair p;
  p.s.client_end().outgoing().capacity = 10'000;
  p.s.client_end().outgoing().held = true;
  auto const text = numbered_plaintext(300'000);
  ending written, later;
  tls_write_last(p.s.client, asio::buffer(text), 1s, written.token());
  p.s.settle();
  BOOST_TEST(tls_try_write(p.s.client, asio::buffer("x", 1)) == errc::closed_for_writing);
  p.s.pass(1s);
  BOOST_TEST(written.ec == asio::error::timed_out);
  BOOST_TEST(written.bytes < text.size());
  p.s.client_end().outgoing() = {};
  p.s.client_end().settle();
  tls_write(p.s.client, asio::buffer("and on", 6), later.token());
  p.s.settle();
  BOOST_TEST(later.ec == error_code());
  BOOST_TEST((p.received.plaintext == text.substr(0, written.bytes) + "and on"));
  BOOST_TEST(!p.received.ended);
}

BOOST_AUTO_TEST_CASE(stream_without_a_role_sends_nothing) {
  memory_session s;
  ending written;
  tls_write_last(s.client, asio::buffer("x", 1), written.token());
  s.settle();
  BOOST_TEST(written.ec == errc::no_role);
  BOOST_TEST(s.client_end().writes() == 0U);
}

BOOST_AUTO_TEST_CASE(shutdown_behind_it_waits_for_the_peer_only) {
  last_write_pair p;
  ending written, shut, of_server;
  tls_write_last(p.s.client, asio::buffer("the last", 8), written.token());
  tls_shutdown(p.s.client, shut.token());
  p.s.settle();
  BOOST_TEST(p.received.end == asio::error::eof);
  BOOST_TEST(!shut.done);
  tls_shutdown(p.s.server, of_server.token());
  p.s.settle();
  BOOST_TEST(shut.ec == error_code());
  BOOST_TEST(p.sends() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
