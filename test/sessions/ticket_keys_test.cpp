// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Which keys of tickets are accepted when, and what a ticket is worth that is not ours.
#include "resumption.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>
#include <string>
#include <thread>

namespace tls_async::test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

BOOST_AUTO_TEST_SUITE(ticket_keys_)

BOOST_DATA_TEST_CASE(session_is_resumed_under_the_current_and_the_previous_key, versions, version) {
  auto const keys = ticket_keys::random();
  auto server = server_of_tests();
  server.use_ticket_keys(keys);
  client peer(version);
  auto const first = peer.meet(server);
  BOOST_TEST(first.completed);
  BOOST_TEST(!first.resumed);
  auto const session = peer.last();
  BOOST_TEST_REQUIRE(session != nullptr);
  auto const again = peer.meet(server, session.get());
  BOOST_TEST(again.resumed);
  // TLS 1.2 keeps a ticket under the current key; one of TLS 1.3 is for one connection.
  BOOST_TEST(again.new_tickets == (version == TLS1_2_VERSION ? 0U : 1U));
  keys->rotate();
  auto const renewed = peer.meet(server, session.get());
  BOOST_TEST(renewed.resumed);
  BOOST_TEST(renewed.new_tickets == 1U);
  auto const fresh = peer.last();
  keys->rotate();
  BOOST_TEST(peer.meet(server, fresh.get()).resumed);
  auto const old = peer.meet(server, session.get());
  BOOST_TEST(old.completed);
  BOOST_TEST(!old.resumed);
  BOOST_TEST(old.new_tickets == (version == TLS1_2_VERSION ? 1U : 2U));
  BOOST_TEST(keys->size() == 2U);
}

BOOST_DATA_TEST_CASE(keys_change_with_time, versions, version) {
  test_clock clock;
  auto const keys = ticket_keys::random(hours(1), clock.function());
  auto server = server_of_tests();
  server.use_ticket_keys(keys);
  client peer(version);
  clock.pass(seconds(3'599));
  peer.meet(server);
  auto const session = peer.last();
  BOOST_TEST(keys->size() == 1U);
  clock.pass(seconds(1));
  BOOST_TEST(keys->size() == 2U);
  clock.pass(seconds(3'599));
  BOOST_TEST(peer.meet(server, session.get()).resumed);
  clock.pass(seconds(1));  // two periods since that key began
  BOOST_TEST(!peer.meet(server, session.get()).resumed);
  // Where nobody comes for long, nothing of before is left.
  auto const another = peer.last();
  clock.pass(hours(2));
  BOOST_TEST(keys->size() == 1U);
  BOOST_TEST(!peer.meet(server, another.get()).resumed);
}

BOOST_AUTO_TEST_CASE(clock_that_is_set_back_makes_no_key_older) {
  test_clock clock;
  auto const keys = ticket_keys::random(hours(1), clock.function());
  clock.pass(hours(-5));
  BOOST_TEST(keys->size() == 2U);
  clock.pass(hours(1));
  BOOST_TEST(keys->size() == 2U);
  clock.pass(hours(2));
  BOOST_TEST(keys->size() == 1U);
}

BOOST_DATA_TEST_CASE(contexts_that_share_keys_resume_each_others_sessions, versions, version) {
  auto const keys = ticket_keys::random();
  auto one = server_of_tests();
  auto two = server_of_tests();
  auto three = server_of_tests();
  one.use_ticket_keys(keys);
  two.use_ticket_keys(keys);
  client peer(version);
  peer.meet(one);
  auto const session = peer.last();
  BOOST_TEST(peer.meet(two, session.get()).resumed);
  auto const with_other_keys = peer.meet(three, session.get());
  BOOST_TEST(with_other_keys.completed);
  BOOST_TEST(!with_other_keys.resumed);
}

BOOST_DATA_TEST_CASE(only_a_ticket_that_nobody_has_changed_is_authenticated, versions, version) {
  auto const keys = ticket_keys::random();
  auto server = server_of_tests();
  server.use_ticket_keys(keys);
  client peer(version);
  peer.meet(server);
  auto ticket = ticket_of(peer.last().get());
  auto const is_ours = [&] { return keys->authenticates(std::as_bytes(std::span(ticket))); };
  BOOST_TEST(is_ours());
  for (std::size_t at = 0; at != ticket.size(); ++at) {
    ticket[at] ^= 1;
    BOOST_TEST(!is_ours(), "the byte at " << at << " is another");
    ticket[at] ^= 1;
  }
  BOOST_TEST(!ticket_keys::random()->authenticates(std::as_bytes(std::span(ticket))));
  keys->rotate();
  BOOST_TEST(is_ours());
  keys->rotate();
  BOOST_TEST(!is_ours());
  while (!ticket.empty()) {
    ticket.pop_back();
    BOOST_TEST(!is_ours(), ticket.size() << " bytes");
  }
  BOOST_TEST(ERR_peek_error() == 0U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused) {
  auto const code_of = [](auto call) -> error_code {
    try {
      call();
    } catch (boost::system::system_error const& error) {
      return error.code();
    }
    return {};
  };
  auto server = server_of_tests();
  context client(context::role::client);
  auto const random = ticket_keys::random();
  for (auto const wrong : {seconds(0), seconds(hours(24 * 366)) + seconds(1), seconds::max()}) {
    BOOST_TEST(code_of([&] { ticket_keys::random(wrong); }) == make_error_code(errc::bad_option));
  }
  BOOST_TEST(code_of([] { ticket_keys::random(hours(24 * 366)); }) == error_code());
  BOOST_TEST(code_of([&] { random->read_again(); }) == make_error_code(errc::bad_option));
  BOOST_TEST(code_of([&] { server.use_ticket_keys(nullptr); }) ==
             make_error_code(errc::bad_option));
  BOOST_TEST(code_of([&] { client.use_ticket_keys(random); }) == make_error_code(errc::wrong_role));
  BOOST_TEST(code_of([&] { client.set_tickets(1); }) == make_error_code(errc::wrong_role));
  BOOST_TEST(code_of([&] { client.set_session_cache(1); }) == make_error_code(errc::wrong_role));
  BOOST_TEST(code_of([&] { client.set_session_lifetime(hours(1)); }) ==
             make_error_code(errc::wrong_role));
  BOOST_TEST(code_of([&] { server.set_tickets(17); }) == make_error_code(errc::bad_option));
  BOOST_TEST(code_of([&] { server.set_session_lifetime(seconds(0)); }) ==
             make_error_code(errc::bad_option));
  BOOST_TEST(code_of([&] { server.set_session_lifetime(hours(7 * 24 + 1)); }) ==
             make_error_code(errc::bad_option));
  BOOST_TEST(code_of([&] { server.set_session_lifetime(hours(7 * 24)); }) == error_code());
}

BOOST_DATA_TEST_CASE(keys_that_the_program_gave_openssl_are_used_and_not_replaced, versions,
                     version) {
  std::array<unsigned char, 80> keys{};
  keys.fill('k');
  auto one = server_of_tests();
  auto two = server_of_tests();
  SSL_CTX_set_tlsext_ticket_keys(one.native_handle(), keys.data(), keys.size());
  SSL_CTX_set_tlsext_ticket_keys(two.native_handle(), keys.data(), keys.size());
  client peer(version);
  peer.meet(one);
  auto const session = peer.last();
  BOOST_TEST(ticket_of(session.get()).substr(0, 16) == std::string(16, 'k'));
  BOOST_TEST(peer.meet(two, session.get()).resumed);
  BOOST_CHECK_THROW(one.use_ticket_keys(ticket_keys::random()), boost::system::system_error);
  BOOST_TEST(peer.meet(one, session.get()).resumed);
}

BOOST_AUTO_TEST_CASE(client_gets_as_many_tickets_as_are_set) {
  auto server = server_of_tests();
  client peer(TLS1_3_VERSION);
  for (unsigned const number : {1U, 2U, 5U, 16U}) {
    server.set_tickets(number);
    BOOST_TEST(peer.meet(server).new_tickets == number);
    auto const session = peer.last();
    auto const again = peer.meet(server, session.get());
    BOOST_TEST(again.resumed);
    BOOST_TEST(again.new_tickets == 1U);
  }
  auto const session = peer.last();
  server.set_tickets(0);
  auto const without = peer.meet(server, session.get());
  BOOST_TEST(without.completed);
  BOOST_TEST(!without.resumed);
  BOOST_TEST(without.new_tickets == 0U);
}

BOOST_AUTO_TEST_CASE(every_ticket_of_a_handshake_can_be_resumed) {
  auto server = server_of_tests();
  server.set_tickets(4);
  client peer(TLS1_3_VERSION);
  peer.meet(server);
  std::vector<saved_ptr> all;
  for (auto const& each : peer.got())
    all.emplace_back(SSL_SESSION_dup(each.get()));
  BOOST_TEST(all.size() == 4U);
  for (auto const& each : all)
    BOOST_TEST(peer.meet(server, each.get()).resumed);
}

BOOST_DATA_TEST_CASE(forged_ticket_is_never_resumed, versions, version) {
  auto server = server_of_tests();
  client peer(version);
  peer.meet(server);
  auto const session = peer.last();
  auto const ticket = ticket_of(session.get());
  for (std::size_t i = 0; i < ticket.size(); ++i) {
    auto forged = ticket;
    forged[i] = static_cast<char>(forged[i] ^ (1 << i % 8));
    auto const was = peer.meet(server, with_ticket(session.get(), forged).get());
    BOOST_TEST(was.completed);
    BOOST_TEST(!was.resumed);
  }
  BOOST_TEST(peer.meet(server, session.get()).resumed);
}

BOOST_DATA_TEST_CASE(ticket_that_is_only_a_name_or_noise_is_not_resumed, versions, version) {
  auto server = server_of_tests();
  client peer(version);
  peer.meet(server);
  auto const session = peer.last();
  auto const ticket = ticket_of(session.get());
  for (auto const kept : {0U, 16U, 32U, 48U}) {
    auto noise = ticket;
    std::fill(noise.begin() + kept, noise.end(), '\x5a');
    auto const was = peer.meet(server, with_ticket(session.get(), noise).get());
    BOOST_TEST(was.completed);
    BOOST_TEST(!was.resumed);
  }
}

BOOST_AUTO_TEST_CASE(keys_may_change_while_other_threads_handshake) {
  auto const keys = ticket_keys::random();
  auto server = server_of_tests();
  server.use_ticket_keys(keys);
  std::atomic<int> completed = 0;
  auto const shake = [&](int version) {
    auto const handle = make_context(role::client, {.version = version});
    for (int i = 0; i != 20; ++i) {
      raw_session ours(handle.get(), role::client);
      raw_session theirs(server.native_handle(), role::server);
      std::string nothing;
      for (std::size_t moved = 1; moved != 0;) {
        ours.handshake();
        moved = move_ciphertext(ours, theirs);
        theirs.handshake();
        moved += move_ciphertext(theirs, ours);
      }
      if (SSL_is_init_finished(theirs.ssl()) == 1) ++completed;
    }
  };
  std::thread one(shake, TLS1_2_VERSION);
  std::thread two(shake, TLS1_3_VERSION);
  for (int i = 0; i != 200; ++i) {
    keys->rotate();
    server.use_ticket_keys(i % 2 == 0 ? keys : ticket_keys::random());
    server.set_session_cache(static_cast<std::size_t>(i % 3));
  }
  one.join();
  two.join();
  BOOST_TEST(completed == 40);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
