// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Contexts being made, setter by setter: one that throws has changed nothing, and succeeds when it
// is called again.
#include <tls_async/context.hpp>
#include <tls_async/error.hpp>
#include <tls_async/identities.hpp>

#include <boost/system/system_error.hpp>

#include <openssl/ssl.h>

#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <sstream>
#include <string>

#include <tls_async_test/certificates.hpp>
#include <tls_async_test/tls_pair.hpp>
#include "script.hpp"

namespace tls_async::test::torture {
namespace {

// What a setter that threw must have left as it was.
std::string settings_of(SSL_CTX* context) {
  std::ostringstream text;
  auto* const all = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(context));
  text << sk_X509_num(all) << " certificates trusted, suites";
  sk_X509_pop_free(all, X509_free);
  auto* const suites = SSL_CTX_get_ciphers(context);
  for (int i = 0; i < sk_SSL_CIPHER_num(suites); ++i)
    text << ' ' << SSL_CIPHER_get_name(sk_SSL_CIPHER_value(suites, i));
  text << ", verify mode " << SSL_CTX_get_verify_mode(context) << ", authorities "
       << sk_X509_NAME_num(SSL_CTX_get_client_CA_list(context)) << ", versions "
       << SSL_CTX_get_min_proto_version(context) << " to " << SSL_CTX_get_max_proto_version(context)
       << ", options " << SSL_CTX_get_options(context) << ", pairs";
  for (long move = SSL_CERT_SET_FIRST; SSL_CTX_set_current_cert(context, move) == 1;
       move = SSL_CERT_SET_NEXT) {
    text << ' ' << SSL_CTX_get0_certificate(context);
  }
  return text.str();
}

class maker {
public:
  explicit maker(outcome& found, context::role side) : found_(found) {
    attempt("the constructor", [&] { made_ = std::make_unique<context>(side); });
    if (!made_) made_ = std::make_unique<context>(side);
  }
  context& made() { return *made_; }

  /// `may_add`: what was trusted before memory ran out stays.
  template <class Set>
  void set(char const* name, Set setter, bool may_add = false) {
    auto const before = settings_of(made_->native_handle());
    if (attempt(name, [&] { setter(*made_); })) return;
    auto const after = settings_of(made_->native_handle());
    if (after != before && !may_add) {
      found_.complain(std::string(name) + " threw, and has changed something");
      if (trap::tells) std::cout << "before: " << before << "\nafter:  " << after << '\n';
    }
    try {
      setter(*made_);
    } catch (std::exception const& again) {
      found_.complain(std::string(name) +
                      " threw, and again where nothing failed: " + again.what());
    }
  }

private:
  template <class Act>
  bool attempt(char const* name, Act act) {
    bool is_done = false;
    try {
      armed const scope(true);
      act();
      is_done = true;
    } catch (std::bad_alloc const&) {
      found_.has_error = true;
    } catch (boost::system::system_error const&) {
      found_.has_error = true;
    }
    if (auto const errors = left_errors(); !errors.empty())
      found_.complain(std::string(name) + " left in OpenSSL's queue " + errors);
    return is_done;
  }

  outcome& found_;
  std::unique_ptr<context> made_;
};

void set_server(maker& server) {
  auto const& first = server_identity();
  auto const& rsa = make_identity(identity_kind::server_rsa);
  auto const& longer = make_identity(identity_kind::server_intermediate);
  server.set("use_certificate_chain",
             [&](context& c) { c.use_certificate_chain(rsa.certificate_chain); });
  server.set("use_private_key", [&](context& c) { c.use_private_key(rsa.private_key); });
  server.set("use_private_key of another pair",
             [&](context& c) { c.use_private_key(longer.private_key); });
  server.set("use_certificate_chain of another pair",
             [&](context& c) { c.use_certificate_chain(longer.certificate_chain); });
  server.set("add_identity",
             [&](context& c) { c.add_identity(first.certificate_chain, first.private_key); });
  server.set(
      "trust",
      [&](context& c) {
        c.trust(client_identity().authority + make_identity(identity_kind::untrusted).authority);
      },
      true);
  server.set("require_client_certificate", [](context& c) { c.require_client_certificate(); });
  server.set("request_client_certificate", [](context& c) { c.request_client_certificate(); });
  server.set("use_identities", [&](context& c) {
    identities all;
    all.add(first.certificate_chain, first.private_key);
    all.add(rsa.certificate_chain, rsa.private_key);
    c.use_identities(all);
  });
}

void set_both(maker& of_side) {
  of_side.set("alpn", [](context& c) { c.set_alpn({"h2", "http/1.1"}); });
  of_side.set("ciphers_tls12", [](context& c) { c.set_ciphers_tls12("ECDHE+AESGCM:!RSA"); });
  of_side.set("ciphersuites_tls13",
              [](context& c) { c.set_ciphersuites_tls13("TLS_AES_256_GCM_SHA384"); });
  of_side.set("groups", [](context& c) { c.set_groups("X25519:P-256"); });
  of_side.set("versions", [](context& c) {
    c.set_versions(context::version::tls1_2, context::version::tls1_3);
  });
}

outcome live_with_context() {
  outcome found;
  maker client(found, context::role::client), server(found, context::role::server);
  client.set("trust", [](context& c) { c.trust(server_identity().authority); });
  set_server(server);
  set_both(client);
  set_both(server);
  raw_session of_client(client.made().native_handle(), role::client, {1 << 16, 1 << 16});
  raw_session of_server(server.made().native_handle(), role::server, {1 << 16, 1 << 16});
  for (int i = 0; i != 4; ++i) {
    auto const client_says = of_client.handshake();
    move_ciphertext(of_client, of_server);
    auto const server_says = of_server.handshake();
    move_ciphertext(of_server, of_client);
    if (trap::tells) std::cout << "client " << client_says << "\nserver " << server_says << '\n';
  }
  if (SSL_is_init_finished(of_client.ssl()) != 1 || SSL_is_init_finished(of_server.ssl()) != 1)
    found.complain("the contexts that were made don't connect");
  found.is_complete = !found.has_error;
  return found;
}

}  // namespace

std::vector<script> context_scripts() {
  return {{"contexts",
           &live_with_context,
           [] {},
           {kind::our_memory, kind::openssl_memory, kind::openssl_call}}};
}

}  // namespace tls_async::test::torture
