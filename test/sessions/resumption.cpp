// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the tests of tickets share.
#include "resumption.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/err.h>
#include <openssl/x509.h>

#include <array>
#include <stdexcept>

namespace tls_async::test {
namespace {

int keep(SSL* ssl, SSL_SESSION* session) {
  auto& all = *static_cast<std::vector<saved_ptr>*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  // A copy: OpenSSL spoils the original when the session ends without close_notify.
  all.emplace_back(SSL_SESSION_dup(session));
  return 0;
}

std::string subject_of(X509* certificate) {
  if (certificate == nullptr) return {};
  std::array<char, 256> text{};
  X509_NAME_oneline(X509_get_subject_name(certificate), text.data(), text.size());
  return text.data();
}

}  // namespace

client::client(int version, bool has_certificate)
    : context_(
          make_context(role::client, {.version = version, .client_certificate = has_certificate})) {
  SSL_CTX_set_session_cache_mode(context_.get(),
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context_.get(), keep);
}

meeting client::meet(SSL_CTX* server, SSL_SESSION* offered) {
  got_.clear();
  SSL_CTX_set_app_data(context_.get(), &got_);
  raw_session ours(context_.get(), role::client);
  raw_session theirs(server, role::server);
  if (!name_.empty()) BOOST_REQUIRE_EQUAL(SSL_set_tlsext_host_name(ours.ssl(), name_.c_str()), 1);
  if (offered != nullptr) {
    saved_ptr const copy(SSL_SESSION_dup(offered));
    BOOST_REQUIRE_EQUAL(SSL_set_session(ours.ssl(), copy.get()), 1);
  }
  meeting was;
  std::string nothing;
  for (std::size_t moved = 1; moved != 0;) {
    SSL_is_init_finished(ours.ssl()) == 0 ? ours.handshake() : ours.read(nothing);
    moved = move_ciphertext(ours, theirs);
    auto const answered =
        SSL_is_init_finished(theirs.ssl()) == 0 ? theirs.handshake() : theirs.read(nothing);
    if (!answered && answered.error != SSL_ERROR_WANT_READ && was.server_alert == 0)
      was.server_alert = answered.error;
    BOOST_REQUIRE_EQUAL(ERR_peek_error(), 0U);
    moved += move_ciphertext(theirs, ours);
  }
  was.completed = SSL_is_init_finished(ours.ssl()) == 1 && SSL_is_init_finished(theirs.ssl()) == 1;
  was.resumed = was.completed && SSL_session_reused(theirs.ssl()) == 1;
  BOOST_TEST(was.resumed == (was.completed && SSL_session_reused(ours.ssl()) == 1));
  was.client_subject = subject_of(SSL_get0_peer_certificate(theirs.ssl()));
  if (was.completed) {
    BOOST_TEST(SSL_get_verify_result(theirs.ssl()) == X509_V_OK);
    // Or the session is lost (SSL_free(3)).
    ours.shutdown();
    theirs.shutdown();
    // Of a new ticket for a session of TLS 1.2 that was resumed OpenSSL tells nobody.
    SSL_SESSION* const now = SSL_get_session(ours.ssl());
    if (was.resumed && got_.empty() && ticket_of(now) != ticket_of(offered))
      got_.emplace_back(SSL_SESSION_dup(now));
  }
  was.new_tickets = got_.size();
  return was;
}

saved_ptr client::last() const {
  return saved_ptr(got_.empty() ? nullptr : SSL_SESSION_dup(got_.back().get()));
}

context server_of_tests() {
  context made(context::role::server);
  made.use_certificate_chain(server_identity().certificate_chain);
  made.use_private_key(server_identity().private_key);
  return made;
}

saved_ptr ticket_after_authentication(context& server, identity const& own, SSL_verify_cb accept,
                                      bool set_back) {
  auto const handle = make_context(role::client, {.version = TLS1_3_VERSION});
  use_identity(handle.get(), own);
  SSL_CTX_set_post_handshake_auth(handle.get(), 1);
  raw_session ours(handle.get(), role::client);
  raw_session theirs(server.native_handle(), role::server);
  auto const run = [&] {
    for (std::size_t moved = 1; moved != 0;) {
      ours.handshake();
      moved = move_ciphertext(ours, theirs);
      theirs.handshake();
      moved += move_ciphertext(theirs, ours);
    }
  };
  auto const read_all = [&] {
    for (int i = 0; i != 3; ++i) {
      std::string nothing;
      ours.read(nothing);
      move_ciphertext(ours, theirs);
      theirs.read(nothing);
      move_ciphertext(theirs, ours);
    }
  };
  run();
  read_all();
  SSL_set_verify(theirs.ssl(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept);
  BOOST_TEST_REQUIRE(SSL_verify_client_post_handshake(theirs.ssl()) == 1);
  run();
  if (set_back) SSL_set_verify(theirs.ssl(), SSL_VERIFY_NONE, nullptr);
  read_all();
  ERR_clear_error();
  BOOST_TEST_REQUIRE(SSL_get0_peer_certificate(theirs.ssl()) != nullptr);
  // A copy, as above.
  saved_ptr ticket(SSL_SESSION_dup(SSL_get_session(ours.ssl())));
  BOOST_TEST_REQUIRE(SSL_SESSION_has_ticket(ticket.get()) == 1);
  BOOST_TEST_REQUIRE(SSL_SESSION_is_resumable(ticket.get()) == 1);
  return ticket;
}

std::string ticket_of(SSL_SESSION* session) {
  unsigned char const* ticket = nullptr;
  std::size_t length = 0;
  SSL_SESSION_get0_ticket(session, &ticket, &length);
  return {reinterpret_cast<char const*>(ticket), length};
}

// OpenSSL has no call that sets a ticket: the old one is looked for in the session's DER.
saved_ptr with_ticket(SSL_SESSION* session, std::string const& ticket) {
  std::string der(static_cast<std::size_t>(i2d_SSL_SESSION(session, nullptr)), '\0');
  auto* to = reinterpret_cast<unsigned char*>(der.data());
  i2d_SSL_SESSION(session, &to);
  auto const old = ticket_of(session);
  auto const at = der.find(old);
  if (at == std::string::npos || old.size() != ticket.size())
    throw std::runtime_error("only a ticket of the same length");
  der.replace(at, old.size(), ticket);
  auto const* from = reinterpret_cast<unsigned char const*>(der.data());
  return saved_ptr(d2i_SSL_SESSION(nullptr, &from, static_cast<long>(der.size())));
}

}  // namespace tls_async::test
