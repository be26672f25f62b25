// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The control: the same lives on OpenSSL alone, whose leaks and crashes when its memory runs out
// are not ours.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include <tls_async_test/certificates.hpp>
#include <tls_async_test/tls_pair.hpp>
#include "contexts.hpp"
#include "script.hpp"
#include "support/openssl_version.hpp"

namespace tls_async::test::torture {
namespace {

void need(bool ok) {
  if (!ok) throw std::runtime_error("OpenSSL failed");
}

// All that `from` has sent, once it has gone over.
void pass_on(raw_session& from, raw_session& to, std::string& received) {
  while (move_ciphertext(from, to) != 0) {
    while (auto const given = to.read(received)) {
    }
  }
}

void talk(raw_session& client, raw_session& server, bool updates_keys) {
  for (int i = 0; i != 8; ++i) {
    client.handshake();
    move_ciphertext(client, server);
    server.handshake();
    move_ciphertext(server, client);
  }
  need(SSL_is_init_finished(client.ssl()) == 1 && SSL_is_init_finished(server.ssl()) == 1);
  std::string received;
  for (std::size_t const size : {1U, 1'000U, 16'384U}) {
    need(static_cast<bool>(client.write(numbered_plaintext(size))));
    pass_on(client, server, received);
    need(static_cast<bool>(server.write(numbered_plaintext(size))));
    pass_on(server, client, received);
  }
  if (updates_keys) {
    need(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
    client.handshake();
    pass_on(client, server, received);
    need(static_cast<bool>(server.write(numbered_plaintext(10))));
    pass_on(server, client, received);
  }
  client.shutdown();
  pass_on(client, server, received);
  server.shutdown();
  pass_on(server, client, received);
  need(SSL_get_shutdown(client.ssl()) == (SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN));
}

template <class Act>
outcome judged(Act act) {
  outcome found;
  try {
    armed const scope(true);
    act();
    found.is_complete = true;
  } catch (std::exception const&) {
    found.has_error = true;
  }
  ERR_clear_error();
  return found;
}

template <context_kind Kind, bool IsResumed>
outcome live_bare() {
  return judged([] {
    auto& contexts = contexts_of(Kind);
    constexpr ring_sizes rings{1 << 16, 1 << 16};
    raw_session client(contexts.client.native_handle(), role::client, rings);
    raw_session server(contexts.server.native_handle(), role::server, rings);
    need(SSL_set_tlsext_host_name(client.ssl(), "localhost") == 1);
    need(set_host(client.ssl(), "localhost"));
    if (IsResumed) {
      SSL_SESSION* const session = SSL_SESSION_dup(contexts.session.get());
      SSL_set_session(client.ssl(), session);
      SSL_SESSION_free(session);
    }
    talk(client, server, Kind != context_kind::tls12);
  });
}

struct store_free {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};

template <class Read>
auto read_pem(std::string const& pem, Read read) {
  bio_ptr const memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  need(memory != nullptr);
  std::unique_ptr<std::remove_pointer_t<decltype(read(memory.get(), nullptr, nullptr, nullptr))>,
                  store_free>
      made(read(memory.get(), nullptr, nullptr, nullptr));
  need(made != nullptr);
  return made;
}

// As the library does it, to find out what OpenSSL would offer.
void try_hello(SSL_CTX* context) {
  raw_session client(context, role::client);
  client.handshake();
}

outcome make_contexts() {
  return judged([] {
    for (auto const kind : {identity_kind::server, identity_kind::server_rsa}) {
      context_ptr const made(SSL_CTX_new(TLS_server_method()));
      need(made != nullptr);
      auto* const context = made.get();
      unsigned char id[32];
      need(RAND_bytes(id, sizeof id) == 1);
      need(SSL_CTX_set_session_id_context(context, id, sizeof id) == 1);
      need(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM") == 1);
      need(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1);
      need(SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1);
      auto const& identity = make_identity(kind);
      auto const certificate = read_pem(identity.certificate_chain, &PEM_read_bio_X509);
      auto const key = read_pem(identity.private_key, &PEM_read_bio_PrivateKey);
      need(SSL_CTX_use_cert_and_key(context, certificate.get(), key.get(), nullptr, 1) == 1);
      auto const authority = read_pem(identity.authority, &PEM_read_bio_X509);
      need(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) == 1);
      context_ptr const scratch(SSL_CTX_new(TLS_client_method()));
      need(scratch != nullptr);
      try_hello(scratch.get());
    }
  });
}

template <context_kind Kind>
void prepare() {
  (void)contexts_of(Kind);
}

}  // namespace

std::vector<script> control_scripts() {
  std::vector<kind> const memory{kind::openssl_memory};
  constexpr auto usual = context_kind::usual;
  constexpr auto tls12 = context_kind::tls12;
  constexpr auto certificate = context_kind::client_certificate;
  return {{"control:contexts", &make_contexts, [] {}, memory, true},
          {"control:tls13", &live_bare<usual, false>, &prepare<usual>, memory, true},
          {"control:tls12", &live_bare<tls12, false>, &prepare<tls12>, memory, true},
          {"control:resumed13", &live_bare<usual, true>, &prepare<usual>, memory, true},
          {"control:resumed12", &live_bare<tls12, true>, &prepare<tls12>, memory, true},
          {"control:client_certificate", &live_bare<certificate, false>, &prepare<certificate>,
           memory, true}};
}

}  // namespace tls_async::test::torture
