// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The provider of keys that are not here. It stands in an OSSL_LIB_CTX of its own, so that nobody
// who asks OpenSSL for RSA gets it: libssl finds it by the key (EVP_DigestSignInit_ex(3)), which
// refuses to be exported as a private one to another provider.
#include "remote_key.hpp"

#include <tls_async/core/engine.hpp>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "error_queue.hpp"

namespace tls_async::detail {
namespace {

using pkey_context_ptr = openssl_ptr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using parameters_ptr = openssl_ptr<OSSL_PARAM, OSSL_PARAM_free>;
using digest_context_ptr = openssl_ptr<EVP_MD_CTX, EVP_MD_CTX_free>;

constexpr char const* name_of_provider = "tls_async";
constexpr char const* property = "provider=tls_async";

template <class Function>
OSSL_DISPATCH entry(int which, Function* function) {
  return {which, reinterpret_cast<void (*)()>(function)};
}
OSSL_DISPATCH const the_end{0, nullptr};

// What OpenSSL asks of a key (provider-keymgmt(7)).

struct remote_key {
  key_ptr real;  // the public one
};

void* new_key(void*) noexcept { return new (std::nothrow) remote_key; }
void free_key(void* key) noexcept { delete static_cast<remote_key*>(key); }
EVP_PKEY* real(void const* key) noexcept { return static_cast<remote_key const*>(key)->real.get(); }

int has_parts(void const* key, int) noexcept { return real(key) != nullptr ? 1 : 0; }

int are_equal(void const* one, void const* other, int) noexcept {
  return EVP_PKEY_eq(real(one), real(other)) == 1 ? 1 : 0;
}

int import_as(char const* type, void* key, OSSL_PARAM const* parameters) noexcept {
  pkey_context_ptr const maker{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* made = nullptr;
  if (maker == nullptr || EVP_PKEY_fromdata_init(maker.get()) != 1 ||
      EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(parameters)) != 1) {
    return 0;
  }
  static_cast<remote_key*>(key)->real.reset(made);
  return 1;
}
int import_rsa(void* key, int, OSSL_PARAM const* from) noexcept {
  return import_as("RSA", key, from);
}
int import_ec(void* key, int, OSSL_PARAM const* from) noexcept {
  return import_as("EC", key, from);
}
int import_ed25519(void* key, int, OSSL_PARAM const* from) noexcept {
  return import_as("ED25519", key, from);
}

int export_key(void* key, int parts, OSSL_CALLBACK* to, void* argument) noexcept {
  if ((parts & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) return 0;
  OSSL_PARAM* all = nullptr;
  if (EVP_PKEY_todata(real(key), EVP_PKEY_PUBLIC_KEY, &all) != 1) return 0;
  parameters_ptr const owned{all};
  return to(all, argument);
}

OSSL_PARAM const* no_parameters(int) noexcept {
  static constexpr OSSL_PARAM none[] = {OSSL_PARAM_END};
  return none;
}
OSSL_PARAM const* any_parameters(void*) noexcept { return no_parameters(0); }
int get_parameters(void* key, OSSL_PARAM* wanted) noexcept {
  return EVP_PKEY_get_params(real(key), wanted);
}
char const* name_of_ec_operation(int operation) noexcept {
  return operation == OSSL_OP_SIGNATURE ? "ECDSA" : nullptr;
}
char const* name_of_rsa_operation(int operation) noexcept {
  return operation == OSSL_OP_SIGNATURE ? "RSA" : nullptr;
}
char const* name_of_ed25519_operation(int operation) noexcept {
  return operation == OSSL_OP_SIGNATURE ? "ED25519" : nullptr;
}

std::array<OSSL_DISPATCH, 12> keys_of(OSSL_FUNC_keymgmt_import_fn* import,
                                      OSSL_FUNC_keymgmt_query_operation_name_fn* name) {
  return {entry(OSSL_FUNC_KEYMGMT_NEW, new_key),
          entry(OSSL_FUNC_KEYMGMT_FREE, free_key),
          entry(OSSL_FUNC_KEYMGMT_HAS, has_parts),
          entry(OSSL_FUNC_KEYMGMT_MATCH, are_equal),
          entry(OSSL_FUNC_KEYMGMT_IMPORT, import),
          entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, no_parameters),
          entry(OSSL_FUNC_KEYMGMT_EXPORT, export_key),
          entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, no_parameters),
          entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_parameters),
          entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, any_parameters),
          entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, name),
          the_end};
}

// What it asks of a signature (provider-signature(7)).

struct remote_signing {
  remote_signature asked;
  openssl_ptr<EVP_MD, EVP_MD_free> digest;
};

void* new_signing(void*, char const*) noexcept { return new (std::nothrow) remote_signing; }
void free_signing(void* signing) noexcept { delete static_cast<remote_signing*>(signing); }

int set_parameters(void* signing, OSSL_PARAM const* given) noexcept {
  auto& asked = static_cast<remote_signing*>(signing)->asked;
  OSSL_PARAM const* const padding =
      given != nullptr ? OSSL_PARAM_locate_const(given, OSSL_SIGNATURE_PARAM_PAD_MODE) : nullptr;
  if (padding == nullptr) return 1;
  if (padding->data_type == OSSL_PARAM_UTF8_STRING) {
    asked.is_pss = std::strcmp(static_cast<char const*>(padding->data), "pss") == 0;
    return 1;
  }
  int number = 0;
  if (OSSL_PARAM_get_int(padding, &number) != 1) return 0;
  asked.is_pss = number == RSA_PKCS1_PSS_PADDING;
  return asked.is_pss || number == RSA_PKCS1_PADDING ? 1 : 0;
}

// Those that libssl sets: a salt is as long as the digest, which is that of the mask, too.
OSSL_PARAM const* settable_parameters(void*, void*) noexcept {
  static OSSL_PARAM const all[] = {
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, nullptr, 0), OSSL_PARAM_END};
  return all;
}

int begin_signing(void* signing, char const* digest, void* key, OSSL_PARAM const* given) noexcept {
  auto& begun = *static_cast<remote_signing*>(signing);
  EVP_PKEY* const by = key != nullptr ? real(key) : begun.asked.key;  // begun again
  if (by == nullptr) return 0;
  begun.digest.reset();
  if (digest != nullptr && *digest != '\0') {
    begun.digest.reset(EVP_MD_fetch(nullptr, digest, nullptr));
    if (begun.digest == nullptr) return 0;
  }
  begun.asked = {by, begun.digest.get(), false, {}};
  return set_parameters(signing, given);
}

// It may wait in the middle, as a job of OpenSSL's; for AddressSanitizer see engine::sign.
[[gnu::no_sanitize_address]] int sign(void* signing, unsigned char* to, std::size_t* length,
                                      std::size_t room, unsigned char const* message,
                                      std::size_t size) noexcept {
  auto& asked = static_cast<remote_signing*>(signing)->asked;
  if (to == nullptr) return *length = static_cast<std::size_t>(EVP_PKEY_get_size(asked.key)), 1;
  asked.message = std::as_bytes(std::span(message, size));
  *length = engine::sign(asked, std::as_writable_bytes(std::span(to, room)));
  if (*length != 0) return 1;
  ERR_raise_data(ERR_LIB_PROV, ERR_R_OPERATION_FAIL, "the private key is elsewhere");
  return 0;
}

OSSL_ALGORITHM const* query(void*, int operation, int* may_not_store) noexcept {
  static auto const rsa = keys_of(import_rsa, name_of_rsa_operation);
  static auto const ec = keys_of(import_ec, name_of_ec_operation);
  static auto const ed25519 = keys_of(import_ed25519, name_of_ed25519_operation);
  static std::array<OSSL_DISPATCH, 7> const signatures{
      {entry(OSSL_FUNC_SIGNATURE_NEWCTX, new_signing),
       entry(OSSL_FUNC_SIGNATURE_FREECTX, free_signing),
       entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, begin_signing),
       entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),
       entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_parameters),
       entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable_parameters), the_end}};
  static OSSL_ALGORITHM const keys[] = {{"RSA:rsaEncryption", property, rsa.data(), nullptr},
                                        {"EC:id-ecPublicKey", property, ec.data(), nullptr},
                                        {"ED25519", property, ed25519.data(), nullptr},
                                        {nullptr, nullptr, nullptr, nullptr}};
  static OSSL_ALGORITHM const signing[] = {{"RSA", property, signatures.data(), nullptr},
                                           {"ECDSA", property, signatures.data(), nullptr},
                                           {"ED25519", property, signatures.data(), nullptr},
                                           {nullptr, nullptr, nullptr, nullptr}};
  *may_not_store = 0;
  return operation == OSSL_OP_KEYMGMT ? keys : operation == OSSL_OP_SIGNATURE ? signing : nullptr;
}

int begin_provider(OSSL_CORE_HANDLE const* handle, OSSL_DISPATCH const*, OSSL_DISPATCH const** ours,
                   void** context) noexcept {
  static OSSL_DISPATCH const all[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), the_end};
  *ours = all;
  *context = const_cast<OSSL_CORE_HANDLE*>(handle);
  return 1;
}

// Made once, and never freed: keys of it may end after all that is static.
OSSL_LIB_CTX* library() {
  static OSSL_LIB_CTX* const made = [] {
    OSSL_LIB_CTX* const fresh = OSSL_LIB_CTX_new();
    if (fresh == nullptr ||
        OSSL_PROVIDER_add_builtin(fresh, name_of_provider, begin_provider) != 1 ||
        OSSL_PROVIDER_load(fresh, name_of_provider) == nullptr) {
      OSSL_LIB_CTX_free(fresh);
      throw std::bad_alloc();
    }
    return fresh;
  }();
  return made;
}

void free_bytes(unsigned char* bytes) noexcept { OPENSSL_free(bytes); }

// RFC 8446 section 4.2.3; 0 for what has no number there.
std::uint16_t scheme_of(remote_signature const& asked, int digest) noexcept {
  if (EVP_PKEY_is_a(asked.key, "ED25519") == 1) return 0x0807;
  unsigned const hash = digest == NID_sha1     ? 2
                        : digest == NID_sha224 ? 3
                        : digest == NID_sha256 ? 4
                        : digest == NID_sha384 ? 5
                        : digest == NID_sha512 ? 6
                                               : 0;
  if (hash == 0) return 0;
  if (asked.is_pss) return static_cast<std::uint16_t>(0x0800 + hash);
  unsigned const kind = EVP_PKEY_is_a(asked.key, "EC") == 1 ? 3 : 1;
  return static_cast<std::uint16_t>(hash << 8 | kind);
}

}  // namespace

signature_request signature_request_of(remote_signature const& asked) {
  error_mark const mark;
  int const digest = asked.digest != nullptr ? EVP_MD_get_type(asked.digest) : NID_undef;
  unsigned char* encoded = nullptr;
  int const size = i2d_PUBKEY(asked.key, &encoded);
  openssl_ptr<unsigned char, free_bytes> const owned{encoded};
  if (size <= 0) throw std::bad_alloc();
  auto const list = [](std::span<std::byte const> bytes) {
    return shared_list<std::byte>(std::vector(bytes.begin(), bytes.end()));
  };
  return {.scheme = scheme_of(asked, digest),
          .digest = asked.digest != nullptr ? OBJ_nid2sn(digest) : "",
          .message = list(asked.message),
          .public_key = list(std::as_bytes(std::span(encoded, static_cast<std::size_t>(size))))};
}

bool is_signature(remote_signature const& asked, std::span<std::byte const> made) {
  error_mark const mark;
  auto const require = [](bool is_good) {
    if (!is_good) throw std::bad_alloc();
  };
  digest_context_ptr const context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* key = nullptr;
  auto const* const digest = asked.digest != nullptr ? EVP_MD_get0_name(asked.digest) : nullptr;
  require(context != nullptr && EVP_DigestVerifyInit_ex(context.get(), &key, digest, nullptr,
                                                        nullptr, asked.key, nullptr) == 1);
  require(!asked.is_pss || (EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1 &&
                            EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST) == 1));
  auto const bytes = [](std::span<std::byte const> of) {
    return reinterpret_cast<unsigned char const*>(of.data());
  };
  bool const is_good = EVP_DigestVerify(context.get(), bytes(made), made.size(),
                                        bytes(asked.message), asked.message.size()) == 1;
  require(is_good || ERR_GET_REASON(ERR_peek_last_error()) != ERR_R_MALLOC_FAILURE);
  return is_good;
}

key_ptr make_remote_key(EVP_PKEY* public_key) {
  error_mark const mark;
  char const* const type = EVP_PKEY_get0_type_name(public_key);
  pkey_context_ptr const maker{EVP_PKEY_CTX_new_from_name(library(), type, property)};
  if (maker == nullptr || EVP_PKEY_fromdata_init(maker.get()) != 1) return nullptr;
  OSSL_PARAM* all = nullptr;
  if (EVP_PKEY_todata(public_key, EVP_PKEY_PUBLIC_KEY, &all) != 1) return nullptr;
  parameters_ptr const owned{all};
  EVP_PKEY* made = nullptr;
  (void)EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_KEYPAIR, all);
  return key_ptr{made};
}

}  // namespace tls_async::detail
