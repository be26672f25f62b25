// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A server with many names: who gets which identity, who gets none, who may resume what, and what a
// change of all of them means for a handshake.
#include <tls_async/core/policy.hpp>
#include <tls_async/identities.hpp>
#include <tls_async/sessions/ticket_keys.hpp>
#include "named.hpp"
#include "trial.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace tls_async::test {
namespace {

constexpr int unrecognized_name = 112;  // RFC 6066 section 9
constexpr int handshake_failure = 40;
constexpr int both_versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

void add(identities& to, named const& what) { to.add(what.chain, what.key); }

void add(identities& to, std::string const& alternatives, std::string const& common_name,
         char const* type = "EC") {
  add(to, make_named(type, alternatives, common_name));
}

struct identities_fixture {
  std::string subject_for(std::string const& name) {
    return visit_server(server, {.name = name}).subject;
  }
  void use() { server.use_identities(all); }

  identities all;
  context server{context::role::server};
};

BOOST_FIXTURE_TEST_SUITE(identities_by_name, identities_fixture)

BOOST_AUTO_TEST_CASE(exact_name_comes_before_a_wildcard) {
  add(all, "DNS:first.test", "first");
  add(all, "DNS:*.example.test", "wild");
  add(all, "DNS:www.example.test,DNS:example.test", "exact");
  use();
  BOOST_TEST(subject_for("www.example.test") == "exact");
  BOOST_TEST(subject_for("example.test") == "exact");
  BOOST_TEST(subject_for("mail.example.test") == "wild");
}

BOOST_AUTO_TEST_CASE(wildcard_is_one_label) {
  add(all, "DNS:first.test", "first");
  add(all, "DNS:*.example.test,DNS:w*.other.test,DNS:*.*.more.test", "wild");
  use();
  BOOST_TEST(subject_for("a.example.test") == "wild");
  for (auto const* const name : {"example.test", "a.b.example.test", ".example.test",
                                 "*.example.test", "www.other.test", "a.b.more.test"}) {
    BOOST_TEST(subject_for(name) == "first", name);
  }
  BOOST_TEST(all[1].names == "*.example.test");
}

BOOST_AUTO_TEST_CASE(case_and_a_final_dot_do_not_matter) {
  add(all, "DNS:first.test", "first");
  add(all, "DNS:WWW.Example.TEST,DNS:dotted.test.,DNS:*.WILD.test", "shouted");
  use();
  for (auto const* const name :
       {"www.example.test", "wwW.eXample.test", "www.example.test.", "DOTTED.test", "a.wild.TEST."})
    BOOST_TEST(subject_for(name) == "shouted", name);
}

BOOST_AUTO_TEST_CASE(key_type_is_the_one_that_the_client_can_verify) {
  add(all, "DNS:example.test", "ec", "EC");
  add(all, "DNS:example.test", "rsa", "RSA");
  add(all, "DNS:example.test", "ed25519", "ED25519");
  use();
  struct {
    char const* signatures;
    char const* subject;
  } const cases[] = {
      {"ECDSA+SHA256", "ec"}, {"rsa_pss_rsae_sha256", "rsa"}, {"ed25519", "ed25519"}};
  for (auto const& each : cases) {
    for (int const version : both_versions) {
      auto const was = visit_server(
          server, {.name = "example.test", .version = version, .signatures = each.signatures});
      BOOST_TEST((was.completed && was.subject == each.subject), each.subject << ": " << was);
    }
  }
}

BOOST_AUTO_TEST_CASE(default_is_the_first_unless_told_and_has_all_its_key_types) {
  add(all, "DNS:one.test,IP:127.0.0.1", "one");
  add(all, "DNS:two.test,IP:::1", "two");
  add(all, "DNS:*.three.test", "three");
  add(all, "DNS:one.test", "one rsa", "RSA");
  use();
  BOOST_TEST(subject_for("") == "one");
  BOOST_TEST(subject_for("other.test") == "one");
  auto const rsa = visit_server(server, {.signatures = "rsa_pss_rsae_sha256"});
  BOOST_TEST(rsa.subject == "one rsa");

  for (auto const* const name : {"TWO.test.", "::1", "0:0::1"}) {
    all.set_default("one.test");
    all.set_default(name);
    use();
    BOOST_TEST(subject_for("") == "two", name);
  }
  BOOST_TEST(subject_for("one.test") == "one");
  all.set_default("*.three.test");
  use();
  BOOST_TEST(subject_for("other.test") == "three");
  check_refused(errc::bad_option,
                "set_default(): there is no identity for 'a.three.test': pass a name as a "
                "certificate has it",
                [this] { all.set_default("a.three.test"); });
  check_refused(errc::bad_option, "set_default(): there is no identity for '127.0.0.2'",
                [this] { all.set_default("127.0.0.2"); });
  BOOST_TEST(subject_for("other.test") == "three");
}

BOOST_AUTO_TEST_CASE(certificate_of_an_address_is_for_clients_without_a_name) {
  add(all, "IP:192.0.2.1", "address");
  add(all, "DNS:example.test,IP:192.0.2.1", "name");
  use();
  BOOST_TEST(all[0].names == "192.0.2.1");
  BOOST_TEST(all[1].names == "example.test 192.0.2.1");
  BOOST_TEST(subject_for("") == "address");
  BOOST_TEST(subject_for("example.test") == "name");
}

BOOST_AUTO_TEST_CASE(others_are_refused_with_the_alert_unrecognized_name) {
  add(all, "DNS:example.test", "example");
  all.refuse_others();
  // A pair of the context's own is no way around it.
  auto const own = make_named("EC", "DNS:own.test", "own");
  server.use_certificate_chain(own.chain);
  server.use_private_key(own.key);
  use();
  for (int const version : both_versions) {
    for (auto const* const name : {"other.test", "", "a.example.test"}) {
      auto const was = visit_server(server, {.name = name, .version = version});
      BOOST_TEST((!was.completed && was.alert == unrecognized_name), name << ": " << was);
    }
    BOOST_TEST(visit_server(server, {.name = "example.test", .version = version}).completed);
  }
  all.set_default("example.test");
  use();
  BOOST_TEST(subject_for("other.test") == "example");
}

// Without a dot there is no wildcard to look for, and what has no name is not its answer.
BOOST_AUTO_TEST_CASE(name_without_a_dot_is_not_that_of_an_identity_without_a_name) {
  add(all, "", "nameless");
  add(all, "DNS:example.test", "example");
  use();
  BOOST_TEST(subject_for("intranet") == "nameless");
  all.set_default("example.test");
  use();
  BOOST_TEST(subject_for("intranet") == "example");
  all.refuse_others();
  use();
  for (int const version : both_versions) {
    auto const was = visit_server(server, {.name = "intranet", .version = version});
    BOOST_TEST((!was.completed && was.alert == unrecognized_name), was);
  }
  BOOST_TEST(subject_for("example.test") == "example");
}

BOOST_AUTO_TEST_CASE(name_that_was_taken_is_acknowledged) {
  add(all, "DNS:example.test", "example");
  use();
  for (int const version : both_versions) {
    encounter meeting{server, {.name = "example.test", .version = version}};
    BOOST_TEST(meeting.finish().completed);
    std::string const kept = SSL_get_servername(meeting.server().ssl(), TLSEXT_NAMETYPE_host_name);
    BOOST_TEST(kept == "example.test");
    auto const* const acknowledged =
        SSL_SESSION_get0_hostname(SSL_get_session(meeting.client().ssl()));
    BOOST_TEST((acknowledged != nullptr && std::string{acknowledged} == "example.test"));
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(identities_resumed, identities_fixture)

BOOST_AUTO_TEST_CASE(session_is_resumed_for_its_own_name_only) {
  add(all, "DNS:one.test,DNS:*.one.test", "one");
  add(all, "DNS:two.test", "two");
  use();
  for (int const version : both_versions) {
    auto const first = visit_server(server, {.name = "one.test", .version = version});
    BOOST_TEST(first.completed);
    auto const again = [&](std::string const& name) {
      return visit_server(server,
                          {.name = name, .version = version, .session = first.session.get()});
    };
    BOOST_TEST(again("one.test").resumed);
    BOOST_TEST(again("ONE.test").resumed);
    // Also where the certificate would be the same.
    for (std::string const name : {"two.test", "a.one.test", "other.test", ""}) {
      auto const was = again(name);
      BOOST_TEST((was.completed && !was.resumed), name << ": " << was);
      BOOST_TEST(was.subject == (name == "two.test" ? "two" : "one"), name);
    }
    // By default, both ways.
    auto const nameless = visit_server(server, {.version = version});
    BOOST_TEST(
        !visit_server(server,
                      {.name = "one.test", .version = version, .session = nameless.session.get()})
             .resumed);
    BOOST_TEST(
        visit_server(server, {.version = version, .session = nameless.session.get()}).resumed);
  }
}

// Asks for a certificate where the name is example.test, as programs of before do it.
int ask_more(SSL* session, int* /*alert*/, void* /*argument*/) {
  char const* const name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr && std::string_view{name} == "example.test")
    SSL_set_verify(session, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return SSL_TLSEXT_ERR_OK;
}

BOOST_AUTO_TEST_CASE(session_of_another_name_is_none_without_identities_too) {
  auto const own = make_named("EC", "DNS:one.test,DNS:example.test", "own");
  context plain{context::role::server};
  plain.use_certificate_chain(own.chain);
  plain.use_private_key(own.key);
  SSL_CTX_set_tlsext_servername_callback(plain.native_handle(), ask_more);
  for (int const version : both_versions) {
    auto const first = visit_server(plain, {.name = "one.test", .version = version});
    auto const again = [&](std::string const& name) {
      return visit_server(plain,
                          {.name = name, .version = version, .session = first.session.get()});
    };
    BOOST_TEST(again("one.test").resumed);
    auto const was = again("example.test");
    BOOST_TEST(!was.resumed, was);
    BOOST_TEST(was.alert != 0, was);
  }
}

BOOST_AUTO_TEST_CASE(session_of_an_identity_that_was_taken_away_is_none) {
  identities fewer;
  auto const other = make_named("EC", "DNS:other.test", "other");
  auto const one = make_named("EC", "DNS:one.test", "one");
  add(all, other);
  add(fewer, other);
  add(all, one);
  for (int const version : both_versions) {
    use();
    auto const first = visit_server(server, {.name = "one.test", .version = version});
    auto const again = [&] {
      return visit_server(server,
                          {.name = "one.test", .version = version, .session = first.session.get()});
    };
    BOOST_TEST(again().resumed);
    server.use_identities(fewer);
    auto const was = again();
    BOOST_TEST((was.completed && !was.resumed), was);
    BOOST_TEST(was.subject == "other");
  }
}

BOOST_AUTO_TEST_CASE(session_of_a_name_that_is_refused_now_is_refused_too) {
  for (int const version : both_versions) {
    identities before;
    add(before, "DNS:one.test", "one");
    add(before, "DNS:two.test", "two");
    server.use_identities(before);
    auto const one = visit_server(server, {.name = "one.test", .version = version});
    auto const two = visit_server(server, {.name = "two.test", .version = version});
    identities after;
    add(after, "DNS:two.test", "new two");
    after.refuse_others();
    server.use_identities(after);
    auto const refused = visit_server(
        server, {.name = "one.test", .version = version, .session = one.session.get()});
    BOOST_TEST((!refused.completed && refused.alert == unrecognized_name), refused);
    // The name is still served, so its session still is.
    BOOST_TEST(
        visit_server(server, {.name = "two.test", .version = version, .session = two.session.get()})
            .resumed);
  }
}

BOOST_AUTO_TEST_CASE(session_of_before_the_trust_changed_is_not_resumed) {
  add(all, "DNS:one.test", "one");
  use();
  auto const first = visit_server(server, {.name = "one.test"});
  auto const again = [&] {
    return visit_server(server, {.name = "one.test", .session = first.session.get()});
  };
  BOOST_TEST(again().resumed);
  server.trust(make_named("EC", "DNS:authority.test", "authority").chain);
  server.request_client_certificate();
  BOOST_TEST(again().completed);
  BOOST_TEST(!again().resumed);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(identities_exchanged, identities_fixture)

BOOST_AUTO_TEST_CASE(handshake_goes_on_with_what_its_client_hello_found) {
  for (int const version : both_versions) {
    identities before, after;
    add(before, "DNS:example.test", "before");
    add(after, "DNS:example.test", "after");
    server.use_identities(before);
    // The server's ring has no room for all of its answer.
    encounter meeting{server, {.name = "example.test", .version = version}, {.output = 256}};
    meeting.client().handshake();
    move_ciphertext(meeting.client(), meeting.server());
    BOOST_TEST(meeting.server().handshake().error == SSL_ERROR_WANT_WRITE);
    server.use_identities(after);
    before = {};
    auto const was = meeting.finish();
    BOOST_TEST((was.completed && was.subject == "before"), was);
    BOOST_TEST(visit_server(server, {.name = "example.test", .version = version}).subject ==
               "after");
  }
}

BOOST_AUTO_TEST_CASE(second_client_hello_finds_one_whole_identity) {
  identities before, after;
  add(before, "DNS:example.test", "before", "EC");
  add(after, "DNS:example.test", "after", "RSA");
  server.set_groups("P-384");  // of which a client sends no share by itself
  server.use_identities(before);
  encounter meeting{server, {.name = "example.test"}};
  meeting.client().handshake();
  move_ciphertext(meeting.client(), meeting.server());
  meeting.server().handshake();
  server.use_identities(after);
  auto const was = meeting.finish();
  BOOST_TEST((was.completed && was.subject == "after"), was);
}

BOOST_AUTO_TEST_CASE(fewer_key_types_are_fewer) {
  add(all, "DNS:example.test", "ec", "EC");
  auto const ec_alone = all;
  add(all, "DNS:example.test", "rsa", "RSA");
  use();
  BOOST_TEST(all.size() == 2U);
  BOOST_TEST(ec_alone.size() == 1U);
  auto const with_rsa = [&] {
    return visit_server(server, {.name = "example.test", .signatures = "rsa_pss_rsae_sha256"});
  };
  BOOST_TEST(with_rsa().subject == "rsa");
  server.use_identities(ec_alone);
  BOOST_TEST(!with_rsa().completed);
  BOOST_TEST(subject_for("example.test") == "ec");
  // Nor is the context's own pair there for a type that a name does not have.
  context with_own{context::role::server};
  auto const own = make_named("RSA", "DNS:example.test", "own");
  with_own.use_certificate_chain(own.chain);
  with_own.use_private_key(own.key);
  with_own.use_identities(ec_alone);
  auto const was =
      visit_server(with_own, {.name = "example.test", .signatures = "rsa_pss_rsae_sha256"});
  BOOST_TEST((!was.completed && was.alert == handshake_failure), was);
}

BOOST_AUTO_TEST_CASE(what_a_context_has_taken_is_not_changed_with_the_value) {
  add(all, "DNS:one.test", "one");
  use();
  add(all, "DNS:two.test", "two");
  all.set_default("two.test");
  BOOST_TEST(subject_for("two.test") == "one");
  auto moved = std::move(all);
  BOOST_TEST(all.empty());  // NOLINT(bugprone-use-after-move): it says so
  BOOST_TEST(moved.size() == 2U);
  server.use_identities(moved);
  BOOST_TEST(subject_for("") == "two");
}

// 400 handshakes, or as many as TLS_ASYNC_SWAP_HANDSHAKES says.
int number_of_handshakes() {
  char const* const value = std::getenv("TLS_ASYNC_SWAP_HANDSHAKES");
  return value != nullptr ? std::stoi(value) : 400;
}

BOOST_AUTO_TEST_CASE(chain_and_key_belong_together_while_another_thread_changes_all) {
  constexpr int visitors = 4;
  std::vector<identities> sets(3);
  std::vector<std::shared_ptr<ticket_keys>> rings;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    auto const name = std::to_string(i);
    add(sets[i], "DNS:one.test", "one " + name);
    add(sets[i], "DNS:two.test", "two " + name);
    add(sets[i], "DNS:one.test", "one " + name, "ED25519");
    rings.push_back(ticket_keys::random());
  }
  server.use_identities(sets[0]);
  std::atomic<int> wrong = 0, resumed = 0, under_way = visitors;
  auto const visit_often = [&](std::string const& name) {
    ssl_session_ptr last[2];
    for (int i = number_of_handshakes() / visitors; i != 0; --i) {
      // A client fails where the key is another certificate's.
      auto was = visit_server(
          server,
          {.name = name + ".test", .version = both_versions[i % 2], .session = last[i % 2].get()});
      if (!was.completed || !was.subject.starts_with(name)) ++wrong;
      if (was.resumed) ++resumed;
      last[i % 2] = std::move(was.session);
    }
    --under_way;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < visitors; ++i)
    threads.emplace_back(visit_often, i % 2 == 0 ? "one" : "two");
  std::size_t changes = 0;
  for (; under_way != 0 || changes < 200; ++changes) {
    server.use_identities(sets[changes % sets.size()]);
    server.use_ticket_keys(rings[changes % rings.size()]);
  }
  for (auto& each : threads)
    each.join();
  BOOST_TEST_MESSAGE(changes << " changes, " << resumed << " resumed");
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(use_identities, identities_fixture)

BOOST_AUTO_TEST_CASE(client_and_none_are_refused) {
  context client{context::role::client};
  check_refused(errc::bad_option, "use_identities(): there are no identities: ", [this] {
    server.use_identities(all);
  });
  add(all, "DNS:example.test", "example");
  check_refused(errc::wrong_role, "use_identities() is for servers; a client has one pair: ", [&] {
    client.use_identities(all);
  });
}

BOOST_AUTO_TEST_CASE(weak_chain_is_refused_and_what_was_in_use_stays) {
  add(all, "DNS:example.test", "example");
  use();
  auto more = all;
  auto const strong = make_named("EC", "DNS:weak.test", "strong");
  more.add(strong.chain + make_rsa(1024, "weak").certificate, strong.key);
  check_refused(errc::bad_certificate,
                "certificate 2 of the certificate chain given in memory (subject CN=weak) is not "
                "accepted: ca key too small: ",
                [&] { server.use_identities(more); });
  BOOST_TEST(subject_for("weak.test") == "example");
}

BOOST_AUTO_TEST_CASE(pair_of_the_contexts_own_is_not_needed_and_not_taken) {
  auto const own = make_named("EC", "DNS:own.test", "own");
  server.use_private_key(own.key);
  auto const* const policy = detail::policy_of(server.native_handle());
  BOOST_TEST(policy->identity_incomplete);
  BOOST_TEST(!policy->has_identities);
  add(all, "DNS:example.test", "example");
  use();
  BOOST_TEST(policy->has_identities);
  BOOST_TEST(subject_for("own.test") == "example");
  auto const text = "the context has taken identities, which are in the place of a pair of its own";
  check_refused(errc::bad_option, text, [&] { server.use_certificate_chain(own.chain); });
  check_refused(errc::bad_option, text, [&] { server.use_private_key(own.key); });
  check_refused(errc::bad_option, text, [&] { server.add_identity(own.chain, own.key); });
  check_refused(errc::bad_option, text, [&] { server.use_certificate_chain_file("none"); });
  check_refused(errc::bad_option, text, [&] { server.use_private_key_file("none"); });
  check_refused(errc::bad_option, text, [&] { server.add_identity_files("none", "none"); });
}

// OpenSSL can't be asked what is set, so ours come first and are the ones that go.
int refuse_all(SSL* /*session*/, int* alert, void* /*argument*/) {
  *alert = SSL_AD_ACCESS_DENIED;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}
int refuse_hello(SSL* /*session*/, int* alert, void* /*argument*/) {
  *alert = SSL_AD_ACCESS_DENIED;
  return SSL_CLIENT_HELLO_ERROR;
}

BOOST_AUTO_TEST_CASE(callback_of_the_program_stays) {
  add(all, "DNS:example.test", "example");
  for (bool const is_first : {true, false}) {
    context with_name{context::role::server};
    context with_hello{context::role::server};
    auto const set = [&] {
      SSL_CTX_set_tlsext_servername_callback(with_name.native_handle(), refuse_all);
      SSL_CTX_set_client_hello_cb(with_hello.native_handle(), refuse_hello, nullptr);
    };
    if (is_first) set();
    with_name.use_identities(all);
    with_hello.use_identities(all);
    if (!is_first) set();
    for (auto* const each : {&with_name, &with_hello}) {
      auto const was = visit_server(*each, {.name = "example.test"});
      BOOST_TEST((!was.completed && was.alert == SSL_AD_ACCESS_DENIED), was);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
