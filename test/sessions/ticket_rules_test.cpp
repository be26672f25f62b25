// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Under which rules and for how long a server resumes a session, by a ticket or from its cache.
#include "resumption.hpp"
#include "revocations.hpp"

#include <tls_async/core/engine.hpp>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <tuple>

namespace tls_async::test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// How a client resumes: TLS 1.2 with a ticket or by its session's id, TLS 1.3 with a ticket.
enum class way { id, ticket, tls13 };
std::ostream& operator<<(std::ostream& out, way shown) {
  return out << (shown == way::id ? "id" : shown == way::ticket ? "ticket" : "TLS 1.3");
}
constexpr std::array ways{way::id, way::ticket, way::tls13};

struct client_of : client {
  explicit client_of(way how, bool has_certificate = false)
      : client(how == way::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION, has_certificate) {
    if (how == way::id) SSL_CTX_set_options(handle(), SSL_OP_NO_TICKET);
  }
};

context asking_server() {
  auto made = server_of_tests();
  made.trust(client_identity().authority);
  made.require_client_certificate();
  return made;
}

BOOST_AUTO_TEST_SUITE(ticket_rules)

BOOST_DATA_TEST_CASE(identity_of_a_resumed_session_is_the_one_that_was_verified, ways, how) {
  auto server = asking_server();
  client_of peer(how, true);
  auto const first = peer.meet(server);
  BOOST_TEST_REQUIRE(first.completed);
  BOOST_TEST(!first.client_subject.empty());
  for (int i = 0; i != 3; ++i) {
    auto const session = peer.last();
    BOOST_TEST_REQUIRE(session != nullptr);
    auto const again = peer.meet(server, session.get());
    BOOST_TEST(again.resumed);
    BOOST_TEST(again.client_subject == first.client_subject);
    if (how != way::tls13) break;
  }
}

// Each is a rule that a session of before was not verified by.
struct change {
  char const* name;
  std::function<void(context&)> make;
};

std::vector<change> const changes{
    {"trust", [](context& of) { of.trust(make_identity(identity_kind::untrusted).authority); }},
    {"request", [](context& of) { of.request_client_certificate(); }},
    {"rules", [](context& of) { of.set_rules_version("pins of today"); }},
    {"depth", [](context& of) { SSL_CTX_set_verify_depth(of.native_handle(), 3); }},
    {"level", [](context& of) { SSL_CTX_set_security_level(of.native_handle(), 3); }},
    {"names",
     [](context& of) {
       X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(of.native_handle()),
                                       X509_CHECK_FLAG_NO_WILDCARDS);
     }},
    {"revocations",
     [](context& of) {
       add_revocations(SSL_CTX_get_cert_store(of.native_handle()), make_revocations());
     }},
    {"flags of the store",
     [](context& of) {
       X509_STORE_set_flags(SSL_CTX_get_cert_store(of.native_handle()), X509_V_FLAG_X509_STRICT);
     }},
    {"flags", [](context& of) {
       X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(of.native_handle()), X509_V_FLAG_X509_STRICT);
     }}};

BOOST_DATA_TEST_CASE(under_other_rules_the_client_is_verified_anew, ways, how) {
  for (auto const& each : changes) {
    auto server = asking_server();
    client_of peer(how, true);
    BOOST_TEST_REQUIRE(peer.meet(server).completed);
    auto const session = peer.last();
    each.make(server);
    auto const was = peer.meet(server, session.get());
    BOOST_TEST(was.completed);
    BOOST_TEST(!was.resumed, each.name);
    BOOST_TEST(!was.client_subject.empty());
    auto const fresh = peer.last();
    BOOST_TEST(peer.meet(server, fresh.get()).resumed, each.name);
  }
}

// As a server does that starts again, with its old keys of tickets and a new list.
BOOST_DATA_TEST_CASE(client_that_was_revoked_is_not_resumed, versions, version) {
  auto const keys = ticket_keys::random();
  auto server = asking_server();
  server.use_ticket_keys(keys);
  client peer(version, true);
  BOOST_TEST_REQUIRE(peer.meet(server).completed);
  for (bool const is_revoked : {false, true}) {
    auto const session = peer.last();
    auto const& own = client_identity().certificate_chain;
    auto again = asking_server();
    again.use_ticket_keys(keys);
    check_revocations(again.native_handle(), make_revocations(is_revoked ? own : ""));
    auto const was = peer.meet(again, session.get());
    BOOST_TEST(!was.resumed);
    BOOST_TEST(was.server_alert == (is_revoked ? SSL_ERROR_SSL : 0));
    if (is_revoked) continue;
    auto const fresh = peer.last();
    BOOST_TEST(peer.meet(again, fresh.get()).resumed);
  }
}

BOOST_DATA_TEST_CASE(context_with_another_store_to_verify_by_resumes_nothing, versions, version) {
  auto server = asking_server();
  auto const others = make_context(role::server, {.client_certificate = true});
  client peer(version, true);
  BOOST_TEST_REQUIRE(peer.meet(server).completed);
  BOOST_TEST_REQUIRE(SSL_CTX_set1_verify_cert_store(server.native_handle(),
                                                    SSL_CTX_get_cert_store(others.get())) == 1);
  for (int i = 0; i != 2; ++i) {
    auto const session = peer.last();
    auto const was = peer.meet(server, session.get());
    BOOST_TEST(was.completed);
    BOOST_TEST(!was.resumed);
  }
}

int exchange_context(SSL* ssl, int* /*alert*/, void* other) {
  SSL_set_SSL_CTX(ssl, static_cast<SSL_CTX*>(other));
  return SSL_TLSEXT_ERR_OK;
}

// OpenSSL does not verify the client by the modes of a context that comes later
// (SSL_set_SSL_CTX(3)), so what it has made must be worth nothing there.
BOOST_DATA_TEST_CASE(ticket_of_an_exchanged_context_is_not_taken_by_the_other, versions, version) {
  auto server = server_of_tests();
  auto const others = make_context(role::server, {.version = version, .client_certificate = true});
  auto const id = reinterpret_cast<unsigned char const*>("program");
  for (SSL_CTX* const each : {server.native_handle(), others.get()})
    BOOST_REQUIRE_EQUAL(SSL_CTX_set_session_id_context(each, id, 7), 1);
  SSL_CTX_set_tlsext_servername_callback(server.native_handle(), &exchange_context);
  SSL_CTX_set_tlsext_servername_arg(server.native_handle(), others.get());
  client peer(version);
  peer.ask_for("localhost");
  BOOST_TEST(peer.meet(others.get()).server_alert == SSL_ERROR_SSL);
  BOOST_TEST_REQUIRE(peer.meet(server).completed);
  auto const session = peer.last();
  BOOST_TEST_REQUIRE(session != nullptr);
  auto const was = peer.meet(others.get(), session.get());
  BOOST_TEST(!was.resumed);
  BOOST_TEST(was.server_alert == SSL_ERROR_SSL);
}

BOOST_DATA_TEST_CASE(session_without_certificate_is_not_enough_where_one_is_required, ways, how) {
  auto server = server_of_tests();
  client_of peer(how, false);
  BOOST_TEST_REQUIRE(peer.meet(server).completed);
  auto const session = peer.last();
  server.trust(client_identity().authority);
  server.require_client_certificate();
  BOOST_TEST(!peer.meet(server, session.get()).resumed);
  BOOST_TEST(peer.meet(server, session.get()).server_alert == SSL_ERROR_SSL);
}

// The rules of one session, whose SSL_CTX stays as it is.
BOOST_DATA_TEST_CASE(session_that_asks_more_than_its_context_verifies_anew, ways, how) {
  auto server = server_of_tests();
  server.trust(client_identity().authority);
  client_of peer(how, true);
  BOOST_TEST_REQUIRE(peer.meet(server).completed);
  auto const session = peer.last();
  SSL_CTX_set_verify(server.native_handle(), SSL_VERIFY_PEER, nullptr);
  auto const was = peer.meet(server, session.get());
  BOOST_TEST(was.completed);
  BOOST_TEST(!was.resumed);
  BOOST_TEST(!was.client_subject.empty());
}

BOOST_DATA_TEST_CASE(callback_of_the_program_needs_a_version_of_its_rules, ways, how) {
  auto server = asking_server();
  SSL_CTX_set_verify(server.native_handle(), SSL_VERIFY_PEER,
                     [](int preverified, X509_STORE_CTX*) { return preverified; });
  client_of peer(how, true);
  BOOST_TEST_REQUIRE(peer.meet(server).completed);
  auto const session = peer.last();
  BOOST_TEST(!peer.meet(server, session.get()).resumed);
  server.set_rules_version("1");
  peer.meet(server);
  auto const with_version = peer.last();
  BOOST_TEST(peer.meet(server, with_version.get()).resumed);
}

BOOST_DATA_TEST_CASE(session_lives_as_long_as_is_set_and_renewal_does_not_extend_it, ways, how) {
  test_clock clock;
  auto server = server_of_tests();
  server.use_ticket_keys(ticket_keys::random(hours(1'000), clock.function()));
  server.set_session_lifetime(hours(3));
  client_of peer(how);
  peer.meet(server);
  auto session = peer.last();
  for (int hour = 0; hour != 3; ++hour) {
    clock.pass(hours(1));
    BOOST_TEST(peer.meet(server, session.get()).resumed);
    if (auto renewed = peer.last(); renewed != nullptr) session = std::move(renewed);
    if (how == way::tls13) {
      // What the client is told: RFC 8446 section 4.6.1.
      auto const left = std::max(seconds(1), seconds(hours(2 - hour)));
      BOOST_TEST(SSL_SESSION_get_ticket_lifetime_hint(session.get()) ==
                 static_cast<unsigned long>(left.count()));
    }
  }
  clock.pass(seconds(1));
  auto const was = peer.meet(server, session.get());
  BOOST_TEST(was.completed);
  BOOST_TEST(!was.resumed);
}

int choose_context(SSL* ssl, int* /*alert*/, void* other) {
  SSL_set_SSL_CTX(ssl, static_cast<SSL_CTX*>(other));
  return SSL_CLIENT_HELLO_SUCCESS;
}

BOOST_DATA_TEST_CASE(lifetime_is_that_of_the_context_that_was_chosen, versions, version) {
  test_clock clock;
  auto const keys = ticket_keys::random(hours(1'000), clock.function());
  auto first = server_of_tests();
  auto chosen = server_of_tests();
  for (context* const each : {&first, &chosen})
    each->use_ticket_keys(keys);
  chosen.set_session_lifetime(seconds(5));
  SSL_CTX_set_client_hello_cb(first.native_handle(), &choose_context, chosen.native_handle());
  client peer(version);
  BOOST_TEST_REQUIRE(peer.meet(first).completed);
  auto const session = peer.last();
  // What the client is told of TLS 1.2 is of the first context.
  if (version == TLS1_3_VERSION)
    BOOST_TEST(SSL_SESSION_get_ticket_lifetime_hint(session.get()) == 5U);
  clock.pass(seconds(5));
  BOOST_TEST(peer.meet(first, session.get()).resumed);
  clock.pass(seconds(1));
  BOOST_TEST(!peer.meet(first, session.get()).resumed);
}

BOOST_DATA_TEST_CASE(shorter_lifetime_counts_for_sessions_of_before, ways, how) {
  test_clock clock;
  auto server = server_of_tests();
  server.use_ticket_keys(ticket_keys::random(hours(1'000), clock.function()));
  client_of peer(how);
  peer.meet(server);
  auto const session = peer.last();
  clock.pass(hours(2));
  server.set_session_lifetime(hours(1));
  BOOST_TEST(!peer.meet(server, session.get()).resumed);
}

BOOST_AUTO_TEST_CASE(session_of_the_future_is_not_resumed) {
  test_clock clock;
  auto server = server_of_tests();
  server.use_ticket_keys(ticket_keys::random(hours(1'000), clock.function()));
  client peer(TLS1_2_VERSION);
  clock.pass(seconds(301));
  peer.meet(server);
  auto const session = peer.last();
  clock.pass(seconds(-301));
  server.use_ticket_keys(ticket_keys::random(hours(1'000), clock.function()));
  BOOST_TEST(!peer.meet(server, session.get()).resumed);
}

BOOST_AUTO_TEST_CASE(client_without_tickets_resumes_from_the_cache_until_it_is_full) {
  auto server = server_of_tests();
  server.set_session_cache(3);
  client_of peer(way::id);
  std::vector<saved_ptr> all;
  for (int i = 0; i != 4; ++i) {
    peer.meet(server);
    all.push_back(peer.last());
    BOOST_TEST_REQUIRE(all.back() != nullptr);
    // Used again and again, the first one stays.
    BOOST_TEST(peer.meet(server, all.front().get()).resumed);
  }
  BOOST_TEST(!peer.meet(server, all[1].get()).resumed);
  server.set_session_cache(0);
  BOOST_TEST(!peer.meet(server, all[0].get()).resumed);
}

BOOST_AUTO_TEST_CASE(handshakes_that_are_not_done_push_nothing_out_of_the_cache) {
  auto server = server_of_tests();
  server.set_session_cache(1);
  client_of peer(way::id);
  peer.meet(server);
  auto const session = peer.last();
  for (int i = 0; i != 10; ++i) {
    raw_session stranger(peer.handle(), role::client);
    raw_session ours(server.native_handle(), role::server);
    stranger.handshake();
    move_ciphertext(stranger, ours);
    ours.handshake();
  }
  client tls13(TLS1_3_VERSION);
  tls13.meet(server);
  client with_tickets(TLS1_2_VERSION);
  with_tickets.meet(server);
  BOOST_TEST(peer.meet(server, session.get()).resumed);
}

BOOST_AUTO_TEST_CASE(session_that_ended_with_a_fatal_alert_leaves_the_cache) {
  auto server = server_of_tests();
  client_of peer(way::id);
  peer.meet(server);
  auto const session = peer.last();
  {
    raw_session ours(peer.handle(), role::client);
    raw_session theirs(server.native_handle(), role::server);
    saved_ptr const copy(SSL_SESSION_dup(session.get()));
    SSL_set_session(ours.ssl(), copy.get());
    for (std::size_t moved = 1; moved != 0;) {
      ours.handshake();
      moved = move_ciphertext(ours, theirs);
      theirs.handshake();
      moved += move_ciphertext(theirs, ours);
    }
    BOOST_TEST_REQUIRE(SSL_session_reused(theirs.ssl()) == 1);
    theirs.give(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
    std::string nothing;
    BOOST_TEST(theirs.read(nothing).error == SSL_ERROR_SSL);
  }
  BOOST_TEST(!peer.meet(server, session.get()).resumed);
}

BOOST_AUTO_TEST_CASE(engine_with_a_callback_resumes_only_with_a_version) {
  for (bool const has_version : {false, true}) {
    auto server = asking_server();
    if (has_version) server.set_rules_version("1");
    client peer(TLS1_2_VERSION, true);
    int asked = 0;
    saved_ptr session;
    for (bool const again : {false, true}) {
      std::vector<saved_ptr> got;
      SSL_CTX_set_app_data(peer.handle(), &got);
      engine theirs(server.native_handle(), {});
      theirs.be_server();
      theirs.verify_with([&](bool preverified, X509_STORE_CTX*) { return ++asked, preverified; },
                         false);
      engine ours(peer.handle(), {});
      ours.be_client();
      if (again) SSL_set_session(ours.native_handle(), session.get());
      auto const move = [](engine& from, engine& to) {
        auto const flushed = from.ring().readable();
        auto const filled = to.ring().writable();
        auto const n = std::min(flushed.size(), filled.size());
        std::copy_n(flushed.data(), n, filled.data());
        from.ring().consume(n);
        to.ring().commit(n);
        return n;
      };
      for (std::size_t moved = 1; moved != 0;) {
        std::ignore = ours.handshake();
        moved = move(ours, theirs);
        std::ignore = theirs.handshake();
        moved += move(theirs, ours);
      }
      BOOST_TEST_REQUIRE(theirs.handshake_done());
      BOOST_TEST((SSL_session_reused(theirs.native_handle()) == 1) == (again && has_version));
      if (!got.empty()) session.reset(SSL_SESSION_dup(got.back().get()));
    }
    BOOST_TEST(asked > 0);
  }
}

int accept_all(int /*before*/, X509_STORE_CTX* chain) {
  X509_STORE_CTX_set_error(chain, X509_V_OK);
  return 1;
}

// Its tickets tell by which rules the client was let in then.
BOOST_DATA_TEST_CASE(certificate_that_was_asked_for_later_is_held_to_its_own_rules,
                     boost::unit_test::data::make({false, true}), set_back) {
  auto const keys = ticket_keys::random();
  auto careless = server_of_tests();
  auto careful = server_of_tests();
  for (auto* const each : {&careless, &careful})
    each->use_ticket_keys(keys);
  auto const ticket = ticket_after_authentication(careless, make_identity(identity_kind::untrusted),
                                                  accept_all, set_back);
  auto const was = client(TLS1_3_VERSION).meet(careful, ticket.get());
  BOOST_TEST(was.completed);
  BOOST_TEST(!was.resumed);
  BOOST_TEST(was.client_subject.empty());
}

// Also one whose callback was taken away: it has left no name.
BOOST_DATA_TEST_CASE(client_that_a_callback_has_let_in_is_not_resumed_without_it, ways, how) {
  auto const keys = ticket_keys::random();
  auto const make = [&] {
    auto made = server_of_tests();
    made.trust(make_identity(identity_kind::untrusted).authority);
    made.require_client_certificate();
    made.use_ticket_keys(keys);
    return made;
  };
  auto lax = make();
  auto strict = make();
  auto const mode = SSL_CTX_get_verify_mode(lax.native_handle());
  SSL_CTX_set_verify(lax.native_handle(), mode, accept_all);
  client_of peer(how, true);
  BOOST_TEST_REQUIRE(peer.meet(lax).completed);
  auto const session = peer.last();
  BOOST_TEST_REQUIRE(session != nullptr);
  BOOST_TEST(!peer.meet(strict, session.get()).completed);
  SSL_CTX_set_verify(lax.native_handle(), mode, nullptr);
  BOOST_TEST(!peer.meet(lax, session.get()).completed);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
