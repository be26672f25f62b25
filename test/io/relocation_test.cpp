// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Plaintext that is not a buffer of the caller's: owned, relocatable, or left with the stream.
#include <boost/asio/deferred.hpp>
#include <boost/test/unit_test.hpp>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

// A buffer that is somewhere else, and poisoned where it was, each time it is asked for.
class wandering {
public:
  explicit wandering(std::string content) : content_(std::move(content)) { move(); }

  asio::const_buffer operator()() {
    ++moves;
    move();
    return asio::buffer(place_.get(), content_.size());
  }
  std::size_t moves = 0;

private:
  void move() {
    auto next = std::make_unique<char[]>(content_.size());
    std::memcpy(next.get(), content_.data(), content_.size());
    if (place_) std::memset(place_.get(), '#', content_.size());
    place_ = std::move(next);  // the old place is freed: the sanitizer sees who still looks there
  }

  std::string content_;
  std::unique_ptr<char[]> place_;
};

// A link on which nothing arrives until the test says so.
struct slow_session : connected_session {
  explicit slow_session(stream_options const& options = {}) : connected_session(options) {
    client_end().outgoing().capacity = 20'000;
    client_end().settle();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(relocation)

BOOST_TEST_DECORATOR(*boost::unit_test::label("M6") * boost::unit_test::label("W13"))
BOOST_AUTO_TEST_CASE(M6_W13_a_relocatable_buffer_may_move_between_any_two_records) {
  slow_session session;
  std::string const content = numbered_plaintext(200'000);
  wandering buffer(content);
  ending written;
  tls_write(
      session.client, [&buffer] { return buffer(); }, written.token());
  session.settle();
  BOOST_TEST(!written.done);
  sink all;
  keep_reading(session.server, all);
  session.settle();
  BOOST_TEST(written.done);
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(written.bytes == content.size());
  BOOST_TEST((all.plaintext == content));
  BOOST_TEST(buffer.moves > content.size() / 16'384);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M6"))
BOOST_AUTO_TEST_CASE(M6_small_relocatable_buffers_share_a_record) {
  connected_session session;
  wandering first(std::string(100, 'a')), second(std::string(50, 'b'));
  session.client_end().outgoing().held = true;
  ending a, b, c;
  tls_write(
      session.client, [&] { return first(); }, a.token());
  tls_write(
      session.client, [&] { return second(); }, b.token());
  tls_write(session.client, std::string("c"), c.token());
  session.client_end().outgoing().held = false;
  session.client_end().settle();
  sink all;
  keep_reading(session.server, all);
  session.settle();
  BOOST_TEST(all.plaintext == std::string(100, 'a') + std::string(50, 'b') + "c");
  BOOST_TEST(a.bytes + b.bytes + c.bytes == 151U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M7"))
BOOST_AUTO_TEST_CASE(M7_a_moved_buffer_is_an_error_of_ours_without_the_mode) {
  slow_session session;
  BOOST_TEST(!has(session.client.clear_mode(mode::accept_moving_write_buffer),
                  mode::accept_moving_write_buffer));
  wandering buffer(numbered_plaintext(200'000));
  ending written, next;
  tls_write(
      session.client, [&buffer] { return buffer(); }, written.token());
  tls_write(session.client, std::string("next"), next.token());
  sink all;
  keep_reading(session.server, all);
  session.settle();
  BOOST_TEST(written.ec == make_error_code(errc::buffer_moved));
  // What was sealed before is delivered, and the stream goes on.
  BOOST_TEST(next.ec == error_code());
  BOOST_TEST((all.plaintext == numbered_plaintext(200'000).substr(0, written.bytes) + "next"));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M7"))
BOOST_AUTO_TEST_CASE(M7_a_buffer_that_stays_in_its_place_needs_no_mode) {
  slow_session session;
  session.client.clear_mode(mode::accept_moving_write_buffer);
  std::string const content = numbered_plaintext(100'000);
  ending written;
  tls_write(
      session.client, [&content] { return asio::buffer(content); }, written.token());
  sink all;
  keep_reading(session.server, all);
  session.settle();
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST((all.plaintext == content));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W12") * boost::unit_test::label("W13"))
BOOST_AUTO_TEST_CASE(W12_a_relocatable_buffer_of_another_size_is_an_error) {
  slow_session session;
  std::string content = numbered_plaintext(100'000);
  ending written;
  tls_write(
      session.client, [&content] { return asio::buffer(content); }, written.token());
  session.settle();
  content.resize(90'000);
  sink all;
  keep_reading(session.server, all);
  session.settle();
  BOOST_TEST(written.ec == make_error_code(errc::buffer_changed));
  BOOST_TEST((all.plaintext == numbered_plaintext(100'000).substr(0, written.bytes)));
}

#ifndef NDEBUG
BOOST_TEST_DECORATOR(*boost::unit_test::label("W12") * boost::unit_test::label("W13"))
BOOST_AUTO_TEST_CASE(W12_a_relocatable_buffer_with_other_bytes_is_an_error_in_debug_builds) {
  slow_session session;
  std::string content = numbered_plaintext(100'000);
  ending written;
  tls_write(
      session.client, [&content] { return asio::buffer(content); }, written.token());
  session.settle();
  content.back() = '#';
  sink all;
  keep_reading(session.server, all);
  session.settle();
  BOOST_TEST(written.ec == make_error_code(errc::buffer_changed));
}
#endif

BOOST_TEST_DECORATOR(*boost::unit_test::label("M6"))
BOOST_AUTO_TEST_CASE(owned_buffers_live_as_long_as_their_write) {
  slow_session session;
  ending as_string, as_vector, as_shared, empty;
  {
    std::string text = numbered_plaintext(50'000);
    std::vector<unsigned char> bytes(30'000, 'v');
    auto const shared = std::make_shared<std::string const>(40'000, 's');
    tls_write(session.client, std::move(text), as_string.token());
    tls_write(session.client, std::move(bytes), as_vector.token());
    tls_write(session.client, shared, as_shared.token());
    tls_write(session.client, std::shared_ptr<std::string const>(), empty.token());
  }
  sink all;
  keep_reading(session.server, all);
  session.settle();
  BOOST_TEST(as_string.bytes == 50'000U);
  BOOST_TEST(as_vector.bytes == 30'000U);
  BOOST_TEST(as_shared.bytes == 40'000U);
  BOOST_TEST(empty.done);
  BOOST_TEST((all.plaintext ==
              numbered_plaintext(50'000) + std::string(30'000, 'v') + std::string(40'000, 's')));
}

BOOST_AUTO_TEST_CASE(deferred_write_of_an_owned_buffer_can_be_launched_twice) {
  slow_session session;
  ending written[4];
  auto const as_string = tls_write(session.client, std::string(30'000, 's'), asio::deferred);
  as_string(written[0].token());
  as_string(written[1].token());
  auto as_vector = tls_write(session.client, std::vector<char>(30'000, 'v'), asio::deferred);
  as_vector(written[2].token());
  std::move(as_vector)(written[3].token());
  sink all;
  keep_reading(session.server, all);
  session.settle();
  for (auto const& each : written)
    BOOST_TEST(each.bytes == 30'000U);
  BOOST_TEST((all.plaintext == std::string(60'000, 's') + std::string(60'000, 'v')));
}

BOOST_AUTO_TEST_CASE(try_write_without_memory_keeps_no_room) {
  stream_options options;
  options.most_bytes_kept = (SIZE_MAX >> 1) + 1;
  connected_session session(options);
  char byte = 'x';
  // No vector is as long, so nothing of it is touched.
  asio::const_buffer const endless(&byte, options.most_bytes_kept);
  BOOST_CHECK_THROW((void)tls_try_write(session.client, endless), std::exception);
  BOOST_TEST(tls_try_write(session.client, asio::buffer(&byte, 1)) == error_code());
}

BOOST_AUTO_TEST_CASE(try_write_sends_a_copy_in_its_turn) {
  slow_session session;
  ending before, after;
  tls_write(session.client, std::string(50'000, 'a'), before.token());
  {
    std::string const gone(100, 'b');
    BOOST_TEST(tls_try_write(session.client, asio::buffer(gone)) == error_code());
  }
  tls_write(session.client, std::string(10, 'c'), after.token());
  sink all;
  keep_reading(session.server, all);
  session.settle();
  BOOST_TEST(
      (all.plaintext == std::string(50'000, 'a') + std::string(100, 'b') + std::string(10, 'c')));
}

BOOST_AUTO_TEST_CASE(try_write_refuses_beyond_its_bound_and_goes_on_when_there_is_room) {
  stream_options options;
  options.most_bytes_kept = 1'000;
  slow_session session(options);
  ending blocking;
  tls_write(session.client, std::string(100'000, 'a'), blocking.token());
  std::string const message(400, 'b');
  BOOST_TEST(tls_try_write(session.client, asio::buffer(message)) == error_code());
  BOOST_TEST(tls_try_write(session.client, asio::buffer(message)) == error_code());
  BOOST_TEST(tls_try_write(session.client, asio::buffer(message)) ==
             make_error_code(errc::queue_full));
  // A tls_write waits where try_write refuses.
  ending waiting;
  tls_write(session.client, std::string(2'000, 'c'), waiting.token());
  session.settle();
  BOOST_TEST(!waiting.done);
  sink all;
  keep_reading(session.server, all);
  session.settle();
  BOOST_TEST(waiting.done);
  BOOST_TEST(tls_try_write(session.client, asio::buffer(message)) == error_code());
  session.settle();
  BOOST_TEST((all.plaintext == std::string(100'000, 'a') + std::string(800, 'b') +
                                   std::string(2'000, 'c') + message));
}

BOOST_AUTO_TEST_CASE(refused_write_is_not_asked_where_it_is) {
  memory_session session;
  wandering buffer("never sent");
  auto const is_refused = [&](error_code why) {
    ending written;
    tls_write(
        session.client, [&buffer] { return buffer(); }, written.token());
    session.settle();
    BOOST_TEST(written.ec == why);
    BOOST_TEST(buffer.moves == 0U);
  };
  is_refused(errc::no_role);
  session.handshake();
  ending closed;
  tls_close_write(session.client, closed.token());
  is_refused(errc::closed_for_writing);
  is_refused(errc::closed_for_writing);
}

BOOST_AUTO_TEST_CASE(try_write_says_why_it_can_not) {
  memory_session session;
  std::string const message("m");
  BOOST_TEST(tls_try_write(session.client, asio::buffer(message)) ==
             make_error_code(errc::no_role));
  session.handshake();
  ending closed;
  tls_close_write(session.client, closed.token());
  session.settle();
  BOOST_TEST(tls_try_write(session.client, asio::buffer(message)) ==
             make_error_code(errc::closed_for_writing));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace tls_async::test
