// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the context tests share.
#include "trial.hpp"

#include <tls_async_test/certificates.hpp>
#include <tls_async_test/tls_pair.hpp>

#include <boost/test/unit_test.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <fstream>
#include <ostream>
#include <stdexcept>

namespace tls_async::test {
namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using name_ptr = std::unique_ptr<X509_NAME, freed_by<X509_NAME_free>>;

void require(bool ok, char const* what) {
  if (!ok) throw std::runtime_error{what};
}

bio_ptr open(std::string const& text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

certificate_ptr read_certificate(std::string const& pem) {
  certificate_ptr certificate{PEM_read_bio_X509(open(pem).get(), nullptr, nullptr, nullptr)};
  require(certificate != nullptr, "no certificate");
  return certificate;
}

template <class Write>
std::string written(Write write) {
  bio_ptr const memory{BIO_new(BIO_s_mem())};
  require(write(memory.get()) > 0, "writing");
  char* text = nullptr;
  auto const length = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

std::string subject(X509* certificate) {
  if (certificate == nullptr) return "";
  auto const* const name = X509_get_subject_name(certificate);
  auto const place = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (place < 0) return "";
  auto const* const text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, place));
  return {reinterpret_cast<char const*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// One move of one side: the handshake, then reading, which brings tickets and late alerts.
std::string move(raw_session& side) {
  std::string plaintext;
  auto const given =
      SSL_is_init_finished(side.ssl()) == 0 ? side.handshake() : side.read(plaintext);
  if (given || given.error == SSL_ERROR_WANT_READ) return "";
  char const* const words = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, given.reason));
  return words != nullptr ? words : "error " + std::to_string(given.error);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, outcome const& was) {
  return out << (was.completed ? "completed" : "not completed") << ", client: '"
             << was.client_reason << "', server: '" << was.server_reason << "', " << was.version
             << ' ' << was.suite << ", alpn '" << was.alpn << "'";
}

outcome try_handshake(SSL_CTX* client_context, SSL_CTX* server_context) {
  // Room for a ClientHello or a chain of any length.
  constexpr ring_sizes rings{262'144, 262'144};
  raw_session client{client_context, role::client, rings};
  raw_session server{server_context, role::server, rings};
  outcome was;
  for (std::size_t moved = 1; moved > 0;) {
    if (was.client_reason.empty()) was.client_reason = move(client);
    moved = move_ciphertext(client, server);
    if (was.server_reason.empty()) was.server_reason = move(server);
    moved += move_ciphertext(server, client);
  }
  was.completed = was.client_reason.empty() && was.server_reason.empty() &&
                  SSL_is_init_finished(client.ssl()) == 1 &&
                  SSL_is_init_finished(server.ssl()) == 1;
  was.version = SSL_get_version(client.ssl());
  if (char const* const suite = SSL_get_cipher_name(client.ssl())) was.suite = suite;
  unsigned char const* alpn = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(client.ssl(), &alpn, &length);
  was.alpn.assign(alpn, alpn + length);
  was.server_subject = subject(SSL_get0_peer_certificate(client.ssl()));
  was.client_subject = subject(SSL_get0_peer_certificate(server.ssl()));
  if (auto* const chain = SSL_get_peer_cert_chain(client.ssl())) {
    was.chain_length = static_cast<std::size_t>(sk_X509_num(chain));
  }
  return was;
}

context ready_server() {
  context server{context::role::server};
  server.use_certificate_chain(server_identity().certificate_chain);
  server.use_private_key(server_identity().private_key);
  return server;
}

context ready_client() {
  context client{context::role::client};
  client.trust(server_identity().authority);
  return client;
}

temporary_directory::temporary_directory() {
  auto name = (std::filesystem::temp_directory_path() / "tls_async-test-XXXXXX").string();
  require(mkdtemp(name.data()) != nullptr, "mkdtemp");
  path_ = name;
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path temporary_directory::file(std::string const& name,
                                                std::string_view content) const {
  auto file = path_ / name;
  std::ofstream{file, std::ios::binary} << content;
  return file;
}

void check_refused(errc code, std::string const& text, std::function<void()> const& set) {
  dirty_error_queue();
  try {
    set();
    BOOST_ERROR("not refused: " << text);
  } catch (boost::system::system_error const& error) {
    BOOST_TEST(error.code() == make_error_code(code), error.what());
    BOOST_TEST(std::string{error.what()}.substr(0, text.size()) == text);
  }
  BOOST_TEST(ERR_peek_error() == 0U);
}

void dirty_error_queue() { ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR); }

std::string encrypted_key(std::string const& pem, std::string const& password) {
  key_ptr const key{PEM_read_bio_PrivateKey(open(pem).get(), nullptr, nullptr, nullptr)};
  return written([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key.get(), EVP_aes_256_cbc(), password.data(),
                                         static_cast<int>(password.size()), nullptr, nullptr);
  });
}

std::string old_encrypted_key(std::string const& pem, std::string const& password) {
  key_ptr const key{PEM_read_bio_PrivateKey(open(pem).get(), nullptr, nullptr, nullptr)};
  return written([&](BIO* out) {
    return PEM_write_bio_PrivateKey_traditional(
        out, key.get(), EVP_aes_256_cbc(), reinterpret_cast<unsigned char const*>(password.data()),
        static_cast<int>(password.size()), nullptr, nullptr);
  });
}

made make_rsa(int bits, std::string const& common_name) {
  key_ptr const key{EVP_RSA_gen(static_cast<unsigned int>(bits))};
  certificate_ptr const certificate{X509_new()};
  X509* const raw = certificate.get();
  name_ptr const name{X509_NAME_new()};
  require(
      X509_set_version(raw, X509_VERSION_3) == 1 &&
          ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), 1) == 1 &&
          X509_gmtime_adj(X509_getm_notBefore(raw), -3600) != nullptr &&
          X509_gmtime_adj(X509_getm_notAfter(raw), 86'400) != nullptr &&
          X509_set_pubkey(raw, key.get()) == 1 &&
          X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_UTF8,
                                     reinterpret_cast<unsigned char const*>(common_name.c_str()),
                                     -1, -1, 0) == 1 &&
          X509_set_subject_name(raw, name.get()) == 1 &&
          X509_set_issuer_name(raw, name.get()) == 1 && X509_sign(raw, key.get(), EVP_sha256()) > 0,
      "making an RSA certificate");
  return {written([&](BIO* out) { return PEM_write_bio_X509(out, raw); }), written([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

std::string renamed(std::string const& certificate, std::string const& common_name) {
  auto const read = read_certificate(certificate);
  name_ptr const name{X509_NAME_new()};
  require(X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_UTF8,
                                     reinterpret_cast<unsigned char const*>(common_name.c_str()),
                                     -1, -1, 0) == 1 &&
              X509_set_subject_name(read.get(), name.get()) == 1 &&
              // Or what was read is written as it was.
              i2d_re_X509_tbs(read.get(), nullptr) > 0,
          "another subject");
  return written([&](BIO* out) { return PEM_write_bio_X509(out, read.get()); });
}

std::string lookup_name(std::string const& certificate) {
  auto const read = read_certificate(certificate);
  char name[16];
  std::snprintf(name, sizeof name, "%08lx.0", X509_subject_name_hash(read.get()));
  return name;
}

std::string to_der(std::string const& certificate) {
  auto const read = read_certificate(certificate);
  return written([&](BIO* out) { return i2d_X509_bio(out, read.get()); });
}

std::string pem_block(char const* label, std::string const& der) {
  return written([&](BIO* out) {
    return PEM_write_bio(out, label, "", reinterpret_cast<unsigned char const*>(der.data()),
                         static_cast<long>(der.size()));
  });
}

}  // namespace tls_async::test
