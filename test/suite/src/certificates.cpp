// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Makes keys, authorities and leaf certificates, and keeps each kind once it is made.
#include <tls_async_test/certificates.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace tls_async::test {
namespace {

using namespace std::chrono_literals;

template <auto Free>
struct deleter {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, deleter<X509_free>>;
using name_ptr = std::unique_ptr<X509_NAME, deleter<X509_NAME_free>>;
using revocations_ptr = std::unique_ptr<X509_CRL, deleter<X509_CRL_free>>;
using time_ptr = std::unique_ptr<ASN1_TIME, deleter<ASN1_TIME_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, deleter<X509_EXTENSION_free>>;
using bio_ptr = std::unique_ptr<BIO, deleter<BIO_free_all>>;

[[noreturn]] void fail(char const* what) {
  char text[256] = "no OpenSSL error";
  if (auto const code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof text);
  }
  ERR_clear_error();
  throw std::runtime_error{std::string{"test certificates: "} + what + ": " + text};
}

void require(bool ok, char const* what) {
  if (!ok) {
    fail(what);
  }
}

struct issuer {
  key_ptr key;
  certificate_ptr certificate;
};

struct request {
  char const* common_name;
  char const* basic_constraints;
  char const* key_usage;
  char const* extended_key_usage = nullptr;
  char const* alternative_names = nullptr;
  // The hour behind now keeps a certificate valid where two clocks differ a little.
  std::chrono::seconds begins = -1h;
  std::chrono::seconds ends = 24h * 30;
};

constexpr auto server_names = "DNS:localhost,DNS:example.test,IP:127.0.0.1,IP:::1";

request authority_request(char const* common_name) {
  return {common_name, "critical,CA:TRUE", "critical,keyCertSign,cRLSign"};
}

request leaf_request(identity_kind kind) {
  request leaf{"tls_async test server", "critical,CA:FALSE", "critical,digitalSignature",
               "serverAuth", server_names};
  switch (kind) {
    case identity_kind::server:
    case identity_kind::server_intermediate:
    case identity_kind::server_ed25519:
    case identity_kind::untrusted:
    case identity_kind::self_signed:
      break;
    case identity_kind::server_rsa:
      leaf.key_usage = "critical,digitalSignature,keyEncipherment";
      break;
    case identity_kind::client:
      leaf.common_name = "tls_async test client";
      leaf.extended_key_usage = "clientAuth";
      leaf.alternative_names = nullptr;
      break;
    case identity_kind::expired:
      leaf.begins = -48h;
      leaf.ends = -1h;
      break;
    case identity_kind::not_yet_valid:
      leaf.begins = 24h;
      break;
    case identity_kind::wrong_host:
      leaf.alternative_names = "DNS:other.test,IP:192.0.2.1";
      break;
    case identity_kind::hostile_name:
      leaf.common_name =
          "gr\xc3\xb6\xc3\x9f"
          "er \x1b[2J \n \x7f \xc2\x9b"
          "2J \xc2\xa0";
      leaf.alternative_names = "DNS:other.test";
      break;
    case identity_kind::common_name:
    case identity_kind::common_name_beside:
      leaf.common_name = "localhost";
      leaf.alternative_names =
          kind == identity_kind::common_name ? nullptr : "email:host@localhost";
      break;
  }
  return leaf;
}

key_ptr make_ec_key() {
  key_ptr key{EVP_EC_gen("P-256")};
  require(key != nullptr, "making an EC key");
  return key;
}

key_ptr make_rsa_key() {
  key_ptr key{EVP_RSA_gen(2048)};
  require(key != nullptr, "making an RSA key");
  return key;
}

key_ptr make_ed25519_key() {
  key_ptr key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
  require(key != nullptr, "making an Ed25519 key");
  return key;
}

void add_extension(X509* certificate, X509* issued_by, int nid, char const* value) {
  if (value == nullptr) {
    return;
  }
  X509V3_CTX names;
  X509V3_set_ctx_nodb(&names);
  X509V3_set_ctx(&names, issued_by, certificate, nullptr, nullptr, 0);
  extension_ptr const extension{X509V3_EXT_conf_nid(nullptr, &names, nid, value)};
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

// Without `by` the certificate is signed with its own key.
certificate_ptr sign(request const& wanted, EVP_PKEY* key, issuer const* by) {
  certificate_ptr certificate{X509_new()};
  require(certificate != nullptr, "X509_new");
  X509* const subject = certificate.get();
  X509* const issued_by = by != nullptr ? by->certificate.get() : subject;

  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "RAND_bytes");
  // A serial number is positive: RFC 5280 section 4.1.2.2.
  serial = (serial >> 1) | 1;

  name_ptr const name{X509_NAME_new()};
  require(X509_set_version(subject, X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set_uint64(X509_get_serialNumber(subject), serial) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(subject), wanted.begins.count()) != nullptr &&
              X509_gmtime_adj(X509_getm_notAfter(subject), wanted.ends.count()) != nullptr &&
              X509_set_pubkey(subject, key) == 1 &&
              X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_UTF8,
                                         reinterpret_cast<unsigned char const*>(wanted.common_name),
                                         -1, -1, 0) == 1 &&
              X509_set_subject_name(subject, name.get()) == 1 &&
              X509_set_issuer_name(subject, X509_get_subject_name(issued_by)) == 1,
          wanted.common_name);

  add_extension(subject, issued_by, NID_basic_constraints, wanted.basic_constraints);
  add_extension(subject, issued_by, NID_key_usage, wanted.key_usage);
  add_extension(subject, issued_by, NID_ext_key_usage, wanted.extended_key_usage);
  add_extension(subject, issued_by, NID_subject_alt_name, wanted.alternative_names);
  add_extension(subject, issued_by, NID_subject_key_identifier, "hash");
  // After the subject key identifier, which a certificate signed with its own key refers to.
  add_extension(subject, issued_by, NID_authority_key_identifier, "keyid:always");

  EVP_PKEY* const signing_key = by != nullptr ? by->key.get() : key;
  require(X509_sign(subject, signing_key, EVP_sha256()) > 0, "X509_sign");
  return certificate;
}

issuer make_authority(char const* common_name, issuer const* by = nullptr) {
  auto key = make_ec_key();
  auto certificate = sign(authority_request(common_name), key.get(), by);
  return {std::move(key), std::move(certificate)};
}

template <class Write>
std::string to_pem(Write write) {
  bio_ptr const memory{BIO_new(BIO_s_mem())};
  require(memory != nullptr && write(memory.get()) == 1, "writing PEM");
  char* text = nullptr;
  auto const length = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

std::string to_pem(X509* certificate) {
  return to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string to_pem(EVP_PKEY* key) {
  return to_pem([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

identity issue(identity_kind kind, issuer const& by) {
  auto const key = kind == identity_kind::server_rsa       ? make_rsa_key()
                   : kind == identity_kind::server_ed25519 ? make_ed25519_key()
                                                           : make_ec_key();
  return {to_pem(sign(leaf_request(kind), key.get(), &by).get()), to_pem(key.get()),
          to_pem(by.certificate.get())};
}

issuer const& common_authority() {
  static issuer const made = make_authority("tls_async test authority");
  return made;
}

time_ptr time_from_now(std::chrono::seconds distance) {
  time_ptr made{X509_gmtime_adj(nullptr, distance.count())};
  require(made != nullptr, "X509_gmtime_adj");
  return made;
}

// X509_CRL_add0_revoked(3) takes it.
void revoke(X509_CRL* list, std::string const& pem) {
  bio_ptr const from{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  certificate_ptr const certificate{PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr)};
  require(certificate != nullptr, "reading what is revoked");
  std::unique_ptr<X509_REVOKED, deleter<X509_REVOKED_free>> entry{X509_REVOKED_new()};
  require(entry != nullptr &&
              X509_REVOKED_set_serialNumber(entry.get(),
                                            X509_get_serialNumber(certificate.get())) == 1 &&
              X509_REVOKED_set_revocationDate(entry.get(), time_from_now(-1h).get()) == 1 &&
              X509_CRL_add0_revoked(list, entry.get()) == 1,
          "revoking");
  std::ignore = entry.release();
}

identity make(identity_kind kind) {
  auto const& root = common_authority();
  switch (kind) {
    case identity_kind::untrusted:
      return issue(kind, make_authority("tls_async unknown authority"));
    case identity_kind::self_signed: {
      auto const key = make_ec_key();
      auto const own = to_pem(sign(leaf_request(kind), key.get(), nullptr).get());
      return {own, to_pem(key.get()), to_pem(root.certificate.get())};
    }
    case identity_kind::server_intermediate: {
      auto const intermediate = make_authority("tls_async test intermediate", &root);
      auto made = issue(kind, intermediate);
      made.certificate_chain += made.authority;
      made.authority = to_pem(root.certificate.get());
      return made;
    }
    default:
      return issue(kind, root);
  }
}

}  // namespace

identity const& make_identity(identity_kind kind) {
  static std::mutex guard;
  static std::map<identity_kind, identity> made;
  std::lock_guard const lock{guard};
  auto const found = made.find(kind);
  return found != made.end() ? found->second : made.emplace(kind, make(kind)).first->second;
}

std::string make_revocations(std::string const& revoked) {
  auto const& by = common_authority();
  revocations_ptr const list{X509_CRL_new()};
  require(
      list != nullptr && X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 &&
          X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(by.certificate.get())) == 1 &&
          X509_CRL_set1_lastUpdate(list.get(), time_from_now(-1h).get()) == 1 &&
          X509_CRL_set1_nextUpdate(list.get(), time_from_now(24h * 30).get()) == 1,
      "a list of revoked certificates");
  if (!revoked.empty()) revoke(list.get(), revoked);
  require(
      X509_CRL_sort(list.get()) == 1 && X509_CRL_sign(list.get(), by.key.get(), EVP_sha256()) > 0,
      "signing a list of revoked certificates");
  return to_pem([&](BIO* out) { return PEM_write_bio_X509_CRL(out, list.get()); });
}

}  // namespace tls_async::test
