// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The engine alone: what it tells of the names in a certificate that it refuses. Whoever made the
// certificate chose them, and nobody has to be trusted for that.
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "engine_pair.hpp"

namespace tls_async::test {
namespace {

using namespace std::string_literals;

using key_ptr = std::unique_ptr<EVP_PKEY, decltype([](EVP_PKEY* key) { EVP_PKEY_free(key); })>;
using certificate_ptr = std::unique_ptr<X509, decltype([](X509* made) { X509_free(made); })>;
using name_ptr =
    std::unique_ptr<X509_NAME, decltype([](X509_NAME* name) { X509_NAME_free(name); })>;

// Null where OpenSSL makes no such name; then it reads none either.
name_ptr name_of(int type, std::string const& bytes) {
  name_ptr name(X509_NAME_new());
  // Without MBSTRING_FLAG the bytes are taken as they are.
  bool const is_made =
      X509_NAME_add_entry_by_NID(name.get(), NID_commonName, type,
                                 reinterpret_cast<unsigned char const*>(bytes.data()),
                                 static_cast<int>(bytes.size()), -1, 0) == 1;
  name_ptr copy(is_made ? X509_NAME_dup(name.get()) : nullptr);
  ERR_clear_error();
  return copy;
}

// What a client says of a certificate with this subject, issuer and these DNS names.
tls_async::error_info story_of(X509_NAME* name, std::string const& dns_name = "other.test",
                               int dns_names = 1, char const* host = "localhost") {
  key_ptr const key(EVP_EC_gen("P-256"));
  certificate_ptr const made(X509_new());
  X509* const raw = made.get();
  GENERAL_NAMES* const names = sk_GENERAL_NAME_new_null();
  for (int i = 0; i < dns_names; ++i) {
    auto* const value = ASN1_IA5STRING_new();
    ASN1_STRING_set(value, dns_name.data(), static_cast<int>(dns_name.size()));
    auto* const each = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(each, GEN_DNS, value);
    sk_GENERAL_NAME_push(names, each);
  }
  bool const is_made = X509_set_version(raw, X509_VERSION_3) == 1 &&
                       ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), 1) == 1 &&
                       X509_gmtime_adj(X509_getm_notBefore(raw), -3'600) != nullptr &&
                       X509_gmtime_adj(X509_getm_notAfter(raw), 3'600) != nullptr &&
                       X509_set_subject_name(raw, name) == 1 &&
                       X509_set_issuer_name(raw, name) == 1 &&
                       X509_set_pubkey(raw, key.get()) == 1 &&
                       X509_add1_ext_i2d(raw, NID_subject_alt_name, names, 0, 0) == 1 &&
                       X509_sign(raw, key.get(), EVP_sha256()) > 0;
  GENERAL_NAMES_free(names);
  BOOST_TEST_REQUIRE(is_made);
  auto const client = make_context(role::client);
  auto const server = make_context(role::server);
  SSL_CTX_set_max_cert_list(client.get(), 1 << 20);
  BOOST_TEST_REQUIRE(SSL_CTX_use_cert_and_key(server.get(), raw, key.get(), nullptr, 1) == 1);
  if (host != nullptr && dns_names != 1)
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client.get()), raw);
  engine_pair pair(client.get(), server.get());
  BOOST_TEST_REQUIRE(!pair.client.be_client_of(host));
  pair.handshake();
  BOOST_TEST((pair.client_step.next == want::failed));
  BOOST_TEST_REQUIRE(pair.client.error_info().verify_error.has_value());
  return pair.client.error_info();
}

BOOST_AUTO_TEST_SUITE(engine_names)

BOOST_AUTO_TEST_CASE(names_are_shown_whatever_they_are_made_of) {
  struct {
    int type;
    std::string bytes;
    std::string shown;
  } const cases[] = {
      {V_ASN1_UTF8STRING, "plain name", "CN=plain name"},
      {V_ASN1_UTF8STRING,
       "gr\xc3\xb6\xc3\x9f"
       "er",
       "CN=gr\xc3\xb6\xc3\x9f"
       "er"},
      {V_ASN1_UTF8STRING, "\xf0\x9f\x94\x92", "CN=\xf0\x9f\x94\x92"},
      // Not UTF-8: a lone byte, a cut character, an overlong one, a surrogate, beyond Unicode.
      {V_ASN1_UTF8STRING,
       "a\xff"
       "b",
       "CN=a\\FFb"},
      {V_ASN1_UTF8STRING, "a\xc3", "CN=a\\C3"},
      {V_ASN1_UTF8STRING, "\xc0\xaf", "CN=\\C0\\AF"},
      {V_ASN1_UTF8STRING, "\xed\xa0\x80", "CN=\\ED\\A0\\80"},
      {V_ASN1_UTF8STRING, "\xf4\x90\x80\x80", "CN=\\F4\\90\\80\\80"},
      // What can't be seen, or turns the text around.
      {V_ASN1_UTF8STRING,
       "a\xe2\x80\xae"
       "b",
       "CN=a\\E2\\80\\AEb"},
      {V_ASN1_UTF8STRING, "\xe2\x80\xa8", "CN=\\E2\\80\\A8"},
      {V_ASN1_UTF8STRING, "\xe2\x80\x8b", "CN=\\E2\\80\\8B"},
      {V_ASN1_UTF8STRING, "\x1b[2J\n\x7f\t", "CN=\\1B[2J\\0A\\7F\\09"},
      {V_ASN1_UTF8STRING, "\xc2\x9b", "CN=\\C2\\9B"},
      {V_ASN1_UTF8STRING, "a\0b"s, "CN=a\\00b"},
      // What could pass for our words.
      {V_ASN1_UTF8STRING, "x', issued by 'y", "CN=x\\27\\, issued by \\27y"},
      {V_ASN1_UTF8STRING, "a,O=b+C=c\\<>;\"", "CN=a\\,O=b\\+C=c\\\\\\<\\>\\;\\\""},
      {V_ASN1_UTF8STRING, "#1", "CN=\\#1"},
      {V_ASN1_UTF8STRING, " a", "CN=\\ a"},
      // Other kinds of text.
      {V_ASN1_PRINTABLESTRING, "plain", "CN=plain"},
      {V_ASN1_T61STRING, "\xfc", "CN=\xc3\xbc"},
      {V_ASN1_BMPSTRING, "\0a\0\xfc"s, "CN=a\xc3\xbc"},
      {V_ASN1_BMPSTRING, "\xd8\x00\0a"s, "CN=\\ED\\A0\\80a"},
      {V_ASN1_BMPSTRING, "\0a\0"s, "CN=a\\FF"},
      {V_ASN1_UNIVERSALSTRING, "\0\x01\xf5\x12"s, "CN=\xf0\x9f\x94\x92"},
      {V_ASN1_UNIVERSALSTRING, "\xff\xff\xff\xff", "CN=\\FF"},
  };
  int taken = 0;
  for (auto const& each : cases) {
    auto const name = name_of(each.type, each.bytes);
    BOOST_TEST_INFO_SCOPE(each.shown);
    if (name == nullptr) continue;
    ++taken;
    auto const story = story_of(name.get());
    BOOST_TEST(story.verify_error->subject == each.shown);
    BOOST_TEST(story.verify_error->issuer == each.shown);
  }
  BOOST_TEST(taken >= 17);
}

BOOST_AUTO_TEST_CASE(names_have_a_bound) {
  auto const name = name_of(V_ASN1_UTF8STRING, std::string(60'000, 'n'));
  auto const story = story_of(name.get(), std::string(60'000, 'd'), 7);
  auto const& refused = *story.verify_error;
  BOOST_TEST(refused.subject.size() <= 256U);
  BOOST_TEST(refused.subject.ends_with("n..."));
  BOOST_TEST(refused.issuer.size() <= 256U);
  BOOST_TEST(refused.names.size() <= 512U);
  BOOST_TEST(refused.names.ends_with("d..."));
  BOOST_TEST(story.openssl.size() <= 2'048U);
  BOOST_TEST(story.text().size() <= 4'096U);
}

BOOST_AUTO_TEST_CASE(many_parts_of_a_name_have_a_bound_together) {
  name_ptr const name(X509_NAME_new());
  for (int i = 0; i < 2'000; ++i) {
    X509_NAME_add_entry_by_NID(name.get(), NID_organizationalUnitName, V_ASN1_UTF8STRING,
                               reinterpret_cast<unsigned char const*>("u"), 1, -1, 0);
  }
  auto const story = story_of(name.get());
  BOOST_TEST(story.verify_error->subject.starts_with("OU=u,OU=u,"));
  BOOST_TEST(story.verify_error->subject.size() <= 256U);
}

// A comma in one name does not make two of it.
BOOST_AUTO_TEST_CASE(alternative_name_can_not_pass_for_two) {
  auto const story = story_of(name_of(V_ASN1_UTF8STRING, "x").get(), "a, DNS:localhost\n'\x80", 2);
  BOOST_TEST(story.verify_error->names ==
             "DNS:a\\,\\ DNS:localhost\\0A\\27\\80, DNS:a\\,\\ DNS:localhost\\0A\\27\\80");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
