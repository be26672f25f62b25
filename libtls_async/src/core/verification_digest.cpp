// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "verification_digest.hpp"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "error_queue.hpp"
#include "openssl_ptr.hpp"

namespace tls_async::detail {
namespace {

bool digest_of(std::string_view text, sha256_digest& made) noexcept {
  return EVP_Digest(text.data(), text.size(), made.data(), nullptr, EVP_sha256(), nullptr) == 1;
}

std::string_view text_of(sha256_digest const& digest) noexcept {
  return {reinterpret_cast<char const*>(digest.data()), digest.size()};
}

void add_number(std::string& to, std::uint64_t number) {
  for (int shift = 0; shift != 64; shift += 8)
    to += static_cast<char>(number >> shift & 0xff);
}

// With its length before it, so that no two lists of texts look the same.
void add_text(std::string& to, std::string_view text) {
  add_number(to, text.size());
  to += text;
}

// Of a context that is not ours nobody has told what it trusts. A directory's certificates come
// into the store when they are needed, which then looks like other rules: a full handshake.
bool add_certificates(std::string& to, X509_STORE* store) {
  certificates_ptr const all(X509_STORE_get1_all_certs(store));
  if (all == nullptr) return false;
  std::vector<sha256_digest> each(static_cast<std::size_t>(sk_X509_num(all.get())));
  for (std::size_t i = 0; i != each.size(); ++i) {
    if (X509_digest(sk_X509_value(all.get(), static_cast<int>(i)), EVP_sha256(), each[i].data(),
                    nullptr) != 1)
      return false;
  }
  std::sort(each.begin(), each.end());
  for (auto const& one : each)
    to += text_of(one);
  return true;
}

}  // namespace

bool add_to_digest(sha256_digest& so_far, std::string_view given) noexcept {
  try {
    std::string text(text_of(so_far));
    add_text(text, given);
    sha256_digest made;
    if (!digest_of(text, made)) return false;
    so_far = made;
    return true;
  } catch (std::bad_alloc const&) {
    return false;
  }
}

std::optional<sha256_digest> verification_digest(SSL const* ssl) noexcept {
  error_mark const mark;
  try {
    SSL_CTX* const context = SSL_get_SSL_CTX(ssl);
    X509_VERIFY_PARAM* const parameters = SSL_get0_param(const_cast<SSL*>(ssl));
    std::string rules = "tls_async 1";  // what is hashed below, and how
    add_number(rules, SSL_is_server(ssl) != 0 ? 1 : 0);
    add_number(rules, static_cast<std::uint64_t>(SSL_get_verify_mode(ssl)));
    add_number(rules, static_cast<std::uint64_t>(SSL_get_verify_depth(ssl)));
    add_number(rules, static_cast<std::uint64_t>(SSL_get_security_level(ssl)));
    add_number(rules, X509_VERIFY_PARAM_get_flags(parameters));
    add_number(rules, X509_VERIFY_PARAM_get_inh_flags(parameters));
    add_number(rules, static_cast<std::uint64_t>(X509_VERIFY_PARAM_get_auth_level(parameters)));
    if (auto const* const policy = policy_of(context); policy != nullptr) {
      add_number(rules, policy->verification_skipped ? 1 : 0);
      rules += text_of(policy->trust.digest());
      add_text(rules, policy->rules_version);
    } else if (!add_certificates(rules, SSL_CTX_get_cert_store(context))) {
      return {};
    }
    sha256_digest made;
    if (!digest_of(rules, made)) return {};
    return made;
  } catch (std::bad_alloc const&) {
    return {};
  }
}

}  // namespace tls_async::detail
