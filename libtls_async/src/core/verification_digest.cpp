// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "verification_digest.hpp"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "error_queue.hpp"
#include "host.hpp"
#include "openssl_ptr.hpp"

namespace tls_async::detail {
namespace {

bool digest_of(std::string_view text, sha256_digest& made, EVP_MD const* sha256) noexcept {
  return EVP_Digest(text.data(), text.size(), made.data(), nullptr, sha256, nullptr) == 1;
}

std::string_view text_of(sha256_digest const& digest) noexcept {
  return {reinterpret_cast<char const*>(digest.data()), digest.size()};
}

void add_number(std::string& to, std::uint64_t number) {
  std::array<char, 8> bytes;
  for (auto& each : bytes) {
    each = static_cast<char>(number & 0xff);
    number >>= 8;
  }
  to.append(bytes.data(), bytes.size());
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

void add_parameters(std::string& to, X509_VERIFY_PARAM* parameters) {
  text_ptr const ip(X509_VERIFY_PARAM_get1_ip_asc(parameters));
  add_text(to, ip ? ip.get() : "");
  add_number(to, X509_VERIFY_PARAM_get_hostflags(parameters));
  int hosts = 0;
  while (char const* const host = X509_VERIFY_PARAM_get0_host(parameters, hosts)) {
    add_text(to, in_lower_case(host));
    ++hosts;
  }
  add_number(to, static_cast<std::uint64_t>(hosts));
  char const* const address = X509_VERIFY_PARAM_get0_email(parameters);
  add_text(to, address != nullptr ? address : "");
  add_number(to, static_cast<std::uint64_t>(X509_VERIFY_PARAM_get_time(parameters)));
  add_number(to, X509_VERIFY_PARAM_get_flags(parameters));
  add_number(to, X509_VERIFY_PARAM_get_inh_flags(parameters));
  add_number(to, static_cast<std::uint64_t>(X509_VERIFY_PARAM_get_depth(parameters)));
  add_number(to, static_cast<std::uint64_t>(X509_VERIFY_PARAM_get_auth_level(parameters)));
}

// Lists of revoked certificates, which programs add to the store themselves. By their SHA-1, which
// OpenSSL has at hand: they are signed by who could as well sign another.
bool add_revocations(std::string& to, X509_STORE* store) {
  std::vector<std::array<unsigned char, 20>> each;
  X509_STORE_lock(store);
  auto* const all = X509_STORE_get0_objects(store);
  bool is_read = true;
  try {
    for (int i = 0; is_read && i < sk_X509_OBJECT_num(all); ++i) {
      X509_CRL* const list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(all, i));
      if (list == nullptr) continue;
      is_read = X509_CRL_digest(list, EVP_sha1(), each.emplace_back().data(), nullptr) == 1;
    }
  } catch (std::bad_alloc const&) {
    is_read = false;
  }
  X509_STORE_unlock(store);
  std::sort(each.begin(), each.end());
  add_number(to, each.size());
  for (auto const& one : each)
    to.append(reinterpret_cast<char const*>(one.data()), one.size());
  return is_read;
}

// Its own, in the place of the context's (SSL_set1_verify_cert_store(3)).
bool has_store_of_its_own(SSL* ssl, SSL_CTX* context) {
  X509_STORE* of_session = nullptr;
  X509_STORE* of_context = nullptr;
  SSL_get0_verify_cert_store(ssl, &of_session);
  SSL_CTX_get0_verify_cert_store(context, &of_context);
  return of_session != nullptr || of_context != nullptr;
}

}  // namespace

bool add_to_digest(sha256_digest& so_far, std::string_view given) noexcept {
  try {
    std::string text(text_of(so_far));
    add_text(text, given);
    sha256_digest made;
    if (!digest_of(text, made, EVP_sha256())) return false;
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
    auto* const session = const_cast<SSL*>(ssl);
    if (has_store_of_its_own(session, context)) return {};
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    auto const* const policy = policy_of(context);
    std::string rules;
    rules.reserve(256);
    rules += "tls_async 2";  // what is hashed below, and how
    add_number(rules, SSL_is_server(ssl) != 0 ? 1 : 0);
    add_number(rules, static_cast<std::uint64_t>(SSL_get_verify_mode(ssl)));
    add_number(rules, static_cast<std::uint64_t>(SSL_get_verify_depth(ssl)));
    add_number(rules, static_cast<std::uint64_t>(SSL_get_security_level(ssl)));
    add_parameters(rules, SSL_get0_param(session));
    add_parameters(rules, X509_STORE_get0_param(store));
    if (!add_revocations(rules, store)) return {};
    if (policy != nullptr) {
      add_number(rules, policy->verification_skipped ? 1 : 0);
      rules += text_of(policy->trust.digest());
      add_text(rules, policy->rules_version);
      add_text(rules, policy->pins);
    } else if (!add_certificates(rules, store)) {
      return {};
    }
    sha256_digest made;
    if (!digest_of(rules, made, policy != nullptr ? policy->sha256 : EVP_sha256())) return {};
    return made;
  } catch (std::bad_alloc const&) {
    return {};
  }
}

}  // namespace tls_async::detail
