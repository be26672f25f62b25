// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Clients that resume: when a session is offered, how often and how long, and what becomes of it.
#include <tls_async/core/policy.hpp>
#include <tls_async/core/session_keeper.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <new>
#include <optional>
#include <utility>
#include <vector>

#include <tls_async_test/record_peer.hpp>
#include "resuming.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;
using namespace std::chrono_literals;

// Counts, and fails as it is told to.
class counting_keeper final : public session_keeper {
public:
  std::chrono::system_clock::time_point now() const override {
    return std::chrono::system_clock::now();
  }
  std::optional<kept_session> take(session_key const& key) override {
    ++taken;
    if (has_no_memory) throw std::bad_alloc();
    keys.push_back(key);
    if (garbage) return kept_session("garbage", now(), now() + 1h);
    return std::nullopt;
  }
  void keep(session_key const&, kept_session) override {
    ++kept;
    if (has_no_memory) throw std::bad_alloc();
  }

  int taken = 0;
  int kept = 0;
  bool has_no_memory = false;
  bool garbage = false;
  std::vector<session_key> keys;
};

stream_options with(std::shared_ptr<session_keeper> keeper) {
  stream_options options = plain_options;
  options.sessions = std::move(keeper);
  return options;
}

BOOST_AUTO_TEST_SUITE(resumption)

BOOST_DATA_TEST_CASE(second_handshake_with_a_port_resumes, data::make(versions), version) {
  auto server = serving(version);
  auto client = trusting();
  BOOST_TEST(once(client, server) == visit::full);
  BOOST_TEST(client.sessions()->size() == (version == TLS1_2_VERSION ? 1U : 2U));
  for (int i = 0; i != 3; ++i)
    BOOST_TEST(once(client, server) == visit::resumed);
}

BOOST_DATA_TEST_CASE(handshake_without_port_and_option_asks_nobody, data::make(versions), version) {
  auto server = serving(version);
  auto client = trusting();
  auto const asked = std::make_shared<counting_keeper>();
  BOOST_TEST(once(client, server) == visit::full);
  auto const before = client.sessions()->size();
  BOOST_TEST(once(client, server, "localhost", 0) == visit::full);
  BOOST_TEST(client.sessions()->size() == before);
  // Not even the policy's keeper is asked.
  detail::policy_of(client.native_handle())->sessions = asked;
  BOOST_TEST(once(client, server, "localhost", 0) == visit::full);
  BOOST_TEST(asked->taken == 0);
  BOOST_TEST(asked->kept == 0);
  BOOST_TEST(once(client, server) == visit::full);
  BOOST_TEST(asked->taken == 1);
  BOOST_TEST(asked->kept > 0);
}

BOOST_AUTO_TEST_CASE(ticket_of_tls13_is_used_once) {
  auto server = serving();
  SSL_CTX_set_num_tickets(server.native_handle(), 1);
  auto client = trusting();
  BOOST_TEST(once(client, server) == visit::full);
  BOOST_TEST(client.sessions()->size() == 1U);
  // The handshake is given up: nobody gets its ticket again.
  engine given_up(client.native_handle(), plain_options);
  BOOST_REQUIRE(!given_up.be_client_of("localhost", 443));
  BOOST_TEST(given_up.handshake().next == want::fill);
  BOOST_TEST(client.sessions()->size() == 0U);
  BOOST_TEST(once(client, server) == visit::full);
}

BOOST_AUTO_TEST_CASE(session_of_tls12_comes_back_when_its_handshake_has_succeeded) {
  auto server = serving(TLS1_2_VERSION);
  auto client = trusting();
  BOOST_TEST(once(client, server) == visit::full);
  for (int i = 0; i != 3; ++i) {
    BOOST_TEST(once(client, server) == visit::resumed);
    BOOST_TEST(client.sessions()->size() == 1U);
  }
  engine given_up(client.native_handle(), plain_options);
  BOOST_REQUIRE(!given_up.be_client_of("localhost", 443));
  BOOST_TEST(given_up.handshake().next == want::fill);
  BOOST_TEST(client.sessions()->size() == 0U);
}

BOOST_DATA_TEST_CASE(server_that_has_lost_its_keys_gets_a_full_handshake, data::make(versions),
                     version) {
  auto server = serving(version);
  auto client = trusting();
  BOOST_TEST(once(client, server) == visit::full);
  auto restarted = serving(version);
  for (int i = 0; i != 3 && client.sessions()->size() != 0; ++i)
    BOOST_TEST(once(client, restarted) == (i == 0 ? visit::full : visit::resumed));
}

BOOST_DATA_TEST_CASE(chain_of_renewals_ends_with_the_total_lifetime, data::make(versions),
                     version) {
  auto server = serving(version);
  auto client = trusting();
  still_clock time;
  client.use_session_store(
      std::make_shared<session_store>(session_store_options{.lifetime = 1h}, time.clock()));
  BOOST_TEST(once(client, server) == visit::full);
  for (int i = 0; i != 5; ++i) {
    time.moment += 10min;
    BOOST_TEST(once(client, server) == visit::resumed);
  }
  time.moment += 10min - 1s;
  BOOST_TEST(once(client, server) == visit::resumed);
  time.moment += 1s;
  BOOST_TEST(once(client, server) == visit::full);
  // From here on anew.
  time.moment += 59min;
  BOOST_TEST(once(client, server) == visit::resumed);
}

BOOST_DATA_TEST_CASE(ticket_is_not_used_longer_than_its_server_says, data::make(versions),
                     version) {
  auto server = serving(version);
  server.set_session_lifetime(600s);
  auto client = trusting();
  still_clock time;
  auto const store = std::make_shared<session_store>(session_store_options{}, time.clock());
  client.use_session_store(store);
  BOOST_TEST(once(client, server) == visit::full);
  time.moment += 599s;
  BOOST_TEST(once(client, server) == visit::resumed);
  store->clear();
  BOOST_TEST(once(client, server) == visit::full);
  time.moment += 600s;
  BOOST_TEST(once(client, server) == visit::full);
}

// The lifetime is the first field of a NewSessionTicket (RFC 8446 section 4.6.1). OpenSSL sends no
// 0.
BOOST_AUTO_TEST_CASE(ticket_is_kept_only_if_it_has_a_lifetime) {
  auto server = serving();
  server.set_ciphersuites_tls13("TLS_AES_128_GCM_SHA256");
  for (bool const lives : {true, false}) {
    auto client = trusting();
    record_peer peer(server.native_handle(), role::server);
    engine ours(client.native_handle(), plain_options);
    BOOST_REQUIRE(!ours.be_client_of("localhost", 443));
    int tickets = 0;
    for (int i = 0; i != 3; ++i) {
      if (ours.handshake().next == want::nothing) BOOST_TEST(open_all(ours).empty());
      peer.receive(take_all(ours));
      while (!peer.made.empty()) {
        auto& message = peer.made.front().plaintext;
        if (peer.made.front().type == SSL3_RT_HANDSHAKE &&
            message[0] == SSL3_MT_NEWSESSION_TICKET) {
          ++tickets;
          if (!lives) message.replace(4, 4, 4, '\0');
        }
        give(ours, peer.seal_made());
        if (ours.handshake().next == want::nothing) BOOST_TEST(open_all(ours).empty());
      }
    }
    BOOST_TEST(ours.handshake_done());
    BOOST_TEST(tickets == 2);
    BOOST_TEST(client.sessions()->size() == (lives ? 2U : 0U));
  }
}

BOOST_AUTO_TEST_CASE(server_that_sends_many_tickets_fills_its_own_place_only) {
  auto server = serving();
  auto client = trusting();
  BOOST_TEST(once(client, server, "example.test") == visit::full);
  SSL_CTX_set_num_tickets(server.native_handle(), 50);
  for (int i = 0; i != 20; ++i)
    BOOST_TEST(once(client, server) == (i == 0 ? visit::full : visit::resumed));
  BOOST_TEST(client.sessions()->size() == 6U);
  BOOST_TEST(once(client, server, "example.test") == visit::resumed);
}

BOOST_DATA_TEST_CASE(failed_handshake_leaves_no_session, data::make(versions), version) {
  auto server = serving(version);
  auto client = trusting();
  client.trust(make_identity(identity_kind::untrusted).authority);
  BOOST_TEST(once(client, server, "other.test") == visit::failed);
  BOOST_TEST(client.sessions()->size() == 0U);
}

BOOST_DATA_TEST_CASE(one_store_serves_several_contexts_of_the_same_rules, data::make(versions),
                     version) {
  auto server = serving(version);
  auto first = trusting();
  auto second = sharing(first);
  auto with_its_own = trusting();
  BOOST_TEST(once(first, server) == visit::full);
  BOOST_TEST(once(with_its_own, server) == visit::full);
  BOOST_TEST(once(second, server) == visit::resumed);
  BOOST_TEST(once(first, server) == visit::resumed);
  auto careful = sharing(first);
  careful.trust(make_identity(identity_kind::untrusted).authority);
  BOOST_TEST(once(careful, server) == visit::full);
}

BOOST_AUTO_TEST_CASE(context_without_a_store_resumes_nothing) {
  auto server = serving();
  auto client = trusting();
  client.use_session_store(nullptr);
  BOOST_TEST(client.sessions() == nullptr);
  BOOST_TEST(once(client, server) == visit::full);
  BOOST_TEST(once(client, server) == visit::full);
}

BOOST_AUTO_TEST_CASE(store_is_for_clients) {
  auto server = serving();
  BOOST_TEST(server.sessions() == nullptr);
  BOOST_CHECK_EXCEPTION(
      server.use_session_store(std::make_shared<session_store>()), boost::system::system_error,
      [](boost::system::system_error const& e) { return e.code() == errc::wrong_role; });
}

BOOST_DATA_TEST_CASE(session_that_the_program_has_set_is_left_alone, data::make(versions),
                     version) {
  auto server = serving(version);
  auto client = trusting();
  std::shared_ptr<SSL_SESSION> own;
  auto visiting = visitor{client.native_handle(), server.native_handle()};
  visiting.port = 0;
  visiting.leave = [&](engine& session) {
    own.reset(SSL_get1_session(session.native_handle()), SSL_SESSION_free);
    SSL_set_shutdown(session.native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  };
  BOOST_TEST(visiting() == visit::full);
  visiting.leave = nullptr;
  visiting.port = 443;
  visiting.prepare = [&](engine& session) {
    BOOST_TEST(SSL_set_session(session.native_handle(), own.get()) == 1);
  };
  BOOST_TEST(visiting() == visit::resumed);
  BOOST_TEST(client.sessions()->size() == 0U);
}

BOOST_AUTO_TEST_CASE(program_with_a_callback_of_its_own_gets_the_sessions) {
  auto server = serving();
  auto client = trusting();
  static int told = 0;
  SSL_CTX_sess_set_new_cb(client.native_handle(), [](SSL*, SSL_SESSION*) {
    ++told;
    return 0;
  });
  BOOST_TEST(once(client, server) == visit::full);
  BOOST_TEST(once(client, server) == visit::full);
  BOOST_TEST(told == 4);
  BOOST_TEST(client.sessions()->size() == 0U);
}

BOOST_AUTO_TEST_CASE(store_of_the_options_needs_no_port_and_comes_first) {
  auto server = serving();
  auto client = trusting();
  auto const store = std::make_shared<session_store>();
  auto visiting =
      visitor{client.native_handle(), server.native_handle(), "localhost", 0, with(store)};
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::resumed);
  visiting.port = 443;
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::resumed);
  BOOST_TEST(client.sessions()->size() == 0U);
}

BOOST_DATA_TEST_CASE(context_of_others_resumes_by_the_options, data::make(versions), version) {
  auto const settings = version_settings(version);
  auto const client = make_context(role::client, settings);
  auto const server = make_context(role::server, settings);
  auto const store = std::make_shared<session_store>();
  auto visiting = visitor{client.get(), server.get(), "localhost", 443};
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::full);
  visiting.options = with(store);
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::resumed);
  BOOST_TEST(store->size() > 0U);
  // Nobody says whom it wants, so nothing is the same but the rules.
  visiting.host.clear();
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(visiting() == visit::full);
}

BOOST_AUTO_TEST_CASE(context_with_a_callback_of_its_own_is_refused_and_left) {
  auto const client = make_context(role::client);
  auto const own = [](SSL*, SSL_SESSION*) { return 0; };
  SSL_CTX_sess_set_new_cb(client.get(), own);
  auto const mode = SSL_CTX_get_session_cache_mode(client.get());
  BOOST_CHECK_EXCEPTION(
      engine(client.get(), with(std::make_shared<session_store>())), boost::system::system_error,
      [](boost::system::system_error const& e) { return e.code() == errc::bad_option; });
  BOOST_TEST((SSL_CTX_sess_get_new_cb(client.get()) == own));
  BOOST_TEST(SSL_CTX_get_session_cache_mode(client.get()) == mode);
}

BOOST_DATA_TEST_CASE(keeper_without_memory_loses_the_session_and_nothing_else, data::make(versions),
                     version) {
  auto server = serving(version);
  auto client = trusting();
  auto const keeper = std::make_shared<counting_keeper>();
  keeper->has_no_memory = true;
  auto visiting = visitor{client.native_handle(), server.native_handle()};
  visiting.options = with(keeper);
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(keeper->taken == 1);
  BOOST_TEST(keeper->kept > 0);
}

BOOST_AUTO_TEST_CASE(what_is_no_session_is_not_offered) {
  auto server = serving();
  auto client = trusting();
  auto const keeper = std::make_shared<counting_keeper>();
  keeper->garbage = true;
  auto visiting = visitor{client.native_handle(), server.native_handle()};
  visiting.options = with(keeper);
  BOOST_TEST(visiting() == visit::full);
  BOOST_TEST(keeper->taken == 4);
}

BOOST_AUTO_TEST_CASE(session_of_a_suite_that_is_not_offered_any_more_is_not_used) {
  auto server = serving(TLS1_2_VERSION);
  auto client = trusting();
  client.set_ciphers_tls12("ECDHE-ECDSA-AES256-GCM-SHA384");
  BOOST_TEST(once(client, server) == visit::full);
  auto other = sharing(client);
  other.set_ciphers_tls12("ECDHE-ECDSA-AES128-GCM-SHA256");
  BOOST_TEST(once(other, server) == visit::full);
}

BOOST_AUTO_TEST_CASE(session_of_a_version_that_is_not_spoken_any_more_is_not_used) {
  auto server12 = serving(TLS1_2_VERSION);
  auto server13 = serving(TLS1_3_VERSION);
  auto client = trusting();
  BOOST_TEST(once(client, server12) == visit::full);
  auto other = sharing(client);
  other.set_versions(context::version::tls1_3, context::version::tls1_3);
  BOOST_TEST(once(other, server13) == visit::full);
  BOOST_TEST(once(other, server13) == visit::resumed);
}

// One more session of `again`, the tickets behind it included.
void visit_with(engine& again, context& server, std::uint16_t port) {
  engine theirs(server.native_handle(), plain_options);
  theirs.be_server();
  BOOST_REQUIRE(!again.be_client_of("localhost", port));
  for (std::size_t moved = 1; moved != 0;) {
    if (again.handshake().next == want::nothing) BOOST_TEST(open_all(again).empty());
    moved = move_ciphertext(again, theirs);
    (void)theirs.handshake();
    moved += move_ciphertext(theirs, again);
  }
  BOOST_TEST(again.handshake_done());
}

bool is_resumed(engine const& one) { return SSL_session_reused(one.native_handle()) == 1; }

// What is left in OpenSSL's object stays there, as after an orderly end.
void clear(engine& one) {
  SSL_set_shutdown(one.native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  BOOST_TEST(SSL_clear(one.native_handle()) == 1);
  BOOST_TEST(SSL_get_session(one.native_handle()) != nullptr);
  BOOST_TEST(one.begin_anew_if_cleared());
}

BOOST_DATA_TEST_CASE(stream_that_is_used_again_resumes, data::make(versions), version) {
  auto server = serving(version);
  auto client = trusting();
  BOOST_TEST(once(client, server) == visit::full);
  engine again(client.native_handle(), plain_options);
  for (int i = 0; i != 2; ++i) {
    visit_with(again, server, 443);
    BOOST_TEST(is_resumed(again));
    clear(again);
  }
}

// What a session has left in OpenSSL's object is offered by the rules of its keeper only.
BOOST_DATA_TEST_CASE(stream_that_is_used_again_for_another_peer_resumes_nothing,
                     data::make(versions), version) {
  auto server = serving(version);
  auto client = trusting();
  engine again(client.native_handle(), plain_options);
  struct {
    std::uint16_t port;
    bool is_resumed;
  } const visits[] = {{443, false}, {8443, false}, {443, true}};
  for (auto const& [port, resumes] : visits) {
    visit_with(again, server, port);
    BOOST_TEST(is_resumed(again) == resumes);
    clear(again);
  }
}

// Without a port there is no store, and with a verify callback nobody has named its rules.
BOOST_DATA_TEST_CASE(what_ssl_clear_leaves_is_not_offered,
                     data::make(versions) * data::make({false, true}), version, has_callback) {
  auto server = serving(version);
  auto client = trusting();
  engine again(client.native_handle(), plain_options);
  if (has_callback) again.verify_with([](bool before, X509_STORE_CTX*) { return before; }, false);
  for (int i = 0; i != 2; ++i) {
    visit_with(again, server, has_callback ? 443 : 0);
    BOOST_TEST(!is_resumed(again));
    clear(again);
  }
}

BOOST_DATA_TEST_CASE(session_whose_rules_changed_in_its_handshake_is_never_offered,
                     data::make(versions), version) {
  auto server = serving(version);
  auto client = trusting();
  engine again(client.native_handle(), plain_options);
  BOOST_REQUIRE(!again.be_client_of("localhost", 443));
  (void)again.handshake();
  client.trust(make_identity(identity_kind::untrusted).authority);
  for (int i = 0; i != 2; ++i) {
    visit_with(again, server, 443);
    BOOST_TEST(!is_resumed(again));
    clear(again);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
