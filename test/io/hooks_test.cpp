// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A handshake that waits for the program to decide: whom it is asked about, what goes on meanwhile,
// and how it ends.
#include <tls_async/io/hooks.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memory_session.hpp"
#include "support/keyless.hpp"

using namespace tls_async::test;
using namespace std::chrono_literals;
using tls_async::as_client;
using tls_async::as_server;
using tls_async::certificate_request;
using tls_async::client_hello;
using tls_async::errc;
using tls_async::hook_answer;
using tls_async::hooks;
using tls_async::peer_certificates;
using tls_async::signature_request;
using tls_async::verdict;

namespace {

/// Asked, and not yet answered.
template <class Question>
class waiting_hook {
public:
  tls_async::hook<Question> hook() {
    return [to = kept_](Question const& asked, hook_answer answer) {
      to->asked.push_back(asked);
      to->answers.push_back(std::move(answer));
    };
  }
  [[nodiscard]] std::size_t count() const { return kept_->asked.size(); }
  [[nodiscard]] Question const& last() const { return kept_->asked.back(); }
  hook_answer take() {
    auto answer = std::move(kept_->answers.back());
    kept_->answers.pop_back();
    return answer;
  }
  void answer(verdict decided = {}) { take()(std::move(decided)); }

private:
  struct kept {
    std::vector<Question> asked;
    std::vector<hook_answer> answers;
  };
  std::shared_ptr<kept> kept_ = std::make_shared<kept>();
};

tls_async::context server_of_tls_1(int minor, bool asks_client = false) {
  tls_async::context made(tls_async::context::role::server);
  made.use_certificate_chain(server_identity().certificate_chain);
  made.use_private_key(server_identity().private_key);
  auto const only =
      minor == 2 ? tls_async::context::version::tls1_2 : tls_async::context::version::tls1_3;
  made.set_versions(only, only);
  if (asks_client) {
    made.trust(client_identity().authority);
    made.require_client_certificate();
  }
  return made;
}

tls_async::context client_with(identity_kind kind) {
  tls_async::context made(tls_async::context::role::client);
  made.trust(server_identity().authority);
  made.use_certificate_chain(make_identity(kind).certificate_chain);
  made.use_private_key(make_identity(kind).private_key);
  return made;
}

tls_async::context keyless_server(int minor, identity_kind kind = identity_kind::server) {
  tls_async::context made(tls_async::context::role::server);
  made.use_identities(keyless(kind));
  auto const only =
      minor == 2 ? tls_async::context::version::tls1_2 : tls_async::context::version::tls1_3;
  made.set_versions(only, only);
  made.trust(client_identity().authority);
  made.require_client_certificate();
  return made;
}

tls_async::identities of_kind(identity_kind kind) {
  tls_async::identities all;
  all.add(make_identity(kind).certificate_chain, make_identity(kind).private_key);
  return all;
}

struct both {
  ending client, server;
};

/// Starts both handshakes and runs what can run.
void begin(memory_session& s, both& ends, hooks const& of_server, hooks const& of_client = {}) {
  tls_handshake(s.client, as_client{"localhost", 0, of_client}, ends.client.token());
  tls_handshake(s.server, as_server{of_server}, ends.server.token());
  s.settle();
}

bool works(memory_session& s) {
  ending written, read;
  std::string const message = "as agreed";
  std::string got(message.size(), '\0');
  tls_write(s.client, boost::asio::buffer(message), written.token());
  tls_read_some(s.server, boost::asio::buffer(got), read.token());
  s.settle();
  return written.done && !written.ec && read.done && !read.ec && got == message;
}

std::string text_of(memory_tls& s) { return s.error_info().text(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(hooks_of_a_handshake)

BOOST_AUTO_TEST_CASE(client_hello_waits_until_the_program_has_decided) {
  tls_async::context client(tls_async::context::role::client);
  client.trust(server_identity().authority);
  client.set_alpn({"h2", "http/1.1"});
  memory_session s({}, client);
  waiting_hook<client_hello> hook;
  both ends;
  begin(s, ends, {.client_hello = hook.hook()});
  BOOST_REQUIRE_EQUAL(hook.count(), 1);
  BOOST_TEST((!ends.client.done && !ends.server.done));
  BOOST_TEST(s.server_end().written().empty());
  auto const& hello = hook.last();
  BOOST_TEST(hello.host == "localhost");
  BOOST_REQUIRE_EQUAL(hello.alpn.size(), 2);
  BOOST_TEST(hello.alpn[1] == "http/1.1");
  BOOST_TEST(std::count(hello.versions.begin(), hello.versions.end(), 0x0304) == 1);
  BOOST_TEST(!hello.groups.empty());
  BOOST_TEST(!hello.ciphers.empty());
  BOOST_REQUIRE(hello.find(TLSEXT_TYPE_server_name));
  BOOST_TEST(hello.find(TLSEXT_TYPE_server_name)->size() == 14);
  BOOST_TEST(!hello.find(0xfafa).has_value());
  hook.answer();
  s.settle();
  BOOST_TEST((ends.client.done && ends.server.done));
  BOOST_TEST(ends.client.ec == tls_async::error_code());
  BOOST_TEST(ends.server.ec == tls_async::error_code());
  BOOST_TEST(works(s));
}

BOOST_AUTO_TEST_CASE(client_that_is_asked_for_another_group_is_decided_about_once) {
  auto server = server_of_tls_1(3);
  server.set_groups("P-384");
  tls_async::context client(tls_async::context::role::client);
  client.trust(server_identity().authority);
  client.set_groups("X25519:P-384");
  memory_session s({}, client, server);
  waiting_hook<client_hello> hook;
  both ends;
  begin(s, ends, {.client_hello = hook.hook()});
  hook.answer();
  s.settle();
  BOOST_REQUIRE((ends.client.done && ends.server.done));
  BOOST_TEST(ends.server.ec == tls_async::error_code());
  BOOST_TEST(hook.count() == 1);
  BOOST_TEST(works(s));
}

// Its bytes are others in each ClientHello.
int add_changing(SSL*, unsigned, unsigned, unsigned char const** out, std::size_t* size, X509*,
                 std::size_t, int*, void*) {
  static unsigned char count = 0;
  ++count;
  *out = &count;
  *size = 1;
  return 1;
}

BOOST_AUTO_TEST_CASE(second_client_hello_that_asks_for_something_else_is_decided_about_too) {
  auto server = server_of_tls_1(3);
  server.set_groups("P-384");
  tls_async::context client(tls_async::context::role::client);
  client.trust(server_identity().authority);
  client.set_groups("X25519:P-384");
  BOOST_REQUIRE_EQUAL(SSL_CTX_add_custom_ext(client.native_handle(), 0xff77, SSL_EXT_CLIENT_HELLO,
                                             &add_changing, nullptr, nullptr, nullptr, nullptr),
                      1);
  // OpenSSL shows a server the extensions only that it knows.
  BOOST_REQUIRE_EQUAL(SSL_CTX_add_custom_ext(server.native_handle(), 0xff77, SSL_EXT_CLIENT_HELLO,
                                             nullptr, nullptr, nullptr, nullptr, nullptr),
                      1);
  memory_session s({}, client, server);
  waiting_hook<client_hello> hook;
  both ends;
  begin(s, ends, {.client_hello = hook.hook()});
  BOOST_REQUIRE(hook.last().find(0xff77));
  auto const first = hook.last().find(0xff77)->front();
  hook.answer();
  s.settle();
  BOOST_REQUIRE_EQUAL(hook.count(), 2);
  BOOST_TEST((hook.last().find(0xff77)->front() != first));
  BOOST_TEST(!ends.server.done);
  hook.answer(verdict::refuse("not that"));
  s.settle();
  BOOST_TEST(ends.server.done);
  BOOST_TEST(ends.server.ec == errc::refused);
}

BOOST_AUTO_TEST_CASE(alert_that_there_is_not_becomes_access_denied) {
  for (int const alert : {-1, 0, 256, 305}) {
    memory_session s;
    both ends;
    begin(s, ends,
          {.client_hello = [alert](client_hello const&) { return verdict::refuse("no", alert); }});
    BOOST_REQUIRE((ends.client.done && ends.server.done));
    BOOST_REQUIRE(s.client.error_info().last_alert);
    BOOST_TEST(s.client.error_info().last_alert->number == SSL_AD_ACCESS_DENIED);
  }
}

BOOST_AUTO_TEST_CASE(choice_that_throws_or_is_not_accepted_refuses_the_handshake) {
  for (int const minor : {2, 3}) {
    for (bool const throws : {false, true}) {
      for (bool const in_hello : {false, true}) {
        auto server = server_of_tls_1(minor);
        memory_session s({}, trusting_client(), server);
        verdict bad;
        bad.use = [throws](SSL*) -> bool {
          if (throws) throw std::runtime_error("no such certificate");
          return false;
        };
        hooks given;
        if (in_hello) given.client_hello = [&](auto const&) { return bad; };
        if (!in_hello) given.certificate = [&](auto const&) { return bad; };
        both ends;
        begin(s, ends, given);
        BOOST_REQUIRE((ends.client.done && ends.server.done));
        BOOST_TEST(ends.server.ec == errc::refused);
        auto const words = throws ? "no such certificate" : "is not accepted";
        BOOST_TEST(text_of(s.server).find(words) != std::string::npos);
      }
    }
  }
}

// Also where OpenSSL finds the chain bad, and goes on all the same.
BOOST_AUTO_TEST_CASE(server_that_a_client_refuses_without_verification_gets_nothing_of_it) {
  for (int const minor : {2, 3}) {
    for (bool const is_trusted : {false, true}) {
      for (auto const* const host : {"localhost", "other.test"}) {
        auto server = server_of_tls_1(minor, true);
        auto client = client_with(identity_kind::client);
        if (!is_trusted) {
          client = tls_async::context(tls_async::context::role::client);
          client.use_certificate_chain(client_identity().certificate_chain);
          client.use_private_key(client_identity().private_key);
        }
        client.insecure_skip_verification();
        memory_session s({}, client, server);
        waiting_hook<peer_certificates> hook;
        hooks asking;
        asking.peer = hook.hook();
        both ends;
        tls_handshake(s.client, as_client{host, 0, asking}, ends.client.token());
        tls_handshake(s.server, as_server{}, ends.server.token());
        s.settle();
        BOOST_REQUIRE_EQUAL(hook.count(), 1);
        BOOST_TEST(!hook.last().empty());
        hook.answer(verdict::refuse("unknown to us"));
        s.settle();
        BOOST_TEST(ends.client.done);
        BOOST_TEST(ends.client.ec == errc::refused);
        BOOST_REQUIRE(ends.server.done);
        BOOST_TEST(ends.server.ec.failed());
        BOOST_TEST(SSL_get0_peer_certificate(s.server.native_handle()) == nullptr);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(client_that_skips_verification_goes_on_when_its_hook_agrees) {
  for (int const minor : {2, 3}) {
    auto server = server_of_tls_1(minor);
    tls_async::context client(tls_async::context::role::client);
    client.insecure_skip_verification();
    memory_session s({}, client, server);
    both ends;
    begin(s, ends, {}, {.peer = [](auto const&) { return verdict(); }});
    BOOST_REQUIRE((ends.client.done && ends.server.done));
    BOOST_TEST(ends.client.ec == tls_async::error_code());
    BOOST_TEST(ends.server.ec == tls_async::error_code());
    BOOST_TEST(works(s));
  }
}

// OpenSSL keeps a session in the cache of the SSL_CTX that it was made with.
BOOST_AUTO_TEST_CASE(client_that_is_refused_is_in_no_cache) {
  boost::asio::ssl::context first(boost::asio::ssl::context::tlsv12_server);
  use_identity(first.native_handle(), server_identity());
  boost::asio::ssl::context second(boost::asio::ssl::context::tlsv12_server);
  use_identity(second.native_handle(), server_identity());
  SSL_CTX_set_options(first.native_handle(), SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(first.native_handle(), SSL_SESS_CACHE_SERVER);
  SSL_CTX_set_tlsext_servername_arg(first.native_handle(), second.native_handle());
  SSL_CTX_set_tlsext_servername_callback(
      first.native_handle(), +[](SSL* ssl, int*, void* other) {
        return SSL_set_SSL_CTX(ssl, static_cast<SSL_CTX*>(other)) != nullptr
                   ? SSL_TLSEXT_ERR_OK
                   : SSL_TLSEXT_ERR_ALERT_FATAL;
      });
  boost::asio::io_context io;
  auto link = memory_stream::make(io.get_executor());
  memory_tls client(std::move(link.first), trusting_client());
  memory_tls server(std::move(link.second), first);
  waiting_hook<peer_certificates> hook;
  hooks asking;
  asking.peer = hook.hook();
  both ends;
  tls_handshake(client, as_client{"localhost"}, ends.client.token());
  tls_handshake(server, as_server{asking}, ends.server.token());
  settle(io);
  BOOST_REQUIRE_EQUAL(hook.count(), 1);
  BOOST_TEST(SSL_CTX_sess_number(first.native_handle()) == 1);
  hook.answer(verdict::refuse("not on the list"));
  settle(io);
  BOOST_TEST(ends.server.ec == errc::refused);
  BOOST_TEST(SSL_CTX_sess_number(first.native_handle()) == 0);
}

BOOST_AUTO_TEST_CASE(name_in_another_spelling_is_resumed) {
  for (int const minor : {2, 3}) {
    tls_async::context server(tls_async::context::role::server);
    server.use_identities(of_kind(identity_kind::server));
    auto client = client_of_tls_1(minor);
    for (auto const* const host : {"Example.test", "example.test"}) {
      memory_session s({}, client, server);
      hooks asking;
      asking.client_hello = [](auto const&) { return verdict(); };
      both ends;
      tls_handshake(s.client, as_client{host, 443}, ends.client.token());
      tls_handshake(s.server, as_server{asking}, ends.server.token());
      s.settle();
      BOOST_REQUIRE((ends.client.done && ends.server.done));
      BOOST_TEST(ends.client.ec == tls_async::error_code());
      BOOST_TEST(ends.server.ec == tls_async::error_code());
      bool const is_second = host[0] == 'e';
      BOOST_TEST((SSL_session_reused(s.client.native_handle()) == 1) == is_second);
      BOOST_TEST(works(s));
      ending ended;
      tls_shutdown(s.client, ended.token());
      s.settle();
    }
  }
}

BOOST_AUTO_TEST_CASE(client_that_is_refused_gets_no_ticket) {
  for (int const minor : {2, 3}) {
    auto server = server_of_tls_1(minor);
    memory_session s({}, trusting_client(), server);
    both ends;
    begin(s, ends, {.peer = [](auto const&) { return verdict::refuse("not on the list"); }});
    sink read;
    keep_reading(s.client, read);
    s.settle();
    SSL_SESSION* const left = SSL_get_session(s.client.native_handle());
    BOOST_TEST((left == nullptr || SSL_SESSION_is_resumable(left) == 0));
  }
}

BOOST_AUTO_TEST_CASE(client_hello_is_refused_by_the_alert_that_was_chosen) {
  for (int const minor : {2, 3}) {
    auto server = server_of_tls_1(minor);
    memory_session s({}, trusting_client(), server);
    both ends;
    begin(s, ends, {.client_hello = [](client_hello const&) {
            return verdict::refuse("no more room", SSL_AD_USER_CANCELLED);
          }});
    BOOST_REQUIRE((ends.client.done && ends.server.done));
    BOOST_TEST(ends.server.ec == errc::refused);
    BOOST_TEST(ends.client.ec.failed());
    BOOST_TEST(text_of(s.server).find("a hook refused the ClientHello: no more room") !=
               std::string::npos);
    BOOST_REQUIRE(s.client.error_info().last_alert);
    BOOST_TEST(s.client.error_info().last_alert->number == SSL_AD_USER_CANCELLED);
  }
}

BOOST_AUTO_TEST_CASE(identities_that_a_hook_has_chosen_are_those_of_the_session) {
  for (int const minor : {2, 3}) {
    for (bool const in_hello : {false, true}) {
      auto server = server_of_tls_1(minor);
      memory_session s({}, trusting_client(), server);
      auto const rsa = of_kind(identity_kind::server_rsa);
      hooks given;
      if (in_hello) {
        given.client_hello = [&](client_hello const&) { return rsa.chosen(); };
      } else {
        given.certificate = [&](certificate_request const& asked) {
          BOOST_TEST(asked.host == "localhost");
          BOOST_TEST(asked.authorities.empty());
          return rsa.chosen();
        };
      }
      // Whose authority is another one.
      tls_async::context client(tls_async::context::role::client);
      client.trust(make_identity(identity_kind::server_rsa).authority);
      memory_session t({}, client, server);
      both ends;
      begin(t, ends, given);
      BOOST_REQUIRE((ends.client.done && ends.server.done));
      BOOST_TEST(ends.client.ec == tls_async::error_code());
      X509* const shown = SSL_get0_peer_certificate(t.client.native_handle());
      BOOST_REQUIRE(shown != nullptr);
      BOOST_TEST(EVP_PKEY_get_base_id(X509_get0_pubkey(shown)) == EVP_PKEY_RSA);
      BOOST_TEST(works(t));
    }
  }
}

BOOST_AUTO_TEST_CASE(client_chooses_its_certificate_by_the_authorities_that_are_named) {
  for (int const minor : {2, 3}) {
    auto server = server_of_tls_1(minor, true);
    memory_session s({}, trusting_client(), server);
    waiting_hook<certificate_request> hook;
    both ends;
    begin(s, ends, {}, {.certificate = hook.hook()});
    BOOST_REQUIRE_EQUAL(hook.count(), 1);
    BOOST_TEST(!ends.server.done);
    BOOST_TEST(hook.last().host == "localhost");
    BOOST_TEST(hook.last().authorities.size() == 1);
    hook.answer(of_kind(identity_kind::client).chosen());
    s.settle();
    BOOST_REQUIRE((ends.client.done && ends.server.done));
    BOOST_TEST(ends.client.ec == tls_async::error_code());
    BOOST_TEST(ends.server.ec == tls_async::error_code());
    BOOST_TEST(SSL_get0_peer_certificate(s.server.native_handle()) != nullptr);
    BOOST_TEST(works(s));
  }
}

BOOST_AUTO_TEST_CASE(client_asks_about_its_peer_before_it_says_more) {
  for (int const minor : {2, 3}) {
    for (bool const agrees : {false, true}) {
      auto server = server_of_tls_1(minor);
      memory_session s({}, trusting_client(), server);
      waiting_hook<peer_certificates> hook;
      both ends;
      begin(s, ends, {}, {.peer = hook.hook()});
      BOOST_REQUIRE_EQUAL(hook.count(), 1);
      BOOST_TEST((!ends.client.done && !ends.server.done));
      BOOST_REQUIRE(!hook.last().empty());
      BOOST_TEST(hook.last().subject(0) == "CN=tls_async test server");
      BOOST_TEST(hook.last().der(0).size() > 100);
      auto const sent = s.client_end().written().size();
      s.settle();
      BOOST_TEST(s.client_end().written().size() == sent);
      hook.answer(agrees ? verdict() : verdict::refuse("revoked\nyesterday"));
      s.settle();
      BOOST_REQUIRE((ends.client.done && ends.server.done));
      BOOST_TEST(hook.count() == 1);
      if (agrees) {
        BOOST_TEST(ends.client.ec == tls_async::error_code());
        BOOST_TEST(works(s));
      } else {
        BOOST_TEST(ends.client.ec == errc::refused);
        BOOST_TEST(ends.server.ec.failed());
        BOOST_TEST(text_of(s.client).find("a hook refused it: revoked\\0Ayesterday") !=
                   std::string::npos);
        BOOST_REQUIRE(s.server.error_info().last_alert);
        BOOST_TEST(!s.server.error_info().last_alert->sent);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(hook_is_not_asked_about_a_peer_that_is_not_trusted) {
  for (int const minor : {2, 3}) {
    auto server = server_of_tls_1(minor, true);
    auto client = client_with(identity_kind::untrusted);
    memory_session s({}, client, server);
    waiting_hook<peer_certificates> hook;
    both ends;
    begin(s, ends, {.peer = hook.hook()});
    BOOST_REQUIRE(ends.server.done);
    BOOST_TEST(ends.server.ec.failed());
    BOOST_TEST(hook.count() == 0);
  }
}

BOOST_AUTO_TEST_CASE(server_reads_nothing_before_the_hook_has_agreed_about_its_client) {
  for (int const minor : {2, 3}) {
    auto server = server_of_tls_1(minor, true);
    auto client = client_with(identity_kind::client);
    memory_session s({}, client, server);
    waiting_hook<peer_certificates> hook;
    both ends;
    begin(s, ends, {.peer = hook.hook()});
    BOOST_REQUIRE_EQUAL(hook.count(), 1);
    BOOST_TEST(!ends.server.done);
    BOOST_TEST(hook.last().size() >= 1);
    ending written, read;
    std::string const message = "too early";
    std::string got(100, '\0');
    tls_write(s.client, boost::asio::buffer(message), written.token());
    tls_read_some(s.server, boost::asio::buffer(got), read.token());
    s.settle();
    BOOST_TEST(!read.done);
    hook.answer();
    s.settle();
    BOOST_TEST(ends.server.done);
    BOOST_TEST(ends.server.ec == tls_async::error_code());
    BOOST_TEST(ends.client.ec == tls_async::error_code());
    BOOST_TEST(read.done);
    BOOST_TEST(got.substr(0, read.bytes) == message);
  }
}

BOOST_AUTO_TEST_CASE(server_tells_a_client_that_a_hook_refused_it) {
  for (int const minor : {2, 3}) {
    auto server = server_of_tls_1(minor, true);
    auto client = client_with(identity_kind::client);
    memory_session s({}, client, server);
    both ends;
    begin(s, ends,
          {.peer = [](peer_certificates const&) { return verdict::refuse("not on the list"); }});
    BOOST_REQUIRE((ends.client.done && ends.server.done));
    BOOST_TEST(ends.server.ec == errc::refused);
    BOOST_TEST(text_of(s.server).find("not on the list") != std::string::npos);
    // In TLS 1.3 a client's handshake is done before.
    BOOST_TEST(ends.client.ec.failed() == (minor == 2));
    sink read;
    keep_reading(s.client, read);
    s.settle();
    BOOST_TEST(read.ended);
    BOOST_TEST(read.plaintext.empty());
    BOOST_REQUIRE(s.client.error_info().last_alert);
    BOOST_TEST(s.client.error_info().last_alert->number == SSL_AD_ACCESS_DENIED);
    BOOST_TEST(s.client.error_info().last_alert->fatal);
  }
}

BOOST_AUTO_TEST_CASE(client_without_certificate_is_asked_about_too) {
  memory_session s;
  waiting_hook<peer_certificates> hook;
  both ends;
  begin(s, ends, {.peer = hook.hook()});
  BOOST_REQUIRE_EQUAL(hook.count(), 1);
  BOOST_TEST(hook.last().empty());
  hook.answer();
  s.settle();
  BOOST_TEST(ends.server.ec == tls_async::error_code());
  BOOST_TEST(works(s));
}

BOOST_AUTO_TEST_CASE(peer_of_a_resumed_session_is_asked_about) {
  for (int const minor : {2, 3}) {
    auto server = server_of_tls_1(minor, true);
    auto client = client_with(identity_kind::client);
    waiting_hook<peer_certificates> at_server, at_client;
    for (int const visit : {1, 2}) {
      memory_session s({}, client, server);
      both ends;
      hooks of_client, of_server;
      of_client.peer = at_client.hook();
      of_server.peer = at_server.hook();
      tls_handshake(s.client, as_client{"localhost", 443, of_client}, ends.client.token());
      tls_handshake(s.server, as_server{of_server}, ends.server.token());
      for (int turn = 0; turn != 4; ++turn) {
        s.settle();
        if (at_client.count() == static_cast<unsigned>(visit) && !ends.client.done && turn < 2)
          at_client.answer();
        s.settle();
        if (at_server.count() == static_cast<unsigned>(visit) && !ends.server.done)
          at_server.answer();
      }
      s.settle();
      BOOST_REQUIRE((ends.client.done && ends.server.done));
      BOOST_TEST(ends.client.ec == tls_async::error_code());
      BOOST_TEST(ends.server.ec == tls_async::error_code());
      BOOST_TEST(at_server.count() == static_cast<unsigned>(visit));
      BOOST_TEST(at_client.count() == static_cast<unsigned>(visit));
      BOOST_TEST((SSL_session_reused(s.client.native_handle()) == 1) == (visit == 2));
      BOOST_TEST(!at_server.last().empty());
      BOOST_TEST(works(s));
      ending answered, got, ended;
      char place = 0;
      tls_write(s.server, std::string("with tickets"), answered.token());
      tls_read_some(s.client, boost::asio::buffer(&place, 1), got.token());
      s.settle();
      BOOST_TEST(got.done);
      tls_shutdown(s.client, ended.token());
      s.settle();
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

// How a hook is given, and how it ends.
BOOST_AUTO_TEST_SUITE(hook_functions)

namespace {

/// All ways in which one can be asked about.
enum class asked {
  hello,
  certificate,
  certificate_of_client,
  peer_of_server,
  peer_of_client,
  signature_of_server,
  signature_of_client
};
constexpr std::array all_asked{asked::hello,
                               asked::certificate,
                               asked::certificate_of_client,
                               asked::peer_of_server,
                               asked::peer_of_client,
#ifndef WITHOUT_JOBS
                               asked::signature_of_server,
                               asked::signature_of_client
#endif
};

/// Goes on; where a signature is wanted, by one of the right key.
verdict agreed(auto const&) { return {}; }
verdict agreed(signature_request const& asked) { return signed_by_its_key(asked); }

/// Handshakes of TLS 1.`minor` in which one hook is asked, which calls `answers` (anything that can
/// be given as a hook of any question).
struct trial {
  template <class F>
  trial(asked which, int minor, F answers)
      : server_context(which == asked::signature_of_server ? keyless_server(minor)
                                                           : server_of_tls_1(minor, true)),
        client_context(client_with(identity_kind::client)),
        session(std::in_place, tls_async::stream_options(), client_context, server_context),
        is_server(which == asked::hello || which == asked::certificate ||
                  which == asked::peer_of_server || which == asked::signature_of_server) {
    hooks given;
    if (which == asked::hello) given.client_hello = answers;
    if (which == asked::certificate || which == asked::certificate_of_client)
      given.certificate = answers;
    if (which == asked::peer_of_client || which == asked::peer_of_server) given.peer = answers;
    if (which == asked::signature_of_server || which == asked::signature_of_client)
      given.signature = answers;
    if (which == asked::signature_of_client) {
      given.certificate = [](certificate_request const&) {
        return keyless(identity_kind::client).chosen();
      };
    }
    (is_server ? of_server : of_client) = given;
  }
  void begin() { ::begin(*session, ends, of_server, of_client); }
  /// The handshake of the side that asks, with a limit and a token, or a token alone.
  template <class... More>
  void start(More&&... more) {
    if (is_server) {
      tls_handshake(session->server, as_server{of_server}, std::forward<More>(more)...);
    } else {
      tls_handshake(session->client, as_client{"localhost", 0, of_client},
                    std::forward<More>(more)...);
    }
  }
  void start_other() {
    if (is_server) {
      tls_handshake(session->client, as_client{"localhost"}, ends.client.token());
    } else {
      tls_handshake(session->server, as_server{}, ends.server.token());
    }
  }
  memory_tls& own() { return is_server ? session->server : session->client; }
  ending& end() { return is_server ? ends.server : ends.client; }

  tls_async::context server_context, client_context;
  std::optional<memory_session> session;
  bool is_server;
  hooks of_server, of_client;
  both ends;
};

template <class Body>
void for_all(Body body) {
  for (int const minor : {2, 3}) {
    for (auto const which : all_asked) {
      BOOST_TEST_CONTEXT("TLS 1." << minor << ", question " << static_cast<int>(which))
      body(which, minor);
    }
  }
}

struct held_answers {
  std::vector<hook_answer> all;
  std::vector<verdict> agreements;  // what each of them would say
};

}  // namespace

BOOST_AUTO_TEST_CASE(are_plain_coroutines_operations_or_initiations) {
  for_all([](asked which, int minor) {
    int called = 0;
    auto const check = [&](auto function) {
      trial t(which, minor, function);
      t.begin();
      BOOST_REQUIRE((t.ends.client.done && t.ends.server.done));
      BOOST_TEST(t.end().ec == tls_async::error_code());
      BOOST_TEST(works(*t.session));
    };
    check([&](auto const& question) {
      ++called;
      return agreed(question);
    });
    check([&](auto const& question) -> boost::asio::awaitable<verdict> {
      auto const here = co_await boost::asio::this_coro::executor;
      co_await boost::asio::post(here, boost::asio::use_awaitable);
      ++called;
      co_return agreed(question);
    });
    check([&](auto const& question) {
      ++called;
      return boost::asio::async_initiate<boost::asio::deferred_t const, void(verdict)>(
          [decided = agreed(question)](auto handler) {
            auto const executor = boost::asio::get_associated_executor(handler);
            boost::asio::post(executor,
                              [decided, h = std::move(handler)]() mutable { h(decided); });
          },
          boost::asio::deferred);
    });
    check([&](auto const& question, hook_answer answer) {
      ++called;
      answer(tls_async::error_code(), agreed(question));
    });
    BOOST_TEST(called == 4);
  });
}

BOOST_AUTO_TEST_CASE(that_throw_refuse_the_handshake_with_their_words) {
  for_all([](asked which, int minor) {
    auto const check = [&](auto function) {
      trial t(which, minor, function);
      t.begin();
      BOOST_REQUIRE(t.end().done);
      BOOST_TEST(t.end().ec == errc::refused);
      BOOST_TEST(text_of(t.own()).find("the database is down") != std::string::npos);
    };
    check([](auto const&) -> verdict { throw std::runtime_error("the database is down"); });
    check([](auto const&) -> boost::asio::awaitable<verdict> {
      throw std::runtime_error("the database is down");
      co_return verdict();
    });
    check([](auto const&, hook_answer answer) {
      answer(std::make_exception_ptr(std::runtime_error("the database is down")), verdict());
    });
    check([](auto const&, hook_answer) { throw std::runtime_error("the database is down"); });
  });
}

BOOST_AUTO_TEST_CASE(that_drop_their_answer_refuse_the_handshake) {
  for_all([](asked which, int minor) {
    trial t(which, minor, [](auto const&, hook_answer) {});
    t.begin();
    BOOST_REQUIRE(t.end().done);
    BOOST_TEST(t.end().ec == errc::refused);
    BOOST_TEST(text_of(t.own()).find("no answer") != std::string::npos);
  });
}

BOOST_AUTO_TEST_CASE(that_do_not_answer_in_time_are_told_so_and_asked_again) {
  for_all([](asked which, int minor) {
    held_answers held;
    int told = 0;
    trial t(which, minor, [&](auto const& question, hook_answer answer) {
      auto slot = answer.get_cancellation_slot();
      slot.assign([&](boost::asio::cancellation_type) { ++told; });
      held.agreements.push_back(agreed(question));
      held.all.push_back(std::move(answer));
    });
    auto& s = *t.session;
    t.start_other();
    t.start(5s, t.end().token());
    s.settle();
    BOOST_REQUIRE_EQUAL(held.all.size(), 1);
    s.pass(6s);
    BOOST_REQUIRE(t.end().done);
    BOOST_TEST(t.end().ec == tls_async::error_code(boost::asio::error::timed_out));
    BOOST_TEST(text_of(t.own()).find("a hook of this program") != std::string::npos);
    BOOST_TEST(told == 1);
    // Too late, and nothing happens.
    held.all.front()(verdict());
    s.settle();
    t.end() = {};
    t.start(t.end().token());
    s.settle();
    BOOST_REQUIRE_EQUAL(held.all.size(), 2);
    BOOST_TEST(!t.end().done);
    held.all.back()(held.agreements.back());
    s.settle();
    BOOST_REQUIRE((t.ends.client.done && t.ends.server.done));
    BOOST_TEST(t.end().ec == tls_async::error_code());
    BOOST_TEST(works(s));
  });
}

BOOST_AUTO_TEST_CASE(are_ended_with_a_handshake_that_is_cancelled) {
  for_all([](asked which, int minor) {
    bool ended = false;
    trial t(which, minor, [&](auto const&) -> boost::asio::awaitable<verdict> {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
      timer.expires_at(std::chrono::steady_clock::time_point::max());
      struct at_end {
        bool& to;
        ~at_end() { to = true; }
      } const guard{ended};
      co_await timer.async_wait(boost::asio::use_awaitable);
      co_return verdict();
    });
    boost::asio::cancellation_signal cancel;
    auto& s = *t.session;
    t.start_other();
    t.start(boost::asio::bind_cancellation_slot(cancel.slot(), t.end().token()));
    s.settle();
    BOOST_TEST((!t.end().done && !ended));
    cancel.emit(boost::asio::cancellation_type::terminal);
    s.settle();
    BOOST_TEST(t.end().done);
    BOOST_TEST(t.end().ec == tls_async::error_code(boost::asio::error::operation_aborted));
    BOOST_TEST(ended);
  });
}

BOOST_AUTO_TEST_CASE(that_outlive_their_stream_touch_nothing_of_it) {
  for_all([](asked which, int minor) {
    held_answers held;
    int told = 0;
    trial t(which, minor, [&](auto const& question, hook_answer answer) {
      auto slot = answer.get_cancellation_slot();
      slot.assign([&](boost::asio::cancellation_type) { ++told; });
      held.agreements.push_back(agreed(question));
      held.all.push_back(std::move(answer));
    });
    t.begin();
    BOOST_REQUIRE_EQUAL(held.all.size(), 1);
    boost::asio::io_context& io = t.session->io;
    { memory_tls const gone = std::move(t.own()); }
    settle(io);
    BOOST_TEST(told == 1);
    held.all.front()(verdict::refuse("too late"));
    held.all.clear();
    settle(io);
    BOOST_TEST(t.end().done);
    BOOST_TEST(t.end().ec == tls_async::error_code(boost::asio::error::operation_aborted));
  });
}

BOOST_AUTO_TEST_CASE(may_be_in_progress_when_the_io_context_is_destroyed) {
  using timer_type = boost::asio::steady_timer;
  for_all([](asked which, int minor) {
    trial coroutine(which, minor, [](auto const&) -> boost::asio::awaitable<verdict> {
      timer_type timer(co_await boost::asio::this_coro::executor, timer_type::time_point::max());
      co_await timer.async_wait(boost::asio::use_awaitable);
      co_return verdict();
    });
    coroutine.begin();
    BOOST_TEST(!coroutine.end().done);
    trial handler(which, minor, [](auto const&, hook_answer answer) {
      auto const timer =
          std::make_shared<timer_type>(answer.get_executor(), timer_type::time_point::max());
      timer->async_wait([timer, answer = std::move(answer)](auto) {});
    });
    handler.begin();
    BOOST_TEST(!handler.end().done);
  });
}

// The hook owns the stream, and the stream what asks: nobody but the event loop ends that.
BOOST_AUTO_TEST_CASE(that_own_their_stream_end_with_the_io_context) {
  for (bool const is_coroutine : {false, true}) {
    std::weak_ptr<memory_tls> watched;
    {
      boost::asio::io_context io;
      auto link = memory_stream::make(io.get_executor());
      memory_tls client(std::move(link.first), trusting_client());
      auto const owned = std::make_shared<memory_tls>(std::move(link.second), known_server());
      watched = owned;
      hooks asking;
      if (is_coroutine) {
        asking.client_hello = [owned](auto const&) -> boost::asio::awaitable<verdict> {
          boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                          boost::asio::steady_timer::time_point::max());
          co_await timer.async_wait(boost::asio::use_awaitable);
          co_return verdict();
        };
      } else {
        asking.client_hello = [owned](auto const&, hook_answer answer) {
          auto const timer = std::make_shared<boost::asio::steady_timer>(
              answer.get_executor(), boost::asio::steady_timer::time_point::max());
          timer->async_wait([timer, answer = std::move(answer)](auto) {});
        };
      }
      ending of_client, of_server;
      tls_handshake(client, as_client{"localhost"}, of_client.token());
      tls_handshake(*owned, as_server{asking}, tls_async::time_limit::none(), of_server.token());
      settle(io);
      BOOST_TEST(!of_server.done);
    }
    BOOST_TEST(watched.expired());
  }
}

BOOST_AUTO_TEST_CASE(answer_once_from_whichever_thread) {
  for_all([](asked which, int minor) {
    held_answers held;
    trial t(which, minor, [&](auto const& question, hook_answer answer) {
      held.agreements.push_back(agreed(question));
      held.all.push_back(std::move(answer));
    });
    t.begin();
    BOOST_REQUIRE_EQUAL(held.all.size(), 1);
    auto const sent =
        t.session->client_end().written().size() + t.session->server_end().written().size();
    std::thread other([&] { held.all.front()(held.agreements.front()); });
    other.join();
    // What follows is done on the stream's executor.
    BOOST_TEST(!t.end().done);
    BOOST_TEST(t.session->client_end().written().size() +
                   t.session->server_end().written().size() ==
               sent);
    t.session->settle();
    BOOST_TEST(t.end().done);
    BOOST_TEST(t.end().ec == tls_async::error_code());
    held.all.front()(verdict::refuse("changed my mind"));
    t.session->settle();
    BOOST_TEST(works(*t.session));
  });
}

BOOST_AUTO_TEST_CASE(belong_to_the_session_from_its_first_handshake_on) {
  for_all([](asked which, int minor) {
    held_answers held;
    trial t(which, minor, [&](auto const& question, hook_answer answer) {
      held.agreements.push_back(agreed(question));
      held.all.push_back(std::move(answer));
    });
    auto& s = *t.session;
    boost::asio::cancellation_signal cancel;
    t.start_other();
    t.start(boost::asio::bind_cancellation_slot(cancel.slot(), t.end().token()));
    s.settle();
    cancel.emit(boost::asio::cancellation_type::terminal);
    s.settle();
    BOOST_REQUIRE(t.end().done);
    ending without;
    if (t.is_server) {
      tls_handshake(s.server, as_server{}, without.token());
    } else {
      tls_handshake(s.client, as_client{"localhost"}, without.token());
    }
    s.settle();
    BOOST_TEST(without.done);
    BOOST_TEST(without.ec == errc::bad_option);
    // Nor does a verb negotiate by itself.
    ending read;
    std::string place(10, '\0');
    tls_read_some(t.own(), boost::asio::buffer(place), read.token());
    s.settle();
    BOOST_TEST(read.done);
    BOOST_TEST(read.ec == errc::handshake_not_done);
    // What the stream has taken over goes when there is a session.
    BOOST_TEST(!tls_try_write(t.own(), boost::asio::buffer("kept", 4)));
    s.settle();
    t.end() = {};
    t.start(t.end().token());
    s.settle();
    BOOST_REQUIRE_EQUAL(held.all.size(), 2);
    held.all.back()(held.agreements.back());
    sink other;
    keep_reading(t.is_server ? s.client : s.server, other);
    s.settle();
    BOOST_TEST(t.end().done);
    BOOST_TEST(t.end().ec == tls_async::error_code());
    BOOST_TEST(other.plaintext == "kept");
    held.all.clear();  // of the first question too, while there is an io_context
  });
}

BOOST_AUTO_TEST_CASE(of_200_handshakes_wait_side_by_side_and_others_go_on) {
  for_all([](asked which, int minor) {
    boost::asio::io_context io{1};
    int asked_now = 0;
    auto const slow = [&asked_now](auto const& question) -> boost::asio::awaitable<verdict> {
      ++asked_now;
      boost::asio::basic_waitable_timer<virtual_clock> timer(
          co_await boost::asio::this_coro::executor);
      timer.expires_after(50ms);
      co_await timer.async_wait(boost::asio::use_awaitable);
      co_return agreed(question);
    };
    trial of_hooks(which, minor, slow);
    connected_session echo;
    struct connection {
      connection(std::pair<memory_stream, memory_stream> link, tls_async::context& c,
                 tls_async::context& s)
          : client(std::move(link.first), c), server(std::move(link.second), s) {}
      memory_tls client, server;
      both ends;
    };
    std::vector<std::unique_ptr<connection>> all;
    for (int i = 0; i != 200; ++i) {
      all.push_back(std::make_unique<connection>(memory_stream::make(io.get_executor()),
                                                 of_hooks.client_context, of_hooks.server_context));
      auto& c = *all.back();
      tls_handshake(c.client, as_client{"localhost", 0, of_hooks.of_client}, c.ends.client.token());
      tls_handshake(c.server, as_server{of_hooks.of_server}, c.ends.server.token());
    }
    auto const done = [&all] {
      return std::count_if(all.begin(), all.end(), [](auto const& each) {
        return each->ends.client.done && each->ends.server.done;
      });
    };
    settle(io);
    BOOST_TEST(asked_now == 200);
    BOOST_TEST(done() == 0);
    BOOST_TEST(works(echo));
    pass(io, 49ms);
    BOOST_TEST(done() == 0);
    pass(io, 1ms);
    BOOST_TEST(done() == 200);
    for (auto const& each : all) {
      BOOST_TEST(!each->ends.client.ec);
      BOOST_TEST(!each->ends.server.ec);
    }
  });
}

BOOST_AUTO_TEST_CASE(of_a_side_that_has_no_such_question_are_refused) {
  auto const agrees = [](auto const&) { return verdict(); };
  {
    memory_session s;
    ending client;
    hooks asking;
    asking.client_hello = agrees;
    tls_handshake(s.client, as_client{"localhost", 0, asking}, client.token());
    s.settle();
    BOOST_TEST(client.done);
    BOOST_TEST(client.ec == errc::bad_option);
    BOOST_TEST(text_of(s.client).find("only a server") != std::string::npos);
  }
  {
    tls_async::stream_options options;
    options.allow_renegotiation = true;
    memory_session s(options);
    ending server;
    hooks asking;
    asking.peer = agrees;
    tls_handshake(s.server, as_server{asking}, server.token());
    s.settle();
    BOOST_TEST(server.done);
    BOOST_TEST(server.ec == errc::bad_option);
    // Nor does another verb negotiate without them.
    ending read;
    char place = 0;
    tls_read_some(s.server, boost::asio::buffer(&place, 1), read.token());
    s.settle();
    BOOST_TEST(read.done);
    BOOST_TEST(read.ec == errc::handshake_not_done);
  }
  {
    boost::asio::io_context io;
    boost::asio::ssl::context context(boost::asio::ssl::context::tls_server);
    auto link = memory_stream::make(io.get_executor());
    memory_tls server(std::move(link.first), context);
    ending end;
    hooks asking;
    asking.client_hello = agrees;
    tls_handshake(server, as_server{asking}, end.token());
    settle(io);
    BOOST_TEST(end.done);
    BOOST_TEST(end.ec == errc::bad_option);
    BOOST_TEST(text_of(server).find("needs a tls_async::context") != std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()
