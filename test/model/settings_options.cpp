// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Rows of SSL_CTX_set_options(3), SSL_CTX_set_mode(3) and the session cache.
#include "settings_rows.hpp"

namespace tls_async::test::model {
namespace {

template <std::uint64_t Options>
void with_options(SSL_CTX* context) {
  SSL_CTX_set_options(context, Options);
}
template <std::uint64_t Options>
void without_options(SSL_CTX* context) {
  SSL_CTX_clear_options(context, Options);
}
template <long Modes>
void with_modes(SSL_CTX* context) {
  SSL_CTX_set_mode(context, Modes);
}
template <long Modes>
void without_modes(SSL_CTX* context) {
  SSL_CTX_clear_mode(context, Modes);
}
template <long Mode>
void with_cache(SSL_CTX* context) {
  constexpr unsigned char id[] = {'m', 'o', 'd', 'e', 'l'};
  SSL_CTX_set_session_cache_mode(context, Mode);
  SSL_CTX_set_session_id_context(context, id, sizeof id);
}

std::vector<value> options() {
  return {{"default"},
          {"no_ticket", &with_options<SSL_OP_NO_TICKET>},
          {"server_preference", &with_options<SSL_OP_CIPHER_SERVER_PREFERENCE>},
          {"prioritize_chacha",
           &with_options<SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CIPHER_SERVER_PREFERENCE>},
          {"no_encrypt_then_mac", &with_options<SSL_OP_NO_ENCRYPT_THEN_MAC>},
          {"no_extended_master_secret", &with_options<SSL_OP_NO_EXTENDED_MASTER_SECRET>},
          {"no_middlebox_compat", &without_options<SSL_OP_ENABLE_MIDDLEBOX_COMPAT>},
          {"allow_no_dhe_kex", &with_options<SSL_OP_ALLOW_NO_DHE_KEX>},
          {"no_anti_replay", &with_options<SSL_OP_NO_ANTI_REPLAY>},
          {"tlsext_padding", &with_options<SSL_OP_TLSEXT_PADDING>},
          {"cleanse_plaintext", &with_options<SSL_OP_CLEANSE_PLAINTEXT>},
          {"empty_fragments", &without_options<SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS>},
          {"legacy_server_connect", &with_options<SSL_OP_LEGACY_SERVER_CONNECT>},
          {"ignore_unexpected_eof", &with_options<SSL_OP_IGNORE_UNEXPECTED_EOF>}};
}

std::vector<value> modes() {
  return {{"default"},
          {"auto_retry", &with_modes<SSL_MODE_AUTO_RETRY>},
          {"no_auto_retry", &without_modes<SSL_MODE_AUTO_RETRY>},
          {"release_buffers", &with_modes<SSL_MODE_RELEASE_BUFFERS>},
          {"keep_buffers", &without_modes<SSL_MODE_RELEASE_BUFFERS>},
          {"whole_writes", &without_modes<SSL_MODE_ENABLE_PARTIAL_WRITE>},
          {"fallback_scsv", &with_modes<SSL_MODE_SEND_FALLBACK_SCSV>}};
}

std::vector<value> caches() {
  return {{"default"},
          {"off", &with_cache<SSL_SESS_CACHE_OFF>},
          {"client", &with_cache<SSL_SESS_CACHE_CLIENT>},
          {"server", &with_cache<SSL_SESS_CACHE_SERVER>},
          {"both", &with_cache<SSL_SESS_CACHE_BOTH>},
          {"no_internal", &with_cache<SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL>}};
}

}  // namespace

std::vector<row> option_rows() {
  std::vector<row> all;
  for (auto const& two : {of_either_end("options", "peer_options", fits::any, options()),
                          of_either_end("cache", "peer_cache", fits::any, caches())})
    all.insert(all.end(), two.begin(), two.end());
  all.push_back({"modes", whose::subject, fits::any, modes()});
  all.push_back({"quiet_shutdown", whose::peer, fits::any, {{"no"}, {"yes", [](SSL_CTX* c) {
                                                                       SSL_CTX_set_quiet_shutdown(
                                                                           c, 1);
                                                                     }}}});
  all.push_back({"max_cert_list",
                 whose::subject,
                 fits::any,
                 {{"default"}, {"100", [](SSL_CTX* c) { SSL_CTX_set_max_cert_list(c, 100); }}}});
  return all;
}

}  // namespace tls_async::test::model
