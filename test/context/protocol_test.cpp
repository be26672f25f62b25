// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Versions, suites and groups: each setting acts, or is refused with the word that is wrong.
#include <tls_async_test/certificates.hpp>
#include "support/openssl_version.hpp"
#include "trial.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

namespace tls_async::test {
namespace {

using version = context::version;

struct protocol_fixture {
  context server = ready_server();
  context client = ready_client();
};

BOOST_FIXTURE_TEST_SUITE(protocol, protocol_fixture)

BOOST_AUTO_TEST_CASE(newest_common_version_is_spoken) {
  struct range {
    version oldest;
    version newest;
  };
  constexpr range ranges[] = {{version::tls1_2, version::tls1_2},
                              {version::tls1_2, version::tls1_3},
                              {version::tls1_3, version::tls1_3}};
  for (auto const& ours : ranges) {
    for (auto const& theirs : ranges) {
      client.set_versions(ours.oldest, ours.newest);
      server.set_versions(theirs.oldest, theirs.newest);
      auto const was = try_handshake(client, server);
      auto const newest = std::min(ours.newest, theirs.newest);
      bool const has_common = newest >= std::max(ours.oldest, theirs.oldest);
      BOOST_TEST(was.completed == has_common, was);
      if (has_common) {
        BOOST_TEST(was.version == (newest == version::tls1_3 ? "TLSv1.3" : "TLSv1.2"));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(versions_in_the_wrong_order_are_refused) {
  check_refused(errc::bad_option, "set_versions(): the oldest version is newer than the newest: ",
                [&] { client.set_versions(version::tls1_3, version::tls1_2); });
  BOOST_TEST(try_handshake(client, server).version == "TLSv1.3");
}

BOOST_AUTO_TEST_CASE(first_suite_of_the_client_is_chosen) {
  client.set_versions(version::tls1_2, version::tls1_3);
  client.set_ciphersuites_tls13("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
  BOOST_TEST(try_handshake(client, server).suite == "TLS_CHACHA20_POLY1305_SHA256");
  client.set_versions(version::tls1_2, version::tls1_2);
  client.set_ciphers_tls12("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE+AESGCM:@STRENGTH");
  BOOST_TEST(try_handshake(client, server).suite == "ECDHE-ECDSA-AES256-GCM-SHA384");
}

BOOST_AUTO_TEST_CASE(suites_of_the_server_limit_what_is_spoken) {
  server.set_ciphersuites_tls13("TLS_AES_128_GCM_SHA256");
  BOOST_TEST(try_handshake(client, server).suite == "TLS_AES_128_GCM_SHA256");
  server.set_versions(version::tls1_2, version::tls1_2);
  server.set_ciphers_tls12("ECDHE+CHACHA20:!aNULL");
  BOOST_TEST(try_handshake(client, server).suite == "ECDHE-ECDSA-CHACHA20-POLY1305");
}

BOOST_AUTO_TEST_CASE(suite_with_dhe_acts_on_both_sides) {
  for (auto* const each : {&server, &client}) {
    each->set_versions(version::tls1_2, version::tls1_2);
    each->set_ciphers_tls12("DHE-RSA-AES128-GCM-SHA256");
  }
  auto const rsa = make_rsa(2048, "rsa");
  server.use_certificate_chain(rsa.certificate);
  server.use_private_key(rsa.key);
  client.trust(rsa.certificate);
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.suite == "DHE-RSA-AES128-GCM-SHA256", was);
}

BOOST_AUTO_TEST_CASE(cipher_list_with_a_word_that_does_nothing_is_refused) {
  struct {
    char const* list;
    char const* text;
  } const cases[] = {
      {"", "'' in the TLS 1.2 cipher list: no suite is left: The setting was refused and nothing"},
      {"ECDHE-RSA-AES128-GCM-SHA256:BOGUS",
       "'BOGUS' in the TLS 1.2 cipher list: OpenSSL knows no such suite of TLS 1.2: "},
      {"ECDHE+AESGCM:!BOGUS", "'!BOGUS' in the TLS 1.2 cipher list: OpenSSL knows no such suite"},
      {"TLS_AES_128_GCM_SHA256", "'TLS_AES_128_GCM_SHA256' in the TLS 1.2 cipher list: OpenSSL"},
      {"ECDHE+AESGCM:PSK", "'PSK' in the TLS 1.2 cipher list: the security level allows no such"},
      {"ECDHE+AESGCM:@SECLEVEL=0", "'@SECLEVEL=0' in the TLS 1.2 cipher list: only suites and "},
      {"ECDHE+AESGCM@SECLEVEL=0", "'ECDHE+AESGCM@SECLEVEL=0' in the TLS 1.2 cipher list: only "},
      {"ECDHE+AESGCM@SECLEVEL=1", "'ECDHE+AESGCM@SECLEVEL=1' in the TLS 1.2 cipher list: only "},
      {"ECDHE+AESGCM:!MD5@SECLEVEL=0", "'!MD5@SECLEVEL=0' in the TLS 1.2 cipher list: only "},
      {"ECDHE+AESGCM@STRENGTH", "'ECDHE+AESGCM@STRENGTH' in the TLS 1.2 cipher list: only suites"},
      {"@STRENGTH@SECLEVEL=0", "'@STRENGTH@SECLEVEL=0' in the TLS 1.2 cipher list: only suites"},
      {"!SUITEB128:ECDHE+AESGCM", "'!SUITEB128' in the TLS 1.2 cipher list: only suites and "},
      {"ECDHE+AESGCM:DEFAULT", "'DEFAULT' in the TLS 1.2 cipher list: DEFAULT is known only as "},
      {":DEFAULT:ECDHE+AESGCM", "'DEFAULT' in the TLS 1.2 cipher list: DEFAULT is known only as "},
      {"ECDHE+AESGCM:!DEFAULT", "'!DEFAULT' in the TLS 1.2 cipher list: DEFAULT is known only"},
      {"DEFAULTECDHE+AESGCM", "'DEFAULTECDHE+AESGCM' in the TLS 1.2 cipher list: DEFAULT is "},
      {"ECDHE+AESGCM!AES128", "'ECDHE+AESGCM!AES128' in the TLS 1.2 cipher list: OpenSSL knows no"},
      {"ECDHE+AESGCM:+", "'+' in the TLS 1.2 cipher list: OpenSSL knows no such suite of TLS 1.2"},
      {"ECDHE+AESGCM\n", "'ECDHE+AESGCM\n' in the TLS 1.2 cipher list: OpenSSL knows no such "},
      {"SUITEB128", "'SUITEB128' in the TLS 1.2 cipher list: only suites and @STRENGTH are"},
      {"ECDHE-RSA-AES128-SHA256", "'ECDHE-RSA-AES128-SHA256' in the TLS 1.2 cipher list: not an "},
      {"AES128-GCM-SHA256", "'AES128-GCM-SHA256' in the TLS 1.2 cipher list: not an AEAD suite"},
      {"ECDHE+AESGCM:!AESGCM", "'ECDHE+AESGCM:!AESGCM' in the TLS 1.2 cipher list: no suite is"},
  };
  client.set_versions(version::tls1_2, version::tls1_2);
  for (auto const& each : cases) {
    check_refused(errc::bad_option, each.text, [&] { client.set_ciphers_tls12(each.list); });
    BOOST_TEST(try_handshake(client, server).suite == "ECDHE-ECDSA-AES128-GCM-SHA256");
    BOOST_TEST(SSL_CTX_get_security_level(client.native_handle()) == 2);
  }
}

// However OpenSSL divides a list into words: it may be refused, it may not lower the level.
BOOST_AUTO_TEST_CASE(no_list_changes_the_security_level) {
  using namespace std::string_literals;
  for (auto const& command : {"@SECLEVEL=0"s, "@SECLEVEL=1"s, "SUITEB128"s}) {
    for (auto const& before : {""s, ":"s, ";"s, ","s, " "s, "+"s, "-"s, "!"s, "="s, "\n"s, "\t"s,
                               "\0"s, ":\0"s, "DEFAULT"s, ":!MD5"s, ":+"s, "@STRENGTH"s}) {
      for (auto const& list :
           {"ECDHE+AESGCM" + before + command, before + command + ":ECDHE+AESGCM",
            before + command + "ECDHE+AESGCM"}) {
        BOOST_CHECK_THROW(client.set_ciphers_tls12(list), boost::system::system_error);
        BOOST_TEST(SSL_CTX_get_security_level(client.native_handle()) == 2, list);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_stands_behind_a_nul_byte_is_not_ignored) {
  using namespace std::string_literals;
  check_refused(errc::bad_option, "'", [&] { client.set_ciphers_tls12("ECDHE+AESGCM\0:BOGUS"s); });
  check_refused(errc::bad_option, "'",
                [&] { client.set_ciphersuites_tls13("TLS_AES_128_GCM_SHA256\0BOGUS"s); });
  check_refused(errc::bad_option, "'", [&] { client.set_groups("X25519\0BOGUS"s); });
}

BOOST_AUTO_TEST_CASE(tls13_suites_with_a_name_that_does_nothing_are_refused) {
  struct {
    char const* list;
    char const* text;
  } const cases[] = {
      {"", "the list of TLS 1.3 suites is empty; to speak TLS 1.2 only, call set_versions("},
      {"TLS_AES_128_GCM_SHA256:BOGUS",
       "'BOGUS' in the TLS 1.3 suites: OpenSSL knows no such suite of TLS 1.3: The setting was"},
      {"ECDHE-RSA-AES128-GCM-SHA256", "'ECDHE-RSA-AES128-GCM-SHA256' in the TLS 1.3 suites: Op"},
      {"TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384",
       "'TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384' in the TLS 1.3 suites: OpenSSL knows no"},
  };
  for (auto const& each : cases) {
    check_refused(errc::bad_option, each.text, [&] { client.set_ciphersuites_tls13(each.list); });
    BOOST_TEST(try_handshake(client, server).suite == "TLS_AES_256_GCM_SHA384");
  }
  // Authenticates and does not encrypt (RFC 9150): level 2 forbids it where OpenSSL knows it.
  BOOST_CHECK_THROW(client.set_ciphersuites_tls13("TLS_SHA256_SHA256"),
                    boost::system::system_error);
}

BOOST_AUTO_TEST_CASE(only_the_given_groups_are_spoken) {
  server.set_groups("P-384");
  client.set_groups("X25519:P-384");
  BOOST_TEST(try_handshake(client, server).completed);
  client.set_groups("X25519:P-256");
  BOOST_TEST(!try_handshake(client, server).completed);
}

BOOST_AUTO_TEST_CASE(groups_with_a_name_that_does_nothing_are_refused) {
  struct {
    char const* list;
    char const* text;
  } const cases[] = {
      {"", "the list of groups is empty: The setting was refused and nothing was changed: "},
      {":", "the list of groups is empty: "},
      {"X25519:BOGUS", "'BOGUS' in the groups: OpenSSL knows no such group: "},
      {"X25519:?BOGUS", "'?BOGUS' in the groups: OpenSSL knows no such group: "},
      {"X25519:-P-256", "'-P-256' in the groups: OpenSSL knows no such group: "},
  };
  server.set_groups("P-384");
  for (auto const& each : cases) {
    check_refused(errc::bad_option, each.text, [&] { server.set_groups(each.list); });
  }
  // P-192 has 96 bits of security and level 2 asks for 112; not every OpenSSL has it.
  BOOST_CHECK_THROW(server.set_groups("X25519:P-192"), boost::system::system_error);
  client.set_groups("X25519");
  BOOST_TEST(!try_handshake(client, server).completed);
}

BOOST_AUTO_TEST_CASE(group_with_a_post_quantum_part_is_spoken_where_openssl_has_it) {
  try {
    for (auto* const each : {&server, &client}) {
      each->set_groups("X25519MLKEM768");
    }
  } catch (boost::system::system_error const&) {
    BOOST_TEST(OpenSSL_version_num() < 0x30500000U);
  }
  BOOST_TEST(try_handshake(client, server).completed);
}

BOOST_AUTO_TEST_CASE(group_of_tls12_only_is_accepted) {
  if (since_openssl_4()) return;  // which has none any more
  // RSA, since in TLS 1.2 the groups are for the certificate's key as well.
  server.use_certificate_chain(make_identity(identity_kind::server_rsa).certificate_chain);
  server.use_private_key(make_identity(identity_kind::server_rsa).private_key);
  for (auto* const each : {&server, &client}) {
    each->set_versions(version::tls1_2, version::tls1_2);
    each->set_groups("secp224r1");
  }
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.completed, was);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
