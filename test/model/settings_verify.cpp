// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Rows of how the subject verifies its peer. Where it doesn't, they mean nothing.
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "settings_rows.hpp"

namespace tls_async::test::model {
namespace {

template <unsigned long Flags>
void with_flags(SSL_CTX* context) {
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), Flags);
}
template <unsigned Flags>
void with_host_flags(SSL* session) {
  SSL_set_hostflags(session, Flags);
}

}  // namespace

std::vector<row> verify_rows() {
  return {
      {"verify_flags",
       whose::subject,
       fits::any,
       {{"default"},
        {"strict", &with_flags<X509_V_FLAG_X509_STRICT>},
        {"partial_chain", &with_flags<X509_V_FLAG_PARTIAL_CHAIN>},
        {"trusted_first", &with_flags<X509_V_FLAG_TRUSTED_FIRST>},
        // There are no lists.
        {"crl_check", &with_flags<X509_V_FLAG_CRL_CHECK>}}},
      {"verify_depth",
       whose::subject,
       fits::any,
       {{"default"},
        {"0", [](SSL_CTX* c) { SSL_CTX_set_verify_depth(c, 0); }},
        {"1", [](SSL_CTX* c) { SSL_CTX_set_verify_depth(c, 1); }},
        {"0_on_session", nullptr, [](SSL* s) { SSL_set_verify_depth(s, 0); }}}},
      {"verify_time",
       whose::subject,
       fits::any,
       {{"now"},
        {"1970", [](SSL_CTX* c) { X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(c), 1); }},
        {"2100",
         [](SSL_CTX* c) { X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(c), 4'102'444'800); }}}},
      {"purpose",
       whose::subject,
       fits::any,
       {{"default"},
        {"any", [](SSL_CTX* c) { SSL_CTX_set_purpose(c, X509_PURPOSE_ANY); }},
        {"server", [](SSL_CTX* c) { SSL_CTX_set_purpose(c, X509_PURPOSE_SSL_SERVER); }},
        {"smime", [](SSL_CTX* c) { SSL_CTX_set_purpose(c, X509_PURPOSE_SMIME_SIGN); }}}},
      {"host_flags",
       whose::subject,
       fits::any,
       {{"default"},
        {"no_wildcards", nullptr, &with_host_flags<X509_CHECK_FLAG_NO_WILDCARDS>},
        {"no_partial_wildcards", nullptr, &with_host_flags<X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS>},
        {"single_label", nullptr, &with_host_flags<X509_CHECK_FLAG_SINGLE_LABEL_SUBDOMAINS>},
        {"never_subject", nullptr, &with_host_flags<X509_CHECK_FLAG_NEVER_CHECK_SUBJECT>}}},
      {"more_hosts",
       whose::subject,
       fits::any,
       {{"none"},
        {"sni", nullptr,
         [](SSL* s) {
           if (SSL_is_server(s) == 0) SSL_set_tlsext_host_name(s, "other.example");
         }}}},
  };
}

}  // namespace tls_async::test::model
