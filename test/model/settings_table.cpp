// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The rows.
#include "settings.hpp"

#include <iterator>

#include "settings_rows.hpp"

namespace tls_async::test::model {
namespace {

template <int Version>
void only_version(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, Version);
  SSL_CTX_set_max_proto_version(context, Version);
}

// The one of TLS 1.3 and those of TLS 1.2 that mean the same, for either kind of key.
void suite(SSL_CTX* context, char const* tls1_3, char const* tls1_2) {
  SSL_CTX_set_ciphersuites(context, tls1_3);
  SSL_CTX_set_cipher_list(context, tls1_2);
}

std::vector<row> make_rows() {
  return {
      {"side", whose::both, fits::any, {{"client"}, {"server"}}},
      {"context", whose::subject, fits::any, {{"asio"}, {"ours"}}},
      // The others are on the network itself.
      {"next_layer",
       whose::subject,
       fits::any,
       {{"wire"}, {"socket"}, {"tcp"}, {"beast"}, {"tls"}}},
      {"negotiates", whose::subject, fits::any, {{"tls_handshake"}, {"member"}, {"first_verb"}}},
      {"trust", whose::subject, fits::any, {{"host"}, {"nobody"}, {"other_host"}, {"unknown"}}},
      {"version",
       whose::both,
       fits::any,
       {{"1.3", &only_version<TLS1_3_VERSION>}, {"1.2", &only_version<TLS1_2_VERSION>}}},
      // The first one is the one that the peer is played record by record in.
      {"suite",
       whose::both,
       fits::any,
       {{"aes128",
         [](SSL_CTX* c) {
           suite(c, "TLS_AES_128_GCM_SHA256",
                 "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256");
         }},
        {"aes256",
         [](SSL_CTX* c) {
           suite(c, "TLS_AES_256_GCM_SHA384",
                 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384");
         }},
        {"chacha20",
         [](SSL_CTX* c) {
           suite(c, "TLS_CHACHA20_POLY1305_SHA256",
                 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305");
         }},
        {"cbc",
         [](SSL_CTX* c) {
           suite(c, "TLS_AES_128_CCM_SHA256", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256");
         }}}},
  };
}

}  // namespace

std::vector<row> of_either_end(char const* name, char const* name_of_peer, fits version,
                               std::vector<value> values) {
  return {{name, whose::subject, version, values}, {name_of_peer, whose::peer, version, values}};
}

std::vector<row> const& all_rows() {
  static std::vector<row> const made = [] {
    std::vector<row> all = make_rows();
    for (auto& more : {protocol_rows(), option_rows(), verify_rows(), callback_rows(),
                       session_rows(), rows_of_ours()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return made;
}

}  // namespace tls_async::test::model
