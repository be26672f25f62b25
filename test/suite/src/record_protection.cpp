// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async_test/record_protection.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

namespace tls_async::test {
namespace {

constexpr std::size_t header_size = 5;
constexpr std::size_t tag_size = 16;
constexpr std::size_t key_size = 16;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t explicit_nonce_size = 8;  // TLS 1.2: RFC 5288 section 3

void require(bool ok, char const* what) {
  if (!ok) throw std::runtime_error{std::string{"record_protection: "} + what};
}

unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
unsigned char const* bytes(std::string_view text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}

std::string two_bytes(std::size_t n) {
  return {static_cast<char>((n >> 8) & 0xff), static_cast<char>(n & 0xff)};
}

OSSL_PARAM octets(char const* name, std::string_view value) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
}

using kdf = std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)>;
kdf fetch(char const* name) { return {EVP_KDF_fetch(nullptr, name, nullptr), &EVP_KDF_free}; }

std::string derive(kdf const& by, OSSL_PARAM const* parameters, std::size_t length) {
  std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> const context(EVP_KDF_CTX_new(by.get()),
                                                                          &EVP_KDF_CTX_free);
  std::string derived(length, '\0');
  require(
      context != nullptr && EVP_KDF_derive(context.get(), bytes(derived), length, parameters) == 1,
      "deriving keys");
  return derived;
}

char sha256[] = "SHA256";

// RFC 8446 section 7.1, with an empty context.
std::string hkdf_expand_label(std::string_view secret, std::string_view label, std::size_t length) {
  std::string const full = "tls13 " + std::string(label);
  std::string const info = two_bytes(length) + static_cast<char>(full.size()) + full + '\0';
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  OSSL_PARAM const parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode), octets(OSSL_KDF_PARAM_KEY, secret),
      octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  static kdf const hkdf = fetch("HKDF");
  return derive(hkdf, parameters, length);
}

struct aead_input {
  std::string_view key, nonce, additional;
};

using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

cipher_context begin(aead_input const& with, bool seals) {
  static std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> const gcm(
      EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr), &EVP_CIPHER_free);
  cipher_context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int n = 0;
  require(context != nullptr &&
              EVP_CipherInit_ex2(context.get(), gcm.get(), bytes(with.key), bytes(with.nonce),
                                 seals ? 1 : 0, nullptr) == 1 &&
              EVP_CipherUpdate(context.get(), nullptr, &n, bytes(with.additional),
                               static_cast<int>(with.additional.size())) == 1,
          "AES-128-GCM");
  return context;
}

std::string gcm_seal(aead_input const& with, std::string_view plaintext) {
  auto const context = begin(with, true);
  std::string sealed(plaintext.size() + tag_size, '\0');
  int n = 0;
  // Without any input there is nothing to update, and OpenSSL would take it for the end.
  require((plaintext.empty() || EVP_CipherUpdate(context.get(), bytes(sealed), &n, bytes(plaintext),
                                                 static_cast<int>(plaintext.size())) == 1) &&
              EVP_CipherFinal_ex(context.get(), bytes(sealed) + plaintext.size(), &n) == 1 &&
              EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_size,
                                  bytes(sealed) + plaintext.size()) == 1,
          "sealing");
  return sealed;
}

std::optional<std::string> gcm_open(aead_input const& with, std::string_view sealed) {
  if (sealed.size() < tag_size) return {};
  auto const context = begin(with, false);
  auto const ciphertext = sealed.substr(0, sealed.size() - tag_size);
  std::string tag(sealed.substr(ciphertext.size()));
  std::string plaintext(ciphertext.size() + 1, '\0');
  int n = 0;
  bool const fits =
      (ciphertext.empty() ||
       EVP_CipherUpdate(context.get(), bytes(plaintext), &n, bytes(ciphertext),
                        static_cast<int>(ciphertext.size())) == 1) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1 &&
      EVP_CipherFinal_ex(context.get(), bytes(plaintext) + ciphertext.size(), &n) == 1;
  if (!fits) return {};
  plaintext.resize(ciphertext.size());
  return plaintext;
}

std::string header(unsigned char type, std::size_t length) {
  return std::string{static_cast<char>(type), 3, 3} + two_bytes(length);
}

// The type of the last handshake message that begins in the record.
char last_message(std::string_view messages) {
  constexpr std::size_t message_header = 4;
  char type = 0;
  while (messages.size() >= message_header) {
    auto const byte = [&](std::size_t at) {
      return static_cast<std::size_t>(static_cast<unsigned char>(messages[at]));
    };
    type = messages[0];
    std::size_t const size = message_header + byte(1) * 65'536 + byte(2) * 256 + byte(3);
    messages.remove_prefix(std::min(size, messages.size()));
  }
  return type;
}

}  // namespace

std::string plain_record(unsigned char type, std::string_view plaintext,
                         std::optional<std::size_t> length) {
  return header(type, length.value_or(plaintext.size())) + std::string(plaintext);
}

std::string_view first_record(std::string_view ciphertext) {
  if (ciphertext.size() < header_size) return {};
  auto const byte = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(ciphertext[at]));
  };
  std::size_t const size = header_size + byte(3) * 256 + byte(4);
  return ciphertext.size() < size ? std::string_view() : ciphertext.substr(0, size);
}

record_protection record_protection::of_secret(std::string_view secret) {
  record_protection made;
  made.secret_ = secret;
  made.key_ = hkdf_expand_label(secret, "key", key_size);
  made.iv_ = hkdf_expand_label(secret, "iv", nonce_size);
  return made;
}

record_protection record_protection::of_key_block(std::string_view master_secret,
                                                  std::string_view client_random,
                                                  std::string_view server_random,
                                                  bool client_writes) {
  std::string const seed =
      "key expansion" + std::string(server_random) + std::string(client_random);
  OSSL_PARAM const parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
      octets(OSSL_KDF_PARAM_SECRET, master_secret), octets(OSSL_KDF_PARAM_SEED, seed),
      OSSL_PARAM_construct_end()};
  constexpr std::size_t salt_size = nonce_size - explicit_nonce_size;
  static kdf const prf = fetch("TLS1-PRF");
  auto const block = derive(prf, parameters, 2 * key_size + 2 * salt_size);
  record_protection made;
  made.is_tls1_3_ = false;
  made.key_ = block.substr(client_writes ? 0 : key_size, key_size);
  made.iv_ = block.substr(2 * key_size + (client_writes ? 0 : salt_size), salt_size);
  return made;
}

record_protection record_protection::wrong() const {
  record_protection made = *this;
  for (char& c : made.key_)
    c = static_cast<char>(~c);
  return made;
}

record_protection record_protection::next_generation() const {
  return of_secret(hkdf_expand_label(secret_, "traffic upd", secret_.size()));
}

std::string record_protection::sequence_bytes() const {
  std::string number(8, '\0');
  for (std::size_t i = 0; i != 8; ++i)
    number[i] = static_cast<char>((sequence_ >> (56 - 8 * i)) & 0xff);
  return number;
}

std::string record_protection::nonce(std::string_view of_record) const {
  if (!is_tls1_3_) return iv_ + std::string(of_record);
  std::string mixed = iv_;
  auto const number = sequence_bytes();
  for (std::size_t i = 0; i != number.size(); ++i)
    mixed[nonce_size - 8 + i] = static_cast<char>(mixed[nonce_size - 8 + i] ^ number[i]);
  return mixed;
}

std::string record_protection::seal(unsigned char type, std::string_view plaintext,
                                    std::size_t padding) {
  if (is_tls1_3_) {
    auto const inner =
        std::string(plaintext) + static_cast<char>(type) + std::string(padding, '\0');
    auto const head = header(content::application_data, inner.size() + tag_size);
    auto const sealed = gcm_seal({key_, nonce({}), head}, inner);
    ++sequence_;
    return head + sealed;
  }
  auto const explicit_nonce = sequence_bytes();
  auto const additional = sequence_bytes() + header(type, plaintext.size());
  auto const sealed = gcm_seal({key_, nonce(explicit_nonce), additional}, plaintext);
  ++sequence_;
  return header(type, explicit_nonce.size() + sealed.size()) + explicit_nonce + sealed;
}

std::optional<record> record_protection::open(std::string_view ciphertext) {
  auto const head = ciphertext.substr(0, header_size);
  auto sealed = ciphertext.substr(header_size);
  record opened{static_cast<unsigned char>(head[0]), {}, epoch::plain};
  if (is_tls1_3_) {
    auto inner = gcm_open({key_, nonce({}), head}, sealed);
    if (!inner) return {};
    auto const type_at = inner->find_last_not_of('\0');
    if (type_at == std::string::npos) return {};
    opened.type = static_cast<unsigned char>((*inner)[type_at]);
    opened.plaintext = inner->substr(0, type_at);
  } else {
    if (sealed.size() < explicit_nonce_size + tag_size) return {};
    auto const explicit_nonce = sealed.substr(0, explicit_nonce_size);
    sealed.remove_prefix(explicit_nonce_size);
    auto const additional = sequence_bytes() + header(opened.type, sealed.size() - tag_size);
    auto plaintext = gcm_open({key_, nonce(explicit_nonce), additional}, sealed);
    if (!plaintext) return {};
    opened.plaintext = std::move(*plaintext);
  }
  ++sequence_;
  return opened;
}

std::optional<record> record_opener::open(std::string_view ciphertext) {
  auto const type = static_cast<unsigned char>(ciphertext.at(0));
  bool const is_sealed =
      is_tls1_3_ ? type == content::application_data : now_ == epoch::application;
  if (!is_sealed) {
    // What follows it in TLS 1.2 is protected.
    if (!is_tls1_3_ && type == content::change_cipher_spec) now_ = epoch::application;
    return record{type, std::string(ciphertext.substr(header_size)), epoch::plain};
  }
  auto opened = unseal(ciphertext);
  constexpr char finished = 20;  // RFC 8446 section 4.4.4
  if (opened && !has_finished_ && opened->type == content::handshake) {
    opened->finishes = has_finished_ = last_message(opened->plaintext) == finished;
  }
  return opened;
}

std::optional<record> record_opener::unseal(std::string_view ciphertext) {
  for (auto& [which, keys] : keys_) {
    if (which < now_) continue;
    auto opened = keys.open(ciphertext);
    if (!opened && is_tls1_3_ && which == epoch::application) {
      auto next = keys.next_generation();
      opened = next.open(ciphertext);
      if (opened) keys = std::move(next);
    }
    if (!opened) continue;
    opened->under = now_ = which;
    return opened;
  }
  return {};
}

}  // namespace tls_async::test
