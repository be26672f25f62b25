// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "contexts.hpp"

#include <tls_async_test/certificates.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

namespace tls_async::bench {
namespace {

SSL_CTX* make(role side, int protocol, bool counted) {
  SSL_CTX* const context =
      SSL_CTX_new(side == role::server ? TLS_server_method() : TLS_client_method());
  must(context != nullptr, "SSL_CTX_new");
  int const version = protocol == 12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  must(SSL_CTX_set_min_proto_version(context, version) == 1 &&
           SSL_CTX_set_max_proto_version(context, version) == 1 &&
           SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256") == 1 &&
           // P-256 is for the certificate of TLS 1.2; the keys are shared by X25519.
           SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1,
       "protocol, cipher and group");
  // Sessions live in tickets. The cache would only add a lock and memory, the same for all.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // From OpenSSL 3.2 on keys that come while there is no callback never ask for one.
  if (counted)
    SSL_CTX_set_msg_callback(context, [](int, int, int, void const*, std::size_t, SSL*, void*) {});
  if (side == role::server) {
    auto const& identity = test::server_identity();
    using bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
    bio const chain(BIO_new_mem_buf(identity.certificate_chain.data(),
                                    static_cast<int>(identity.certificate_chain.size())),
                    BIO_free);
    std::unique_ptr<X509, decltype(&X509_free)> const leaf(
        PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr), X509_free);
    bio const pem(
        BIO_new_mem_buf(identity.private_key.data(), static_cast<int>(identity.private_key.size())),
        BIO_free);
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key(
        PEM_read_bio_PrivateKey(pem.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    must(SSL_CTX_use_certificate(context, leaf.get()) == 1 &&
             SSL_CTX_use_PrivateKey(context, key.get()) == 1,
         "certificate and key");
  }
  return context;
}

}  // namespace

void must(bool ok, char const* what) {
  if (ok) return;
  char words[256] = "no more is known";
  if (unsigned long const error = ERR_get_error()) ERR_error_string_n(error, words, sizeof(words));
  ERR_clear_error();
  throw std::runtime_error(std::string(what) + ": " + words);
}

SSL_CTX* context_of(role side, int protocol, bool counted) {
  static auto const all = [] {
    std::map<std::tuple<role, int, bool>, SSL_CTX*> made;
    for (role const one : {role::client, role::server})
      for (int const version : {12, 13})
        for (bool const with_callback : {false, true})
          made[{one, version, with_callback}] = make(one, version, with_callback);
    return made;
  }();
  return all.at({side, protocol, counted});
}

void record_counter::count(SSL* session) {
  SSL_set_msg_callback(
      session, [](int sealing, int, int type, void const*, std::size_t, SSL*, void* counter) {
        if (type != SSL3_RT_HEADER) return;
        auto& self = *static_cast<record_counter*>(counter);
        ++(sealing != 0 ? self.sealed : self.opened);
      });
  SSL_set_msg_callback_arg(session, this);
}

}  // namespace tls_async::bench
