// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine alone: every way to a session that is said to be with a host, over every certificate,
// with a context of ours and one of the application's. The rule: success only if what was asked for
// was verified.
#include <tls_async/context.hpp>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <functional>
#include <memory>
#include <string>

#include "engine_pair.hpp"

namespace tls_async::test {
namespace {

struct named_kind {
  identity_kind kind;
  char const* name;
};
constexpr named_kind kinds[] = {
    {identity_kind::server, "good"},
    {identity_kind::untrusted, "untrusted"},
    {identity_kind::expired, "expired"},
    {identity_kind::not_yet_valid, "not yet valid"},
    {identity_kind::wrong_host, "of other.test"},
    {identity_kind::common_name, "without alternative names"},
    {identity_kind::common_name_beside, "without DNS names"},
    {identity_kind::self_signed, "self-signed"},
    {identity_kind::client, "of a client"},
};
constexpr char const* hosts[] = {"localhost", "127.0.0.1", "other.test", "192.0.2.1"};

// What is true of the certificates, as tls_async_test/certificates.hpp says it.
bool is_trusted_and_for(identity_kind kind, std::string const& host) {
  bool const is_of_other = host == "other.test" || host == "192.0.2.1";
  return kind == (is_of_other ? identity_kind::wrong_host : identity_kind::server);
}

// The certificate's names without its subject, as a callback of an application looks at them.
bool shows(X509* certificate, std::string const& host) {
  return X509_check_ip_asc(certificate, host.c_str(), 0) == 1 ||
         X509_check_host(certificate, host.c_str(), 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                         nullptr) == 1;
}

using kept_session =
    std::unique_ptr<SSL_SESSION, decltype([](SSL_SESSION* s) { SSL_SESSION_free(s); })>;

void want_natively(SSL* client, std::string const& host) {
  auto* const wanted = SSL_get0_param(client);
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1) {
    X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), 0);
  }
  ERR_clear_error();
}

int accept_preverified(int preverified, X509_STORE_CTX*) { return preverified; }

struct way {
  char const* name;
  // Before the handshake. Whether it was refused.
  std::function<error_code(engine&, std::string const& host)> before;
  // When its first flight has been made; null: the handshake is driven through.
  std::function<error_code(engine&, std::string const& host)> amid;
  // On the session that is there.
  std::function<error_code(engine&, std::string const& host)> after;
};

error_code name_it(engine& client, std::string const& host) { return client.be_client_of(host); }
error_code be_anyone(engine& client, std::string const&) {
  client.be_client();
  client.set_verify_mode(SSL_VERIFY_NONE);
  return {};
}
error_code turn_off(engine& client, std::string const&) {
  client.set_verify_mode(SSL_VERIFY_NONE);
  return {};
}
error_code native_host(engine& client, std::string const& host) {
  client.be_client();
  want_natively(client.native_handle(), host);
  client.set_verify_mode(SSL_VERIFY_PEER);
  return {};
}

way const ways[] = {
    {"named", name_it, {}, {}},
    {"named twice", name_it, name_it, name_it},
    {"named after verify_none",
     [](engine& client, std::string const& host) {
       client.set_verify_mode(SSL_VERIFY_NONE);
       return client.be_client_of(host);
     },
     {},
     {}},
    {"named, then verify_none",
     [](engine& client, std::string const& host) {
       auto const refused = client.be_client_of(host);
       client.set_verify_mode(SSL_VERIFY_NONE);
       return refused;
     },
     {},
     {}},
    {"named, verify_none amid", name_it, turn_off, {}},
    {"named, native verify_none amid",
     name_it,
     [](engine& client, std::string const&) {
       SSL_set_verify(client.native_handle(), SSL_VERIFY_NONE, &accept_preverified);
       return error_code();
     },
     {}},
    {"native callback, then named",
     [](engine& client, std::string const& host) {
       SSL_set_verify(client.native_handle(), SSL_VERIFY_PEER, &accept_preverified);
       return client.be_client_of(host);
     },
     {},
     {}},
    {"named, then native callback",
     [](engine& client, std::string const& host) {
       auto const refused = client.be_client_of(host);
       SSL_set_verify(client.native_handle(), SSL_VERIFY_PEER, &accept_preverified);
       return refused;
     },
     {},
     {}},
    {"callback, then named",
     [](engine& client, std::string const& host) {
       client.verify_with([](bool preverified, X509_STORE_CTX*) { return preverified; }, false);
       return client.be_client_of(host);
     },
     {},
     {}},
    {"natively another host, then named",
     [](engine& client, std::string const& host) {
       want_natively(client.native_handle(), "localhost");
       return client.be_client_of(host);
     },
     {},
     {}},
    {"begun as anyone, named amid", be_anyone, name_it, {}},
    {"done as anyone, named then", be_anyone, {}, name_it},
    {"done natively, named then", native_host, {}, name_it},
    {"named for another host, named amid",
     [](engine& client, std::string const&) { return client.be_client_of("example.test"); },
     name_it,
     {}},
    {"named for another host, named then",
     [](engine& client, std::string const&) { return client.be_client_of("example.test"); },
     {},
     name_it},
    {"callback that knows the host",
     [](engine& client, std::string const& host) {
       client.be_client();
       client.set_verify_mode(SSL_VERIFY_PEER);
       client.verify_with(
           [host](bool preverified, X509_STORE_CTX* chain) {
             if (!preverified || X509_STORE_CTX_get_error_depth(chain) != 0) return preverified;
             return shows(X509_STORE_CTX_get_current_cert(chain), host);
           },
           true);
       return error_code();
     },
     {},
     {}},
};

struct contexts {
  context ours{context::role::client};
  context_ptr theirs;
  explicit contexts(int version) : theirs(make_context(role::client, version_settings(version))) {
    ours.trust(server_identity().authority);
  }
};

// Whether `w` says that the session is with `host`. `resumed` is offered.
bool succeeds(way const& w, SSL_CTX* client_context, SSL_CTX* server_context,
              std::string const& host, SSL_SESSION* resumed, kept_session* kept = nullptr) {
  engine_pair pair(client_context, server_context);
  error_code refused = w.before(pair.client, host);
  if (resumed != nullptr) {
    kept_session const copy(SSL_SESSION_dup(resumed));
    SSL_set_session(pair.client.native_handle(), copy.get());
  }
  if (!refused && w.amid) {
    if (pair.client.handshake().next == want::failed) return false;
    refused = w.amid(pair.client, host);
  }
  pair.handshake();
  bool const is_done = pair.client_step.next == want::nothing;
  if (!refused && is_done && w.after) refused = w.after(pair.client, host);
  if (kept != nullptr && is_done) kept->reset(SSL_get1_session(pair.client.native_handle()));
  BOOST_TEST(ERR_peek_error() == 0U);
  return is_done && !refused;
}

tls_settings showing(identity_kind kind, int version) {
  tls_settings settings;
  settings.certificate = kind;
  settings.version = version;
  return settings;
}

BOOST_AUTO_TEST_SUITE(engine_trust_table)

BOOST_AUTO_TEST_CASE(success_is_only_for_what_was_verified) {
  int successes = 0;
  for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    contexts with(version);
    for (auto const& shown : kinds) {
      auto const server = make_context(role::server, showing(shown.kind, version));
      for (auto const& w : ways) {
        for (auto const* const host : hosts) {
          for (auto* const client : {with.ours.native_handle(), with.theirs.get()}) {
            bool const success = succeeds(w, client, server.get(), host, nullptr);
            successes += success ? 1 : 0;
            BOOST_TEST((!success || is_trusted_and_for(shown.kind, host)),
                       w.name << " for " << host << ", certificate " << shown.name);
            if (&w == &ways[0]) {
              BOOST_TEST(success == is_trusted_and_for(shown.kind, host),
                         host << ", certificate " << shown.name);
            }
          }
        }
      }
    }
  }
  BOOST_TEST(successes > 100);
}

// A session of whatever origin, offered to whatever client.
BOOST_AUTO_TEST_CASE(resumption_is_only_for_what_was_verified) {
  for (int const version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (auto const& shown : kinds) {
      contexts with(version);
      context careless{context::role::client};
      careless.insecure_skip_verification();
      auto const server = make_context(role::server, showing(shown.kind, version));
      way const unverified{"unverified", be_anyone, {}, {}};
      way const verified{"verified",
                         [](engine& client, std::string const&) {
                           client.be_client();
                           client.set_verify_mode(SSL_VERIFY_PEER);
                           return error_code();
                         },
                         {},
                         {}};
      for (auto const& [origin, of] :
           {std::pair<way const&, SSL_CTX*>(unverified, with.theirs.get()),
            std::pair<way const&, SSL_CTX*>(unverified, careless.native_handle()),
            std::pair<way const&, SSL_CTX*>(verified, with.theirs.get())}) {
        kept_session kept;
        succeeds(origin, of, server.get(), "localhost", nullptr, &kept);
        if (!kept) continue;
        for (auto const& w : ways) {
          for (auto const* const host : hosts) {
            for (auto* const client : {with.ours.native_handle(), with.theirs.get()}) {
              BOOST_TEST((!succeeds(w, client, server.get(), host, kept.get()) ||
                          is_trusted_and_for(shown.kind, host)),
                         w.name << " for " << host << ", certificate " << shown.name << ", session "
                                << origin.name);
            }
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
