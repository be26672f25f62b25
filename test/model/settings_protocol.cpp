// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Rows of what is negotiated, and of how records are made.
#include "settings_rows.hpp"

namespace tls_async::test::model {
namespace {

void append(std::vector<row>& all, std::vector<row> const& more) {
  all.insert(all.end(), more.begin(), more.end());
}

std::size_t pad_by_type(SSL*, int type, std::size_t, void*) {
  return type == SSL3_RT_APPLICATION_DATA ? 0 : 300;
}

}  // namespace

std::vector<row> protocol_rows() {
  std::vector<row> all;
  append(all,
         of_either_end(
             "groups", "peer_groups", fits::any,
             {{"default"},
              {"P-256", [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "P-256"); }},
              {"X25519", [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "X25519"); }},
              // The first is not the other end's: a HelloRetryRequest.
              {"several", [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "P-521:P-256:X25519"); }},
              {"ffdhe2048",
               [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "ffdhe2048:P-256:X25519"); }}}));
  append(all,
         of_either_end("signatures", "peer_signatures", fits::any,
                       {{"default"},
                        {"several",
                         [](SSL_CTX* c) {
                           SSL_CTX_set1_sigalgs_list(c, "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256");
                         }},
                        {"of_clients",
                         [](SSL_CTX* c) { SSL_CTX_set1_client_sigalgs_list(c, "ECDSA+SHA256"); }},
                        {"sha512", [](SSL_CTX* c) {
                           SSL_CTX_set1_sigalgs_list(c, "ECDSA+SHA512:ECDSA+SHA256:RSA-PSS+SHA512");
                         }}}));
  append(all, of_either_end("tickets", "peer_tickets", fits::any,
                            {{"default"},
                             {"0", [](SSL_CTX* c) { SSL_CTX_set_num_tickets(c, 0); }},
                             {"5", [](SSL_CTX* c) { SSL_CTX_set_num_tickets(c, 5); }}}));
  append(all,
         of_either_end("fragment", "peer_fragment", fits::any,
                       {{"default"},
                        {"512", [](SSL_CTX* c) { SSL_CTX_set_max_send_fragment(c, 512); }},
                        {"5000", [](SSL_CTX* c) { SSL_CTX_set_max_send_fragment(c, 5'000); }},
                        {"split", [](SSL_CTX* c) { SSL_CTX_set_split_send_fragment(c, 700); }}}));
  append(all, of_either_end(
                  "max_fragment_length", "peer_max_fragment_length", fits::any,
                  {{"default"},
                   {"512",
                    [](SSL_CTX* c) {
                      SSL_CTX_set_tlsext_max_fragment_length(c, TLSEXT_max_fragment_length_512);
                    }},
                   {"2048", [](SSL_CTX* c) {
                      SSL_CTX_set_tlsext_max_fragment_length(c, TLSEXT_max_fragment_length_2048);
                    }}}));
  append(all, of_either_end("padding", "peer_padding", fits::tls1_3,
                            {{"default"},
                             {"100", [](SSL_CTX* c) { SSL_CTX_set_block_padding(c, 100); }},
                             {"16384", [](SSL_CTX* c) { SSL_CTX_set_block_padding(c, 16'384); }},
                             {"callback", [](SSL_CTX* c) {
                                SSL_CTX_set_record_padding_callback(c, &pad_by_type);
                              }}}));
  append(all, of_either_end(
                  "reading", "peer_reading", fits::any,
                  {{"default"},
                   {"ahead", [](SSL_CTX* c) { SSL_CTX_set_read_ahead(c, 1); }},
                   {"small_buffer", [](SSL_CTX* c) { SSL_CTX_set_default_read_buffer_len(c, 1); }},
                   {"ahead_in_large_buffer", [](SSL_CTX* c) {
                      SSL_CTX_set_read_ahead(c, 1);
                      SSL_CTX_set_default_read_buffer_len(c, 100'000);
                    }}}));
  append(all, of_either_end("security_level", "peer_security_level", fits::any,
                            {{"default"},
                             {"0", [](SSL_CTX* c) { SSL_CTX_set_security_level(c, 0); }},
                             {"3", [](SSL_CTX* c) { SSL_CTX_set_security_level(c, 3); }}}));
  append(all, of_either_end("early_data", "peer_early_data", fits::tls1_3,
                            {{"default"}, {"16384", [](SSL_CTX* c) {
                                             SSL_CTX_set_max_early_data(c, 16'384);
                                             SSL_CTX_set_recv_max_early_data(c, 16'384);
                                           }}}));
  append(all,
         {{"certificate",
           whose::both,
           fits::any,
           {{"ecdsa"}, {"rsa"}, {"intermediate"}, {"expired"}, {"wrong_host"}, {"self_signed"}}},
          {"client_certificate",
           whose::both,
           fits::any,
           {{"none"}, {"asked"}, {"required"}, {"missing"}, {"asked_and_missing"}}},
          {"renegotiation",
           whose::subject,
           fits::tls1_2,
           {{"refused"},
            {"allowed",
             [](SSL_CTX* c) {
               SSL_CTX_clear_options(c, SSL_OP_NO_RENEGOTIATION);
               SSL_CTX_set_options(c, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
             },
             nullptr, [](stream_options& o) { o.allow_renegotiation = true; }}}},
          // How many records of plaintext the ring holds, when there are new keys, and so on.
          {"ring_records",
           whose::subject,
           fits::any,
           {{"4"},
            {"1", nullptr, nullptr, [](stream_options& o) { o.ring_records = 1; }},
            {"2", nullptr, nullptr, [](stream_options& o) { o.ring_records = 2; }}}},
          {"rekey",
           whose::subject,
           fits::tls1_3,
           {{"default"},
            {"1_record", nullptr, nullptr, [](stream_options& o) { o.rekey_after_records = 1; }},
            {"3_records", nullptr, nullptr, [](stream_options& o) { o.rekey_after_records = 3; }},
            {"10000_bytes", nullptr, nullptr,
             [](stream_options& o) { o.rekey_after_bytes = 10'000; }}}},
          {"small_records",
           whose::subject,
           fits::any,
           {{"default"},
            {"1300", nullptr, nullptr, [](stream_options& o) { o.small_record_bytes = 1'300; }},
            {"1", nullptr, nullptr,
             [](stream_options& o) {
               o.small_record_bytes = 1;
               o.small_records_until = 40;
             }}}},
          {"kept",
           whose::subject,
           fits::any,
           {{"default"},
            {"300", nullptr, nullptr, [](stream_options& o) { o.most_bytes_kept = 300; }}}}});
  return all;
}

}  // namespace tls_async::test::model
