// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Rows of what comes from before: sessions to resume, keys that are shared, and what else both ends
// tell each other beside the protocol.
#include <openssl/rand.h>

#include <cstring>

#include "settings_rows.hpp"

namespace tls_async::test::model {
namespace {

template <unsigned char Key>
unsigned client_key(SSL*, char const*, char* name, unsigned most, unsigned char* key, unsigned) {
  constexpr char identity[] = "model";
  if (most < sizeof identity) return 0;
  std::memcpy(name, identity, sizeof identity);
  std::memset(key, Key, 32);
  return 32;
}
unsigned server_key(SSL*, char const*, unsigned char* key, unsigned) {
  std::memset(key, 1, 32);
  return 32;
}
template <unsigned char OfClient>
void with_shared_key(SSL_CTX* context) {
  SSL_CTX_set_psk_client_callback(context, &client_key<OfClient>);
  SSL_CTX_set_psk_server_callback(context, &server_key);
}

int add_extension(SSL*, unsigned, unsigned, unsigned char const** out, std::size_t* size, X509*,
                  std::size_t, int*, void*) {
  constexpr static unsigned char said[] = {'m', 'o', 'd', 'e', 'l'};
  *out = said;
  *size = sizeof said;
  return 1;
}
template <int Answer>
int parse_extension(SSL*, unsigned, unsigned, unsigned char const*, std::size_t, X509*, std::size_t,
                    int* alert, void*) {
  *alert = SSL_AD_DECODE_ERROR;
  return Answer;
}
template <int Answer>
void with_extension(SSL_CTX* context) {
  constexpr unsigned of_nobody = 65'000;
  SSL_CTX_add_custom_ext(
      context, of_nobody,
      SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
      &add_extension, nullptr, nullptr, &parse_extension<Answer>, nullptr);
}

int make_session_id(SSL*, unsigned char* id, unsigned* size) {
  return RAND_bytes(id, static_cast<int>(*size));
}

}  // namespace

std::vector<row> session_rows() {
  std::vector<row> all{
      // A session of a first connection between both is offered by the client.
      {"resumes", whose::both, fits::any, {{"no"}, {"yes"}}},
      {"shared_key",
       whose::both,
       fits::tls1_3,
       {{"none"}, {"same", &with_shared_key<1>}, {"another", &with_shared_key<2>}}}};
  for (auto const& two :
       {of_either_end(
            "extension", "peer_extension", fits::any,
            {{"none"}, {"understood", &with_extension<1>}, {"refused", &with_extension<0>}}),
        of_either_end(
            "session_ids", "peer_session_ids", fits::any,
            {{"default"},
             {"callback", [](SSL_CTX* c) { SSL_CTX_set_generate_session_id(c, &make_session_id); }},
             {"timeout", [](SSL_CTX* c) { SSL_CTX_set_timeout(c, 1); }}}),
        of_either_end("security_callback", "peer_security_callback", fits::any,
                      {{"default"}, {"all", [](SSL_CTX* c) {
                                       SSL_CTX_set_security_callback(
                                           c, [](SSL const*, SSL_CTX const*, int, int, int, void*,
                                                 void*) { return 1; });
                                     }}})})
    all.insert(all.end(), two.begin(), two.end());
  return all;
}

}  // namespace tls_async::test::model
