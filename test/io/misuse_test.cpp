// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What a stream refuses: verbs at the wrong time, two of a kind, blocking calls beside others. Each
// refusal has its own error and disturbs nothing.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ssl/error.hpp>

#include <optional>
#include <type_traits>

#include <tls_async_test/certificates.hpp>
#include "memory_session.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(misuse)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W5"))
BOOST_AUTO_TEST_CASE(verbs_before_a_role_say_so) {
  memory_session s;
  ending read, written, closed, shut;
  char place = 0;
  tls_read_some(s.client, asio::buffer(&place, 1), read.token());
  tls_write(s.client, asio::buffer("x", 1), written.token());
  tls_close_write(s.client, closed.token());
  tls_shutdown(s.client, shut.token());
  for (auto const* ended : {&read, &written, &closed, &shut})
    BOOST_TEST(!ended->done);
  s.settle();
  BOOST_TEST(read.ec == errc::no_role);
  BOOST_TEST(written.ec == errc::no_role);
  BOOST_TEST(closed.ec == errc::handshake_not_done);
  BOOST_TEST(shut.ec == errc::handshake_not_done);
  BOOST_TEST(s.client_end().written().empty());
  s.handshake();
}

BOOST_AUTO_TEST_CASE(ring_that_can_hold_no_record_is_refused_when_the_stream_is_made) {
  for (std::size_t const records : {std::size_t{0}, std::size_t{1'025}, SIZE_MAX}) {
    stream_options options;
    options.ring_records = records;
    BOOST_CHECK_EXCEPTION(memory_session{options}, boost::system::system_error,
                          [](auto const& refused) {
                            return refused.code() == errc::bad_option &&
                                   std::string(refused.what()).find("1024") != std::string::npos;
                          });
  }
}

BOOST_AUTO_TEST_CASE(small_records_that_are_none_are_refused_when_the_stream_is_made) {
  stream_options options;
  options.small_record_bytes = 16'385;
  BOOST_CHECK_EXCEPTION(memory_session{options}, boost::system::system_error,
                        [](auto const& refused) { return refused.code() == errc::bad_option; });
}

BOOST_AUTO_TEST_CASE(verbs_beside_a_handshake_wait_for_it_or_say_so) {
  memory_session s;
  ending of_client, of_server, second, read, written, closed, shut;
  std::string place(100, '\0');
  tls_handshake(s.client, as_client{"localhost"}, of_client.token());
  tls_handshake(s.client, as_client{"localhost"}, second.token());
  tls_write(s.client, asio::buffer("in time", 7), written.token());
  tls_close_write(s.client, closed.token());
  tls_shutdown(s.client, shut.token());
  s.settle();
  BOOST_TEST(second.ec == errc::operation_in_progress);
  BOOST_TEST(closed.ec == errc::handshake_not_done);
  BOOST_TEST(shut.ec == errc::handshake_not_done);
  BOOST_TEST(!written.done);
  tls_handshake(s.server, as_server{}, of_server.token());
  tls_read_some(s.server, asio::buffer(place), read.token());
  s.settle();
  BOOST_TEST(of_client.ec == error_code());
  BOOST_TEST(of_server.ec == error_code());
  BOOST_TEST(written.ec == error_code());
  BOOST_TEST(place.substr(0, read.bytes) == "in time");
}

BOOST_AUTO_TEST_CASE(verbs_that_wait_for_a_handshake_end_with_it) {
  memory_session s;
  ending shaken, read, written;
  char place = 0;
  tls_handshake(s.client, as_client{"localhost"}, shaken.token());
  tls_read_some(s.client, asio::buffer(&place, 1), read.token());
  tls_write(s.client, asio::buffer("never", 5), written.token());
  s.settle();
  s.server_end().shutdown_send();
  s.settle();
  for (auto const* ended : {&shaken, &read, &written}) {
    BOOST_TEST(ended->done);
    BOOST_TEST(ended->ec == asio::ssl::error::stream_truncated);
    BOOST_TEST(ended->bytes == 0U);
  }
  BOOST_TEST(s.has_no_work());
}

BOOST_AUTO_TEST_CASE(handshake_after_the_handshake_completes_and_sends_nothing) {
  connected_session s;
  auto const sent = s.client_end().written().size();
  ending again;
  tls_handshake(s.client, as_client{"localhost"}, again.token());
  s.settle();
  BOOST_TEST(again.done);
  BOOST_TEST(again.ec == error_code());
  BOOST_TEST(s.client_end().written().size() == sent);
}

// A client without a host has to be spelt out, as an empty one.
static_assert(!std::is_default_constructible_v<as_client>);

BOOST_AUTO_TEST_CASE(handshake_of_an_established_session_is_only_for_its_host_and_side) {
  connected_session s;
  auto const sent = s.client_end().written().size();
  ending other, server;
  tls_handshake(s.client, as_client{"other.test"}, other.token());
  s.settle();
  BOOST_TEST(other.ec == errc::not_verified);
  tls_handshake(s.client, as_server{}, server.token());
  s.settle();
  BOOST_TEST(server.ec == errc::wrong_role);
  BOOST_TEST(s.client.error_info().text() == "");
  BOOST_TEST(s.client_end().written().size() == sent);
}

// Each launch is about its own host.
BOOST_AUTO_TEST_CASE(deferred_handshake_names_its_host_when_it_is_launched) {
  memory_session s;
  auto for_other = tls_handshake(s.client, as_client{"other.test"}, asio::deferred);
  auto for_ours = tls_handshake(s.client, as_client{"localhost"}, asio::deferred);
  ending of_client, of_server;
  std::move(for_other)(of_client.token());
  tls_handshake(s.server, as_server{}, of_server.token());
  s.settle();
  BOOST_TEST(of_client.ec.failed());
}

BOOST_AUTO_TEST_CASE(context_of_the_other_side_is_named) {
  context for_servers(context::role::server), for_clients(context::role::client);
  for_clients.trust(server_identity().authority);
  memory_session s({}, for_servers, for_clients);
  ending of_client, of_server;
  tls_handshake(s.client, as_client{"localhost"}, of_client.token());
  tls_handshake(s.server, as_server{}, of_server.token());
  s.settle();
  BOOST_TEST(of_client.ec == errc::wrong_role);
  BOOST_TEST(of_server.ec == errc::wrong_role);
  BOOST_TEST(s.client_end().written().empty());
}

BOOST_AUTO_TEST_CASE(client_without_a_host_is_refused_and_can_try_again) {
  memory_session s;
  ending refused;
  tls_handshake(s.client, as_client{""}, refused.token());
  BOOST_TEST(!refused.done);
  s.settle();
  BOOST_TEST(refused.ec == errc::no_host_name);
  BOOST_TEST(s.client_end().written().empty());
  s.handshake();
}

BOOST_AUTO_TEST_CASE(second_read_is_refused_and_the_first_is_not_disturbed) {
  connected_session s;
  ending first, second, written;
  std::string place(100, '\0');
  char other = 0;
  tls_read_some(s.server, asio::buffer(place), first.token());
  tls_read_some(s.server, asio::buffer(&other, 1), second.token());
  s.settle();
  BOOST_TEST(second.ec == errc::second_read);
  BOOST_TEST(!first.done);
  tls_write(s.client, asio::buffer("for the first", 13), written.token());
  s.settle();
  BOOST_TEST(first.ec == error_code());
  BOOST_TEST(place.substr(0, first.bytes) == "for the first");
}

BOOST_AUTO_TEST_CASE(write_after_close_write_is_refused_and_reading_goes_on) {
  connected_session s;
  ending closed, late, written, read;
  char place = 0;
  tls_close_write(s.client, closed.token());
  s.settle();
  tls_write(s.client, asio::buffer("too late", 8), late.token());
  s.settle();
  BOOST_TEST(late.ec == errc::closed_for_writing);
  BOOST_TEST(late.bytes == 0U);
  tls_write(s.server, asio::buffer("x", 1), written.token());
  tls_read_some(s.client, asio::buffer(&place, 1), read.token());
  s.settle();
  BOOST_TEST(read.ec == error_code());
}

BOOST_AUTO_TEST_CASE(error_of_the_next_layer_is_said_again_by_every_later_verb) {
  connected_session s;
  s.client_end().write_fault = {s.client_end().writes(), asio::error::connection_reset};
  ending first, second, closed, shut;
  auto const message = numbered_plaintext(200'000);
  tls_write(s.client, asio::buffer(message), first.token());
  tls_write(s.client, asio::buffer("x", 1), second.token());
  s.settle();
  tls_close_write(s.client, closed.token());
  s.settle();
  tls_shutdown(s.client, shut.token());
  s.settle();
  for (auto const* ended : {&first, &second, &closed, &shut}) {
    BOOST_TEST(ended->done);
    BOOST_TEST(ended->ec == asio::error::connection_reset);
  }
  BOOST_TEST(s.client.error_info().text().find("sending failed") != std::string::npos);
  BOOST_TEST(s.has_no_work());
}

// What a client sends first.
std::string client_hello() {
  memory_session s;
  ending ended;
  tls_handshake(s.client, as_client{"localhost"}, ended.token());
  s.settle();
  auto const& sent = s.client_end().written();
  return {sent.begin(), sent.end()};
}

BOOST_AUTO_TEST_CASE(received_bytes_are_taken_beside_the_fill_of_a_cancelled_handshake) {
  memory_session s;
  asio::cancellation_signal cancel;
  ending first, second;
  tls_handshake(s.server, as_server{}, asio::bind_cancellation_slot(cancel.slot(), first.token()));
  s.settle();
  cancel.emit(asio::cancellation_type::terminal);
  s.settle();
  BOOST_TEST(first.done);
  auto const hello = client_hello();
  s.server.async_handshake(memory_tls::server, asio::buffer(hello),
                           asio::bind_cancellation_slot(cancel.slot(), second.token()));
  s.settle();
  BOOST_TEST(s.server_end().writes() != 0U);  // it has answered
  cancel.emit(asio::cancellation_type::terminal);
  s.settle();
  BOOST_TEST(second.ec == asio::error::operation_aborted);
  BOOST_TEST(second.bytes == hello.size());
}

BOOST_AUTO_TEST_CASE(received_bytes_that_can_not_be_taken_are_an_error) {
  memory_session s;
  asio::cancellation_signal cancel;
  ending first, second, third;
  tls_handshake(s.client, as_client{"localhost"},
                asio::bind_cancellation_slot(cancel.slot(), first.token()));
  s.settle();
  cancel.emit(asio::cancellation_type::terminal);
  // Its fill, in the ring, has not ended.
  s.client.async_handshake(memory_tls::client, asio::buffer("x", 1), second.token());
  s.settle();
  BOOST_TEST(first.ec == asio::error::operation_aborted);
  BOOST_TEST(second.ec == errc::operation_in_progress);
  BOOST_TEST(second.bytes == 0U);
  // None are always taken.
  s.client.async_handshake(memory_tls::client, asio::const_buffer(), third.token());
  ending of_server;
  tls_handshake(s.server, as_server{}, of_server.token());
  s.settle();
  BOOST_TEST(third.ec == error_code());
  BOOST_TEST(of_server.ec == error_code());
}

// The session that was inside goes on.
BOOST_AUTO_TEST_CASE(stream_whose_next_layer_was_moved_out_may_be_destroyed) {
  asio::io_context io;
  auto link = memory_stream::make(io.get_executor());
  using inner = stream<memory_stream>;
  std::optional<inner> rescued;
  {
    stream<inner> outer(inner(std::move(link.first), trusting_client()), trusting_client());
    rescued.emplace(std::move(outer.next_layer()));
  }
  inner server(std::move(link.second), known_server());
  ending of_client, of_server;
  tls_handshake(*rescued, as_client{"localhost"}, of_client.token());
  tls_handshake(server, as_server{}, of_server.token());
  io.poll();
  BOOST_TEST(of_client.done);
  BOOST_TEST(of_client.ec == error_code());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
