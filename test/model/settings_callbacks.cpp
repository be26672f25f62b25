// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Rows of callbacks: those that only look, those that decide.
#include <openssl/x509_vfy.h>

#include <array>
#include <cstring>

#include "settings_rows.hpp"

namespace tls_async::test::model {
namespace {

constexpr unsigned char protocols[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

template <int Answer>
int select_protocol(SSL*, unsigned char const** out, unsigned char* out_length,
                    unsigned char const* in, unsigned, void*) {
  *out = in + 1;
  *out_length = in[0];
  return Answer;
}
template <int Answer>
void with_selection(SSL_CTX* context) {
  SSL_CTX_set_alpn_select_cb(context, &select_protocol<Answer>, nullptr);
}

// More than some rings hold: the client's flight leaves in parts, that of a renegotiation too.
int add_long_extension(SSL*, unsigned, unsigned, unsigned char const** out, std::size_t* length,
                       X509*, std::size_t, int*, void*) {
  static constexpr std::array<unsigned char, 40'000> zeros{};
  *out = zeros.data();
  *length = zeros.size();
  return 1;
}
void with_long_extension(SSL_CTX* context) {
  constexpr unsigned reserved = 65'282;
  SSL_CTX_add_custom_ext(context, reserved, SSL_EXT_CLIENT_HELLO, &add_long_extension, nullptr,
                         nullptr, nullptr, nullptr);
}

template <int Answer>
int on_server_name(SSL*, int* alert, void*) {
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return Answer;
}
template <int Answer>
void with_server_name(SSL_CTX* context) {
  SSL_CTX_set_tlsext_servername_callback(context, &on_server_name<Answer>);
}

template <int Answer>
int on_client_hello(SSL*, int* alert, void*) {
  *alert = SSL_AD_HANDSHAKE_FAILURE;
  return Answer;
}
template <int Answer>
void with_client_hello(SSL_CTX* context) {
  SSL_CTX_set_client_hello_cb(context, &on_client_hello<Answer>, nullptr);
}

template <int Answer>
int on_certificate(SSL*, void*) {
  return Answer;
}
template <int Answer>
void with_certificate(SSL_CTX* context) {
  SSL_CTX_set_cert_cb(context, &on_certificate<Answer>, nullptr);
}

// Of a side that verifies.
template <bool Passes>
void with_verify(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context),
                     [](int preverified, X509_STORE_CTX*) { return Passes ? preverified : 0; });
}
template <bool Passes>
void with_chain_verify(SSL_CTX* context) {
  SSL_CTX_set_cert_verify_callback(
      context,
      [](X509_STORE_CTX* chain, void*) {
        if (Passes) return X509_verify_cert(chain);
        X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
      },
      nullptr);
}

void with_observers(SSL_CTX* context) {
  SSL_CTX_set_info_callback(context, [](SSL const*, int, int) {});
  SSL_CTX_set_msg_callback(context, [](int, int, int, void const*, std::size_t, SSL*, void*) {});
}
void with_session_callbacks(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
  SSL_CTX_sess_set_new_cb(context, [](SSL*, SSL_SESSION*) { return 0; });
  SSL_CTX_sess_set_remove_cb(context, [](SSL_CTX*, SSL_SESSION*) {});
}

template <int Answer>
int on_status(SSL* session, void*) {
  if (SSL_is_server(session) == 0) return Answer;
  auto* const response = static_cast<unsigned char*>(OPENSSL_malloc(4));
  if (response == nullptr) return SSL_TLSEXT_ERR_ALERT_FATAL;
  std::memcpy(response, "ocsp", 4);
  SSL_set_tlsext_status_ocsp_resp(session, response, 4);
  return SSL_TLSEXT_ERR_OK;
}
template <int Answer>
void with_status(SSL_CTX* context) {
  SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
  SSL_CTX_set_tlsext_status_cb(context, &on_status<Answer>);
}

}  // namespace

std::vector<row> callback_rows() {
  std::vector<row> all{
      {"observers", whose::subject, fits::any, {{"none"}, {"all", &with_observers}}},
      {"verify_callback",
       whose::subject,
       fits::any,
       {{"none"}, {"passes", &with_verify<true>}, {"refuses", &with_verify<false>}}},
      {"chain_callback",
       whose::subject,
       fits::any,
       {{"none"}, {"passes", &with_chain_verify<true>}, {"refuses", &with_chain_verify<false>}}},
      {"key_log",
       whose::subject,
       fits::any,
       {{"no"},
        {"yes",
         [](SSL_CTX* c) { SSL_CTX_set_keylog_callback(c, [](SSL const*, char const*) {}); }}}},
      {"hello_extension", whose::both, fits::any, {{"none"}, {"long", &with_long_extension}}},
      {"client_auth_later", whose::both, fits::tls1_3, {{"no"}, {"yes", [](SSL_CTX* c) {
                                                                   SSL_CTX_set_post_handshake_auth(
                                                                       c, 1);
                                                                 }}}}};
  for (auto const& two :
       {of_either_end(
            "alpn_offer", "peer_alpn_offer", fits::any,
            {{"none"},
             {"two", [](SSL_CTX* c) { SSL_CTX_set_alpn_protos(c, protocols, sizeof protocols); }}}),
        of_either_end("alpn_selection", "peer_alpn_selection", fits::any,
                      {{"none"},
                       {"first", &with_selection<SSL_TLSEXT_ERR_OK>},
                       {"no", &with_selection<SSL_TLSEXT_ERR_NOACK>},
                       {"fatal", &with_selection<SSL_TLSEXT_ERR_ALERT_FATAL>}}),
        of_either_end("server_name", "peer_server_name", fits::any,
                      {{"none"},
                       {"ok", &with_server_name<SSL_TLSEXT_ERR_OK>},
                       {"no", &with_server_name<SSL_TLSEXT_ERR_NOACK>},
                       {"warning", &with_server_name<SSL_TLSEXT_ERR_ALERT_WARNING>},
                       {"fatal", &with_server_name<SSL_TLSEXT_ERR_ALERT_FATAL>}}),
        of_either_end("client_hello", "peer_client_hello", fits::any,
                      {{"none"},
                       {"ok", &with_client_hello<SSL_CLIENT_HELLO_SUCCESS>},
                       {"error", &with_client_hello<SSL_CLIENT_HELLO_ERROR>}}),
        of_either_end("certificate_callback", "peer_certificate_callback", fits::any,
                      {{"none"}, {"ok", &with_certificate<1>}, {"error", &with_certificate<0>}}),
        of_either_end("sessions", "peer_sessions", fits::any,
                      {{"default"}, {"callbacks", &with_session_callbacks}}),
        of_either_end("status", "peer_status", fits::any,
                      {{"none"}, {"accepted", &with_status<1>}, {"refused", &with_status<0>}})})
    all.insert(all.end(), two.begin(), two.end());
  return all;
}

}  // namespace tls_async::test::model
