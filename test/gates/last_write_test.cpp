// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A write that carries close_notify: both in one flush, close_notify behind the last byte and never
// behind another, whatever ends the write before.
#include <boost/asio/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <chrono>
#include <string>

#include "played_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;

constexpr std::size_t ring_and_more = 200'000;

tls_settings tls_1(int minor) {
  tls_settings settings;
  settings.version = minor == 2 ? TLS1_2_VERSION : TLS1_3_VERSION;
  return settings;
}

played_write last(std::size_t length) {
  return played_write(std::string(length, 'l'), false, true);
}

struct last_write_session : played_session {
  explicit last_write_session(int minor = 3) : played_session({}, tls_1(minor)) { negotiate(); }

  [[nodiscard]] bool peer_read_the_end() {
    return (SSL_get_shutdown(peer.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
};

BOOST_AUTO_TEST_SUITE(last_write)

BOOST_DATA_TEST_CASE(message_and_close_notify_are_one_flush, data::make({2, 3}), minor) {
  last_write_session s(minor);
  auto write = last(1'000);
  s.start(write);
  s.flush();
  BOOST_TEST(write.told.done);
  BOOST_TEST(write.told.ec == error_code());
  BOOST_TEST(write.told.bytes == 1'000U);
  BOOST_TEST(s.plaintext == std::string(1'000, 'l'));
  BOOST_TEST(s.peer_read_the_end());
  BOOST_TEST(!s.asked.flush);
  BOOST_TEST(s.session.is_idle());
}

BOOST_AUTO_TEST_CASE(it_completes_with_the_last_byte_of_close_notify) {
  last_write_session s;
  auto write = last(1'000);
  s.start(write);
  s.flush(s.session.engine().ring().output_bytes() - 1);
  BOOST_TEST(s.plaintext == std::string(1'000, 'l'));
  BOOST_TEST(!write.told.done);
  BOOST_TEST(!s.peer_read_the_end());
  s.flush();
  BOOST_TEST(write.told.done);
  BOOST_TEST(s.peer_read_the_end());
}

BOOST_AUTO_TEST_CASE(one_that_is_longer_than_the_ring_ends_with_close_notify) {
  last_write_session s;
  auto write = last(ring_and_more);
  s.start(write);
  s.flush();
  BOOST_TEST(!write.told.done);
  BOOST_TEST(!s.peer_read_the_end());
  s.run();
  BOOST_TEST(write.told.bytes == ring_and_more);
  BOOST_TEST(s.plaintext.size() == ring_and_more);
  BOOST_TEST(s.peer_read_the_end());
}

BOOST_AUTO_TEST_CASE(writes_before_it_share_its_record_and_writes_behind_it_are_refused) {
  last_write_session s;
  played_write under_way("under way;"), earlier("earlier;"), later("later");
  auto write = last(3);
  for (auto* each : {&under_way, &earlier, &write, &later})
    s.start(*each);
  auto const before = s.session.engine().stats().records_sealed;
  s.flush();
  BOOST_TEST(s.session.engine().stats().records_sealed == before + 1);
  BOOST_TEST(later.told.done);
  BOOST_TEST((later.told.ec == errc::closed_for_writing));
  BOOST_TEST(!write.told.done);
  s.flush();
  BOOST_TEST(earlier.told.ec == error_code());
  BOOST_TEST(write.told.ec == error_code());
  BOOST_TEST(s.plaintext == "under way;earlier;lll");
  BOOST_TEST(s.peer_read_the_end());
}

BOOST_AUTO_TEST_CASE(it_counts_as_a_close_that_is_queued_until_it_is_cancelled) {
  last_write_session s;
  played_write under_way("under way;"), later("later");
  auto write = last(3);
  s.start(under_way);
  BOOST_TEST(!s.session.refusal());
  s.start(write);
  BOOST_TEST((s.session.refusal() == errc::closed_for_writing));
  s.start(later);
  s.cancel(write, true);
  BOOST_TEST(write.told.ec == asio::error::operation_aborted);
  BOOST_TEST(write.told.bytes == 0U);
  BOOST_TEST(!s.session.refusal());
  s.run();
  BOOST_TEST(later.told.ec == error_code());
  BOOST_TEST(s.plaintext == "under way;later");
  BOOST_TEST(!s.peer_read_the_end());
}

BOOST_AUTO_TEST_CASE(one_that_is_cancelled_half_way_sends_no_close_notify) {
  last_write_session s;
  auto write = last(ring_and_more);
  played_write later("later");
  s.start(write);
  s.cancel(write, true);  // something of it is sealed
  BOOST_TEST(!write.told.done);
  s.cancel(write);
  BOOST_TEST(write.told.ec == asio::error::operation_aborted);
  BOOST_TEST(write.told.bytes < ring_and_more);
  s.start(later);
  s.run();
  BOOST_TEST((s.plaintext == std::string(write.told.bytes, 'l') + "later"));
  BOOST_TEST(!s.peer_read_the_end());
}

BOOST_AUTO_TEST_CASE(one_whose_time_is_over_half_way_sends_no_close_notify) {
  last_write_session s;
  auto write = last(ring_and_more);
  write.expiry = played_session::moment + std::chrono::seconds(1);
  s.start(write);
  s.pass(std::chrono::seconds(1));
  BOOST_TEST(write.told.ec == asio::error::timed_out);
  s.run();
  BOOST_TEST(s.plaintext.size() == write.told.bytes);
  BOOST_TEST(!s.peer_read_the_end());
}

BOOST_AUTO_TEST_CASE(one_that_is_cancelled_behind_its_seal_is_delivered_with_close_notify) {
  last_write_session s;
  auto write = last(1'000);
  played_write later("later");
  s.start(write);
  s.cancel(write, true);
  BOOST_TEST(!write.told.done);
  s.cancel(write);
  BOOST_TEST(write.told.ec == asio::error::operation_aborted);
  BOOST_TEST(write.told.bytes == 1'000U);
  s.start(later);
  s.run();
  BOOST_TEST((later.told.ec == errc::closed_for_writing));
  BOOST_TEST(s.plaintext == std::string(1'000, 'l'));
  BOOST_TEST(s.peer_read_the_end());
}

// As a relocatable buffer that has changed: the rest of it is not there.
class shrinking_write final : public played_verb<detail::write_verb> {
public:
  shrinking_write() : played_verb(false) { is_last = true; }
  [[nodiscard]] std::span<std::byte const> piece() override {
    if (bytes == 0) return std::as_bytes(std::span(plaintext_));
    result = errc::buffer_changed;
    return {};
  }
  void advance(std::size_t n) override { bytes += n; }

private:
  std::string const plaintext_ = std::string(20'000, 's');
};

BOOST_AUTO_TEST_CASE(one_whose_buffer_was_misused_sends_no_close_notify) {
  last_write_session s;
  shrinking_write write;
  s.start(write);
  s.run();
  BOOST_TEST((write.told.ec == errc::buffer_changed));
  BOOST_TEST(write.told.bytes == max_record_plaintext);
  BOOST_TEST(s.plaintext.size() == max_record_plaintext);
  BOOST_TEST(!s.peer_read_the_end());
  BOOST_TEST(!s.session.refusal());
}

BOOST_AUTO_TEST_CASE(next_layer_that_fails_ends_it) {
  last_write_session s;
  auto write = last(1'000);
  s.start(write);
  s.fail_flush(asio::error::connection_reset);
  BOOST_TEST(write.told.ec == asio::error::connection_reset);
  BOOST_TEST(write.told.bytes == 0U);
}

BOOST_AUTO_TEST_CASE(empty_one_is_a_close_notify) {
  last_write_session s;
  auto write = last(0), again = last(0), late = last(1);
  s.start(write);
  BOOST_TEST(!write.told.done);
  s.flush();
  BOOST_TEST(write.told.ec == error_code());
  BOOST_TEST(s.peer_read_the_end());
  s.start(again);
  s.start(late);
  BOOST_TEST(again.told.done);
  BOOST_TEST(again.told.ec == error_code());
  BOOST_TEST((late.told.ec == errc::closed_for_writing));
  BOOST_TEST(!s.asked.flush);
}

BOOST_AUTO_TEST_CASE(session_that_is_used_again_is_open_again) {
  last_write_session s;
  auto write = last(1'000);
  s.start(write);
  s.run();
  BOOST_TEST((s.session.refusal() == errc::closed_for_writing));
  BOOST_REQUIRE(SSL_clear(s.session.engine().native_handle()) == 1);
  s.session.begin_anew_if_cleared();
  BOOST_TEST(!s.session.refusal());
}

BOOST_AUTO_TEST_CASE(one_that_comes_before_the_handshake_negotiates_first) {
  played_session s;
  auto write = last(1'000);
  s.start(write);
  s.run();
  BOOST_TEST(write.told.done);
  BOOST_TEST(write.told.ec == error_code());
  BOOST_TEST(s.plaintext == std::string(1'000, 'l'));
  BOOST_TEST((SSL_get_shutdown(s.peer.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0);
}

BOOST_AUTO_TEST_CASE(reading_goes_on_behind_it_and_a_shutdown_waits_for_the_peer) {
  last_write_session s;
  auto write = last(1'000);
  played_read read(100);
  played_control shutdown(verb_kind::shutdown);
  s.start(read);
  s.start(write);
  s.flush();
  BOOST_REQUIRE(s.peer.write("its answer"));
  s.fill();
  BOOST_TEST(read.plaintext() == "its answer");
  s.start(shutdown);
  BOOST_TEST(!s.asked.flush);
  BOOST_TEST(!shutdown.told.done);
  s.peer.shutdown();
  s.run();
  BOOST_TEST(shutdown.told.ec == error_code());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
