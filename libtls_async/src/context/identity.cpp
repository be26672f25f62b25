// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The context's identity: brings a certificate chain and a private key together, in either order,
// and replaces the pair in use only by another whole pair.
#include "state.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <utility>

#include "pair.hpp"

namespace tls_async {
namespace {

using detail::belong_together;
using detail::certificate_ptr;
using detail::chain;
using detail::chain_what;
using detail::key_ptr;
using detail::key_what;
using detail::leaf;
using detail::private_key;
using detail::refuse;

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

// OpenSSL keeps one pair for each type of key, and has no call that takes one out. It takes the key
// away from a certificate that is replaced by one of another key (SSL_CTX_use_certificate(3)), and
// offers no certificate without its key. So this is the old one, with a key that nobody has.
certificate_ptr without_key(X509* certificate, EVP_PKEY* key) {
  certificate_ptr copy{X509_dup(certificate)};
  key_ptr const nobodys = detail::nobodys_key(key);
  detail::require_memory(copy != nullptr && nobodys != nullptr &&
                         X509_set_pubkey(copy.get(), nobodys.get()) == 1);
  return copy;
}

enum class others { stay, go };

// Brings a pair into use, in the place of the one whose key is of its type, or of all.
void install(SSL_CTX* handle, chain const& given, EVP_PKEY* key, std::string const& origins,
             others what) {
  std::vector<certificate_ptr> keyless;
  if (what == others::go) {
    find_pair(handle, [&] {
      EVP_PKEY* const old = SSL_CTX_get0_privatekey(handle);
      if (EVP_PKEY_is_a(old, EVP_PKEY_get0_type_name(key)) != 1) {
        keyless.push_back(without_key(SSL_CTX_get0_certificate(handle), old));
      }
      return false;
    });
  }
  constexpr int replace = 1;
  if (SSL_CTX_use_cert_and_key(handle, leaf(given), key, detail::issuers_in(given).get(),
                               replace) != 1) {
    refuse(errc::bad_private_key, origins + ": not accepted: " + detail::openssl_reason());
  }
  for (auto const& each : keyless) {
    detail::require_memory(SSL_CTX_use_certificate(handle, each.get()) == 1);
  }
  SSL_CTX_select_current_cert(handle, leaf(given));
  ERR_clear_error();
  detail::state_of(handle).policy.identity_incomplete = false;
}

void give_up_what_waits(SSL_CTX* handle) {
  detail::state_of(handle).waiting_chain.reset();
  detail::state_of(handle).waiting_key.reset();
}

void wait_for_the_other(SSL_CTX* handle) {
  detail::state_of(handle).policy.identity_incomplete = SSL_CTX_get0_certificate(handle) == nullptr;
}

// Which would have no effect.
void refuse_beside_identities(SSL_CTX* handle) {
  if (!detail::has_identities(handle)) return;
  refuse(errc::bad_option,
         "the context has taken identities, which are in the place of a pair of its own: add the "
         "pair to them, and call use_identities() again");
}

chain usable_chain(SSL_CTX* handle, std::string_view pem, std::string origin) {
  auto given = detail::parse_chain(pem, std::move(origin));
  detail::require_usable(handle, given);
  return given;
}

void use_chain(SSL_CTX* handle, std::string_view pem, std::string origin) {
  auto given = usable_chain(handle, pem, std::move(origin));
  auto& state = detail::state_of(handle);
  if (state.waiting_key) {
    auto const& with = *state.waiting_key;
    detail::require_pair(given, with);
    install(handle, given, with.key.get(), given.origin + " and " + with.origin, others::go);
    give_up_what_waits(handle);
  } else if (auto const key = key_in_use(handle, leaf(given))) {
    install(handle, given, key.get(), given.origin, others::stay);
    give_up_what_waits(handle);
  } else {
    state.waiting_chain = std::move(given);
    wait_for_the_other(handle);
  }
}

void use_key(SSL_CTX* handle, std::string_view pem, std::string_view password, std::string origin) {
  private_key given{detail::parse_private_key(pem, password, origin), origin};
  auto& state = detail::state_of(handle);
  if (state.waiting_chain) {
    chain const& with = *state.waiting_chain;
    detail::require_pair(with, given);
    install(handle, with, given.key.get(), with.origin + " and " + given.origin, others::go);
    give_up_what_waits(handle);
  } else if (is_in_use(handle, given.key.get())) {
    state.waiting_key.reset();
  } else {
    state.waiting_key = std::move(given);
    wait_for_the_other(handle);
  }
}

void add_pair(SSL_CTX* handle, chain const& given, private_key const& key) {
  detail::require_pair(given, key);
  install(handle, given, key.key.get(), given.origin + " and " + key.origin, others::stay);
}

}  // namespace

void context::use_certificate_chain_file(std::filesystem::path const& file) {
  detail::error_queue_scope const scope;
  refuse_beside_identities(handle_.get());
  auto origin = detail::file_origin(chain_what, file);
  auto const pem = detail::read_file(file, origin);
  use_chain(handle_.get(), pem.text(), std::move(origin));
}

void context::use_certificate_chain(std::string_view pem) {
  detail::error_queue_scope const scope;
  refuse_beside_identities(handle_.get());
  use_chain(handle_.get(), pem, detail::memory_origin(chain_what));
}

void context::use_private_key_file(std::filesystem::path const& file, std::string_view password) {
  detail::error_queue_scope const scope;
  refuse_beside_identities(handle_.get());
  auto origin = detail::file_origin(key_what, file);
  auto const pem = detail::read_file(file, origin);
  use_key(handle_.get(), pem.text(), password, std::move(origin));
}

void context::use_private_key(std::string_view pem, std::string_view password) {
  detail::error_queue_scope const scope;
  refuse_beside_identities(handle_.get());
  use_key(handle_.get(), pem, password, detail::memory_origin(key_what));
}

void context::add_identity_files(std::filesystem::path const& chain_file,
                                 std::filesystem::path const& key_file, std::string_view password) {
  detail::error_queue_scope const scope;
  refuse_beside_identities(handle_.get());
  auto const chain_origin = detail::file_origin(chain_what, chain_file);
  auto const chain_pem = detail::read_file(chain_file, chain_origin);
  auto const key_origin = detail::file_origin(key_what, key_file);
  auto const key_pem = detail::read_file(key_file, key_origin);
  add_pair(handle_.get(), usable_chain(handle_.get(), chain_pem.text(), chain_origin),
           {detail::parse_private_key(key_pem.text(), password, key_origin), key_origin});
}

void context::add_identity(std::string_view chain_pem, std::string_view key_pem,
                           std::string_view password) {
  detail::error_queue_scope const scope;
  refuse_beside_identities(handle_.get());
  auto const origin = detail::memory_origin(key_what);
  add_pair(handle_.get(), usable_chain(handle_.get(), chain_pem, detail::memory_origin(chain_what)),
           {detail::parse_private_key(key_pem, password, origin), origin});
}

}  // namespace tls_async
