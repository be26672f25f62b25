// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "named.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ostream>
#include <stdexcept>

namespace tls_async::test {
namespace {

struct key_free {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using owned_key = std::unique_ptr<EVP_PKEY, key_free>;
struct certificate_free {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using owned_certificate = std::unique_ptr<X509, certificate_free>;

void need(bool ok, std::string const& what) {
  if (!ok) throw std::runtime_error{what};
}

EVP_PKEY* the_rsa_key() {
  static owned_key const key{EVP_RSA_gen(2048)};
  need(key != nullptr && EVP_PKEY_up_ref(key.get()) == 1, "making an RSA key");
  return key.get();
}

owned_key make_key(std::string const& type) {
  if (type == "RSA") return owned_key{the_rsa_key()};
  owned_key key{type == "EC" ? EVP_EC_gen("P-256")
                             : EVP_PKEY_Q_keygen(nullptr, nullptr, type.c_str())};
  need(key != nullptr, type);
  return key;
}

template <class Write>
std::string as_pem(Write write) {
  bio_ptr const memory{BIO_new(BIO_s_mem())};
  need(write(memory.get()) == 1, "writing PEM");
  char* text = nullptr;
  auto const length = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

void add_names(X509* certificate, std::string const& alternatives) {
  if (alternatives.empty()) return;
  X509V3_CTX alone;
  X509V3_set_ctx_nodb(&alone);
  X509V3_set_ctx(&alone, certificate, certificate, nullptr, nullptr, 0);
  auto* const extension =
      X509V3_EXT_conf_nid(nullptr, &alone, NID_subject_alt_name, alternatives.c_str());
  bool const is_added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  need(is_added, alternatives);
}

std::string common_name_of(X509* certificate) {
  if (certificate == nullptr) return "";
  char text[128] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
  return text;
}

SSL_CTX* any_client() {
  static context_ptr const client = [] {
    context_ptr made{SSL_CTX_new(TLS_client_method())};
    need(made != nullptr, "SSL_CTX_new");
    SSL_CTX_set_verify(made.get(), SSL_VERIFY_NONE, nullptr);
    return made;
  }();
  return client.get();
}

// OpenSSL adds 1000 to the number of an alert.
int alert_of(answer const& given) {
  return given.reason > SSL_AD_REASON_OFFSET ? given.reason - SSL_AD_REASON_OFFSET : 0;
}

}  // namespace

named make_named(char const* type, std::string const& alternatives, std::string const& common_name,
                 char const* ends) {
  auto const key = make_key(type);
  owned_certificate const certificate{X509_new()};
  X509* const raw = certificate.get();
  auto* const subject = X509_get_subject_name(raw);
  need(X509_set_version(raw, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), 0x1a2b) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(raw), -3600) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(raw), 86'400) != nullptr &&
           X509_set_pubkey(raw, key.get()) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                      reinterpret_cast<unsigned char const*>(common_name.c_str()),
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(raw, subject) == 1,
       common_name);
  if (ends != nullptr) need(ASN1_TIME_set_string(X509_getm_notAfter(raw), ends) == 1, ends);
  add_names(raw, alternatives);
  bool const has_own_digest = std::string{type} == "ED25519";
  need(X509_sign(raw, key.get(), has_own_digest ? nullptr : EVP_sha256()) > 0, "signing");
  return {as_pem([&](BIO* out) { return PEM_write_bio_X509(out, raw); }), as_pem([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

std::ostream& operator<<(std::ostream& out, visit const& was) {
  return out << (was.completed ? "completed" : "not completed") << ", subject '" << was.subject
             << "', " << (was.resumed ? "resumed" : "not resumed") << ", alert " << was.alert;
}

encounter::encounter(context& server, wish const& wanted, ring_sizes server_rings)
    : client_{any_client(), role::client},
      server_{server.native_handle(), role::server, server_rings} {
  SSL* const ssl = client_.ssl();
  need(SSL_set_min_proto_version(ssl, wanted.version) == 1 &&
           SSL_set_max_proto_version(ssl, wanted.version) == 1,
       "version");
  if (!wanted.name.empty())
    need(SSL_set_tlsext_host_name(ssl, wanted.name.c_str()) == 1, wanted.name);
  if (*wanted.signatures != '\0')
    need(SSL_set1_sigalgs_list(ssl, wanted.signatures) == 1, wanted.signatures);
  if (wanted.session != nullptr) need(SSL_set_session(ssl, wanted.session) == 1, "session");
}

visit encounter::finish() {
  visit was;
  std::string plaintext;
  answer last;
  for (std::size_t moved = 1; moved > 0;) {
    bool const is_connected = SSL_is_init_finished(client_.ssl()) == 1;
    last = is_connected ? client_.read(plaintext) : client_.handshake();
    moved = move_ciphertext(client_, server_);
    SSL_is_init_finished(server_.ssl()) == 1 ? server_.read(plaintext) : server_.handshake();
    moved += move_ciphertext(server_, client_);
    if (alert_of(last) != 0) break;
  }
  was.alert = alert_of(last);
  was.completed = was.alert == 0 && SSL_is_init_finished(client_.ssl()) == 1 &&
                  SSL_is_init_finished(server_.ssl()) == 1;
  was.subject = common_name_of(SSL_get0_peer_certificate(client_.ssl()));
  was.resumed = SSL_session_reused(client_.ssl()) == 1;
  was.session.reset(SSL_get1_session(client_.ssl()));
  // Else a session that was not closed may not be resumed.
  SSL_set_shutdown(client_.ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ERR_clear_error();
  return was;
}

}  // namespace tls_async::test
