// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The context's identity: brings a certificate chain and a private key together, in either order,
// and replaces the pair in use only by another whole pair.
#include "context_pem.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <utility>

namespace tls_async {
namespace {

using detail::certificate_ptr;
using detail::chain;
using detail::key_ptr;
using detail::private_key;
using detail::refuse;

constexpr auto chain_what = "certificate chain";
constexpr auto key_what = "private key";

struct wiped_at_end {
  std::string text;
  explicit wiped_at_end(std::string from) : text{std::move(from)} {}
  ~wiped_at_end() { OPENSSL_cleanse(text.data(), text.size()); }
  wiped_at_end(wiped_at_end const&) = delete;
  wiped_at_end& operator=(wiped_at_end const&) = delete;
};

// Owns only the stack: the certificates stay the chain's.
using stack_ptr =
    std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * stack) { sk_X509_free(stack); })>;

stack_ptr issuers_in(chain const& from) {
  stack_ptr stack{sk_X509_new_null()};
  detail::require_memory(stack != nullptr);
  for (std::size_t i = 1; i < from.certificates.size(); ++i) {
    detail::require_memory(sk_X509_push(stack.get(), from.certificates[i].get()) > 0);
  }
  return stack;
}

X509* leaf(chain const& from) { return from.certificates.front().get(); }

bool belong_together(X509* certificate, EVP_PKEY* key) {
  bool const answer = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  return answer;
}

[[noreturn]] void refuse_pair(chain const& with, private_key const& key) {
  auto text = key.origin + " does not belong to the certificate in " + with.origin + " (subject " +
              detail::subject_of(leaf(with)) + ")";
  for (std::size_t i = 1; i < with.certificates.size(); ++i) {
    if (belong_together(with.certificates[i].get(), key.key.get())) {
      text +=
          "; it belongs to certificate " + std::to_string(i + 1) + " there, which must be first";
    }
  }
  refuse(errc::key_mismatch, text);
}

// Refuses what OpenSSL would refuse once the key is there, such as a key below the security level.
void require_usable(SSL_CTX* handle, chain const& candidate) {
  auto const scratch = detail::scratch_context(handle);
  if (SSL_CTX_use_certificate(scratch.get(), leaf(candidate)) != 1 ||
      SSL_CTX_set1_chain(scratch.get(), issuers_in(candidate).get()) != 1) {
    refuse(errc::bad_certificate, candidate.origin + " (subject " +
                                      detail::subject_of(leaf(candidate)) +
                                      ") is not accepted: " + detail::openssl_reason());
  }
}

void install(SSL_CTX* handle, X509* certificate, EVP_PKEY* key, STACK_OF(X509) * issuers,
             std::string const& origins) {
  constexpr int replace = 1;
  if (SSL_CTX_use_cert_and_key(handle, certificate, key, issuers, replace) != 1) {
    refuse(errc::bad_private_key, origins + ": not accepted: " + detail::openssl_reason());
  }
  auto& state = detail::state_of(handle);
  state.waiting_chain.reset();
  state.waiting_key.reset();
  state.identity_incomplete = false;
}

// Goes through the pairs in use, one for each type of key, until `matches` says yes to the current.
template <class Matches>
bool find_pair(SSL_CTX* handle, Matches matches) {
  for (long move = SSL_CERT_SET_FIRST; SSL_CTX_set_current_cert(handle, move) == 1;
       move = SSL_CERT_SET_NEXT) {
    if (matches()) {
      return true;
    }
  }
  return false;
}

// The key in use that `certificate` is for, or null.
key_ptr key_in_use(SSL_CTX* handle, X509* certificate) {
  key_ptr found;
  find_pair(handle, [&] {
    EVP_PKEY* const key = SSL_CTX_get0_privatekey(handle);
    if (!belong_together(certificate, key)) {
      return false;
    }
    // A reference of our own: OpenSSL lets go of the old pair before it takes hold of the new one.
    EVP_PKEY_up_ref(key);
    found.reset(key);
    return true;
  });
  return found;
}

bool is_in_use(SSL_CTX* handle, EVP_PKEY* key) {
  return find_pair(handle, [&] { return belong_together(SSL_CTX_get0_certificate(handle), key); });
}

void wait_for_the_other(SSL_CTX* handle) {
  detail::state_of(handle).identity_incomplete = SSL_CTX_get0_certificate(handle) == nullptr;
}

void use_chain(SSL_CTX* handle, std::string_view pem, std::string origin) {
  chain given;
  given.certificates =
      detail::parse_certificates(pem, origin, detail::other_blocks::skip, errc::bad_certificate);
  given.origin = std::move(origin);
  require_usable(handle, given);

  auto& state = detail::state_of(handle);
  auto const issuers = issuers_in(given);
  if (state.waiting_key) {
    if (!belong_together(leaf(given), state.waiting_key->key.get())) {
      refuse_pair(given, *state.waiting_key);
    }
    install(handle, leaf(given), state.waiting_key->key.get(), issuers.get(),
            given.origin + " and " + state.waiting_key->origin);
  } else if (auto const key = key_in_use(handle, leaf(given))) {
    install(handle, leaf(given), key.get(), issuers.get(), given.origin);
  } else {
    state.waiting_chain = std::move(given);
    wait_for_the_other(handle);
  }
}

void use_key(SSL_CTX* handle, std::string_view pem, std::string_view password, std::string origin) {
  private_key given;
  given.key = detail::parse_private_key(pem, password, origin);
  given.origin = std::move(origin);

  auto& state = detail::state_of(handle);
  if (state.waiting_chain) {
    chain const& with = *state.waiting_chain;
    if (!belong_together(leaf(with), given.key.get())) {
      refuse_pair(with, given);
    }
    install(handle, leaf(with), given.key.get(), issuers_in(with).get(),
            with.origin + " and " + given.origin);
  } else if (is_in_use(handle, given.key.get())) {
    state.waiting_key.reset();
  } else {
    state.waiting_key = std::move(given);
    wait_for_the_other(handle);
  }
}

}  // namespace

void context::use_certificate_chain_file(std::filesystem::path const& file) {
  detail::error_queue_scope const scope;
  auto origin = detail::file_origin(chain_what, file);
  // May hold the key as well.
  wiped_at_end const pem{detail::read_file(file, origin)};
  use_chain(handle_.get(), pem.text, std::move(origin));
}

void context::use_certificate_chain(std::string_view pem) {
  detail::error_queue_scope const scope;
  use_chain(handle_.get(), pem, detail::memory_origin(chain_what));
}

void context::use_private_key_file(std::filesystem::path const& file, std::string_view password) {
  detail::error_queue_scope const scope;
  auto origin = detail::file_origin(key_what, file);
  wiped_at_end const pem{detail::read_file(file, origin)};
  use_key(handle_.get(), pem.text, password, std::move(origin));
}

void context::use_private_key(std::string_view pem, std::string_view password) {
  detail::error_queue_scope const scope;
  use_key(handle_.get(), pem, password, detail::memory_origin(key_what));
}

}  // namespace tls_async
