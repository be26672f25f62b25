// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// All sessions are of one context, so that they share its tickets and settings: what is chosen is
// put into the session itself (SSL_CTX_set_tlsext_servername_callback(3)).
#include "certificate_choice.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace https_server {
namespace {

struct freed_by_openssl {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(char* text) const { OPENSSL_free(text); }
};

tls_async::context read(identity const& files, serving::key_password const& password) {
  tls_async::context read{tls_async::context::role::server};
  read.use_certificate_chain_file(files.certificate);
  serving::use_private_key(read, files.key, password);
  return read;
}

bool has_dns_name(X509* certificate) {
  std::unique_ptr<GENERAL_NAMES, freed_by_openssl> const names{static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i)
    if (sk_GENERAL_NAME_value(names.get(), i)->type == GEN_DNS) return true;
  return false;
}

// The name of the certificate that covers this one: itself, or a wildcard.
std::optional<std::string> covering_name(X509* certificate, std::string_view name) {
  char* found = nullptr;
  bool const covers =
      X509_check_host(certificate, name.data(), name.size(),
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                      &found) == 1;
  std::unique_ptr<char, freed_by_openssl> const owned{found};
  return covers ? std::optional<std::string>(found) : std::nullopt;
}

}  // namespace

certificate_choice::certificate_choice(std::span<identity const> files,
                                       serving::key_password const& password)
    : files_(files.begin(), files.end()) {
  for (auto const& pair : files) {
    auto& added = identities_.emplace_back(read(pair, password));
    if (identities_.size() > 1 && !has_dns_name(SSL_CTX_get0_certificate(added.native_handle())))
      throw std::runtime_error("the certificate \"" + pair.certificate.string() +
                               "\" has no DNS name (subjectAltName), so no client could ask for "
                               "it; put it first or leave it out");
  }
}

void certificate_choice::give_first_to(tls_async::context& context) {
  SSL_CTX* const source = identities_.front().native_handle();
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(source, &chain);
  constexpr int replace = 1;
  if (SSL_CTX_use_cert_and_key(context.native_handle(), SSL_CTX_get0_certificate(source),
                               SSL_CTX_get0_privatekey(source), chain, replace) != 1) {
    throw std::runtime_error("OpenSSL doesn't take the first certificate");
  }
}

std::vector<serving::certificate_end> certificate_choice::ends() {
  std::vector<serving::certificate_end> all;
  for (std::size_t i = 0; i < files_.size(); ++i)
    all.push_back(
        serving::end_of_certificate(identities_[i].native_handle(), files_[i].certificate));
  return all;
}

void certificate_choice::decide_for(tls_async::context& context) {
  SSL_CTX_set_tlsext_servername_callback(context.native_handle(), &on_server_name);
  SSL_CTX_set_tlsext_servername_arg(context.native_handle(), this);
}

int certificate_choice::on_server_name(SSL* session, int* alert, void* self) noexcept try {
  char const* const name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  auto& choice = *static_cast<certificate_choice*>(self);
  if (choice.identities_.size() == 1) return SSL_TLSEXT_ERR_NOACK;  // every session has it already
  if (!choice.use(session, name, match::exact)) choice.use(session, name, match::wildcard);
  ERR_clear_error();
  return SSL_TLSEXT_ERR_OK;
} catch (std::exception const&) {  // out of memory
  ERR_clear_error();
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool certificate_choice::use(SSL* session, std::string_view name, match wanted) {
  bool found = false;
  for (auto& candidate : identities_) {
    SSL_CTX* const source = candidate.native_handle();
    X509* const certificate = SSL_CTX_get0_certificate(source);
    auto const covering = covering_name(certificate, name);
    if (!covering || covering->starts_with('*') != (wanted == match::wildcard)) continue;
    if (!found) SSL_certs_clear(session);  // else the default of another key type would be left
    found = true;
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(source, &chain);
    constexpr int first_wins = 0;
    SSL_use_cert_and_key(session, certificate, SSL_CTX_get0_privatekey(source), chain, first_wins);
  }
  return found;
}

}  // namespace https_server
