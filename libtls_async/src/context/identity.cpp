// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The context's identity: brings a certificate chain and a private key together, in either order,
// and replaces the pair in use only by another whole pair.
#include "state.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <utility>

#include "../pem/pem.hpp"

namespace tls_async {
namespace {

using detail::certificate_ptr;
using detail::chain;
using detail::key_ptr;
using detail::private_key;
using detail::refuse;

constexpr auto chain_what = "certificate chain";
constexpr auto key_what = "private key";

detail::stack_ptr issuers_in(chain const& from) {
  detail::stack_ptr stack{sk_X509_new_null()};
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
// One by one, so that the message names the right one: often a cross-signed certificate that nobody
// needs any more.
void require_usable(SSL_CTX* handle, chain const& candidate) {
  auto const scratch = detail::scratch_context(handle);
  for (std::size_t i = 0; i < candidate.certificates.size(); ++i) {
    X509* const certificate = candidate.certificates[i].get();
    bool const is_usable = i == 0 ? SSL_CTX_use_certificate(scratch.get(), certificate) == 1
                                  : SSL_CTX_add1_chain_cert(scratch.get(), certificate) == 1;
    if (is_usable) continue;
    auto const which = i == 0 ? "" : "certificate " + std::to_string(i + 1) + " of ";
    refuse(errc::bad_certificate, which + candidate.origin + " (subject " +
                                      detail::subject_of(certificate) +
                                      ") is not accepted: " + detail::openssl_reason());
  }
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
  if (SSL_CTX_use_cert_and_key(handle, leaf(given), key, issuers_in(given).get(), replace) != 1) {
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

chain usable_chain(SSL_CTX* handle, std::string_view pem, std::string origin) {
  chain given;
  given.certificates =
      detail::parse_certificates(pem, origin, detail::other_blocks::skip, errc::bad_certificate);
  given.origin = std::move(origin);
  require_usable(handle, given);
  return given;
}

void use_chain(SSL_CTX* handle, std::string_view pem, std::string origin) {
  auto given = usable_chain(handle, pem, std::move(origin));
  auto& state = detail::state_of(handle);
  if (state.waiting_key) {
    auto const& with = *state.waiting_key;
    if (!belong_together(leaf(given), with.key.get())) {
      refuse_pair(given, with);
    }
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
    if (!belong_together(leaf(with), given.key.get())) {
      refuse_pair(with, given);
    }
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
  if (!belong_together(leaf(given), key.key.get())) {
    refuse_pair(given, key);
  }
  install(handle, given, key.key.get(), given.origin + " and " + key.origin, others::stay);
}

}  // namespace

void context::use_certificate_chain_file(std::filesystem::path const& file) {
  detail::error_queue_scope const scope;
  auto origin = detail::file_origin(chain_what, file);
  auto const pem = detail::read_file(file, origin);
  use_chain(handle_.get(), pem.text(), std::move(origin));
}

void context::use_certificate_chain(std::string_view pem) {
  detail::error_queue_scope const scope;
  use_chain(handle_.get(), pem, detail::memory_origin(chain_what));
}

void context::use_private_key_file(std::filesystem::path const& file, std::string_view password) {
  detail::error_queue_scope const scope;
  auto origin = detail::file_origin(key_what, file);
  auto const pem = detail::read_file(file, origin);
  use_key(handle_.get(), pem.text(), password, std::move(origin));
}

void context::use_private_key(std::string_view pem, std::string_view password) {
  detail::error_queue_scope const scope;
  use_key(handle_.get(), pem, password, detail::memory_origin(key_what));
}

void context::add_identity_files(std::filesystem::path const& chain_file,
                                 std::filesystem::path const& key_file, std::string_view password) {
  detail::error_queue_scope const scope;
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
  auto const origin = detail::memory_origin(key_what);
  add_pair(handle_.get(), usable_chain(handle_.get(), chain_pem, detail::memory_origin(chain_what)),
           {detail::parse_private_key(key_pem, password, origin), origin});
}

}  // namespace tls_async
