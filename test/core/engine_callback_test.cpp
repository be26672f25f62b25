// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Callbacks of the application that leave errors in OpenSSL's queue, as a loop over the blocks of a
// PEM file does at its end: no call that went well fails by them, and none is left behind.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <algorithm>
#include <ostream>
#include <string_view>

#include "engine_pair.hpp"

#include <openssl/core_names.h>
#include <openssl/pem.h>

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

int calls = 0;

// One of this library, or one of the system.
void leave_errors() {
  if (++calls % 2 == 0) {
    BOOST_TEST(BIO_new_file("/no such file", "r") == nullptr);
  } else {
    auto const nothing = bio_ptr(BIO_new_mem_buf("", 0));
    BOOST_TEST(PEM_read_bio_X509(nothing.get(), nullptr, nullptr, nullptr) == nullptr);
  }
}

int mac_and_cipher(SSL*, unsigned char*, unsigned char*, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                   int is_new) {
  leave_errors();
  static std::array<unsigned char, 32> key{};
  std::array<OSSL_PARAM, 3> const parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.data(), key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
      OSSL_PARAM_construct_end()};
  EVP_MAC_CTX_set_params(mac, parameters.data());
  EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.data(), key.data(), is_new);
  return 1;
}

struct callback {
  char const* name;
  void (*set)(SSL_CTX* client, SSL_CTX* server);
};
std::ostream& operator<<(std::ostream& out, callback const& shown) { return out << shown.name; }

std::array const callbacks{
    callback{"servername",
             [](SSL_CTX*, SSL_CTX* server) {
               SSL_CTX_set_tlsext_servername_callback(
                   server, +[](SSL*, int*, void*) {
                     leave_errors();
                     return SSL_TLSEXT_ERR_OK;
                   });
             }},
    callback{"ALPN",
             [](SSL_CTX* client, SSL_CTX* server) {
               BOOST_REQUIRE_EQUAL(SSL_CTX_set_alpn_protos(
                                       client, reinterpret_cast<unsigned char const*>("\2h2"), 3),
                                   0);
               SSL_CTX_set_alpn_select_cb(
                   server,
                   [](SSL*, unsigned char const** chosen, unsigned char* length,
                      unsigned char const* offered, unsigned, void*) {
                     leave_errors();
                     *chosen = offered + 1;
                     *length = *offered;
                     return SSL_TLSEXT_ERR_OK;
                   },
                   nullptr);
             }},
    callback{"client hello",
             [](SSL_CTX*, SSL_CTX* server) {
               SSL_CTX_set_client_hello_cb(
                   server,
                   [](SSL*, int*, void*) {
                     leave_errors();
                     return SSL_CLIENT_HELLO_SUCCESS;
                   },
                   nullptr);
             }},
    callback{"certificate of the server",
             [](SSL_CTX*, SSL_CTX* server) {
               SSL_CTX_set_cert_cb(
                   server, [](SSL*, void*) { return leave_errors(), 1; }, nullptr);
             }},
    callback{"certificate of the client",
             [](SSL_CTX* client, SSL_CTX* server) {
               SSL_CTX_set_verify(server, SSL_VERIFY_PEER, nullptr);
               SSL_CTX_set_cert_cb(
                   client, [](SSL*, void*) { return leave_errors(), 1; }, nullptr);
             }},
    callback{"client certificate",
             [](SSL_CTX* client, SSL_CTX* server) {
               SSL_CTX_set_verify(server, SSL_VERIFY_PEER, nullptr);
               SSL_CTX_set_client_cert_cb(client, [](SSL*, X509**, EVP_PKEY**) {
                 leave_errors();
                 return 0;
               });
             }},
    callback{"verify",
             [](SSL_CTX* client, SSL_CTX*) {
               SSL_CTX_set_verify(client, SSL_VERIFY_PEER, [](int preverified, X509_STORE_CTX*) {
                 leave_errors();
                 return preverified;
               });
             }},
    callback{"certificate verify",
             [](SSL_CTX* client, SSL_CTX*) {
               SSL_CTX_set_cert_verify_callback(
                   client,
                   [](X509_STORE_CTX* chain, void*) {
                     int const verified = X509_verify_cert(chain);
                     leave_errors();
                     return verified;
                   },
                   nullptr);
             }},
    callback{"OCSP status",
             [](SSL_CTX* client, SSL_CTX* server) {
               SSL_CTX_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
               SSL_CTX_set_tlsext_status_cb(
                   server, +[](SSL*, void*) {
                     leave_errors();
                     return SSL_TLSEXT_ERR_NOACK;
                   });
             }},
    callback{"ticket key",
             [](SSL_CTX*, SSL_CTX* server) {
               SSL_CTX_set_tlsext_ticket_key_evp_cb(server, &mac_and_cipher);
             }},
    callback{"new session",
             [](SSL_CTX* client, SSL_CTX*) {
               SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
               SSL_CTX_sess_set_new_cb(client, [](SSL*, SSL_SESSION*) {
                 leave_errors();
                 return 0;
               });
             }},
    callback{"key log",
             [](SSL_CTX* client, SSL_CTX* server) {
               for (SSL_CTX* const context : {client, server})
                 SSL_CTX_set_keylog_callback(context,
                                             [](SSL const*, char const*) { leave_errors(); });
             }},
    callback{"information", [](SSL_CTX* client, SSL_CTX* server) {
               for (SSL_CTX* const context : {client, server})
                 SSL_CTX_set_info_callback(context, [](SSL const*, int, int) { leave_errors(); });
             }}};

BOOST_AUTO_TEST_SUITE(engine_callback)

BOOST_DATA_TEST_CASE(errors_that_a_callback_leaves_fail_no_session,
                     data::make(callbacks) * data::make({TLS1_2_VERSION, TLS1_3_VERSION}) *
                         data::make({everything, std::size_t{1}}),
                     asked, version, at_once) {
  auto const client = make_context(role::client, version_settings(version));
  auto const server = make_context(role::server, version_settings(version));
  asked.set(client.get(), server.get());
  engine_pair pair(client.get(), server.get());
  BOOST_REQUIRE(!pair.client.be_client_of("localhost"));
  calls = 0;
  pair.handshake(at_once);
  BOOST_TEST(calls != 0);
  BOOST_TEST(pair.client_step == step{});
  BOOST_TEST(pair.server_step == step{});
  BOOST_TEST(ERR_peek_error() == 0U);
  seal_all(pair.client, "and plaintext");
  BOOST_TEST(deliver_all(pair.client, pair.server) == "and plaintext");
  seal_all(pair.server, "both ways");
  want end{};
  BOOST_TEST(deliver_all(pair.server, pair.client, &end) == "both ways");
  BOOST_TEST(end == want::fill);
  BOOST_TEST(pair.server.close_notify() == step{});
  deliver_all(pair.server, pair.client, &end);
  BOOST_TEST(end == want::closed);
  BOOST_TEST(ERR_peek_error() == 0U);
  BOOST_TEST(pair.client.error_info().text() == "");
  BOOST_TEST(pair.server.error_info().text() == "");
}

// And a failure stays one.
BOOST_AUTO_TEST_CASE(failure_behind_errors_of_a_callback_is_told) {
  auto const client = make_context(role::client);
  auto const server = make_context(role::server, version_settings(TLS1_2_VERSION));
  SSL_CTX_set_client_hello_cb(
      server.get(), [](SSL*, int*, void*) { return leave_errors(), SSL_CLIENT_HELLO_SUCCESS; },
      nullptr);
  engine_pair pair(client.get(), server.get());
  pair.client.be_client();
  pair.handshake();
  BOOST_TEST(pair.server_step.next == want::failed);
  BOOST_TEST(pair.client_step.next == want::failed);
  auto const text = pair.server.error_info().text();
  BOOST_TEST(text.find("we sent the alert 'protocol version'") != std::string::npos, text);
  BOOST_TEST(ERR_peek_error() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
