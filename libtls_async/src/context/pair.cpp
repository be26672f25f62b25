// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "pair.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <utility>

#include "state.hpp"

namespace tls_async::detail {
namespace {

[[noreturn]] void refuse_pair(chain const& with, private_key const& key) {
  auto text = key.origin + " does not belong to the certificate in " + with.origin + " (subject " +
              subject_of(leaf(with)) + ")";
  for (std::size_t i = 1; i < with.certificates.size(); ++i) {
    if (belong_together(with.certificates[i].get(), key.key.get())) {
      text +=
          "; it belongs to certificate " + std::to_string(i + 1) + " there, which must be first";
    }
  }
  refuse(errc::key_mismatch, text);
}

}  // namespace

stack_ptr issuers_in(chain const& from) {
  stack_ptr stack{sk_X509_new_null()};
  require_memory(stack != nullptr);
  for (std::size_t i = 1; i < from.certificates.size(); ++i) {
    require_memory(sk_X509_push(stack.get(), from.certificates[i].get()) > 0);
  }
  return stack;
}

chain parse_chain(std::string_view pem, std::string origin) {
  chain given;
  given.certificates = parse_certificates(pem, origin, other_blocks::skip, errc::bad_certificate);
  given.origin = std::move(origin);
  return given;
}

bool belong_together(X509* certificate, EVP_PKEY* key) {
  bool const answer = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  return answer;
}

void require_pair(chain const& with, private_key const& key) {
  if (!belong_together(leaf(with), key.key.get())) refuse_pair(with, key);
}

// One by one, so that the message names the right one: often a cross-signed certificate that nobody
// needs any more.
void require_usable(SSL_CTX* handle, chain const& candidate) {
  auto const scratch = scratch_context(handle);
  for (std::size_t i = 0; i < candidate.certificates.size(); ++i) {
    X509* const certificate = candidate.certificates[i].get();
    bool const is_usable = i == 0 ? SSL_CTX_use_certificate(scratch.get(), certificate) == 1
                                  : SSL_CTX_add1_chain_cert(scratch.get(), certificate) == 1;
    if (is_usable) continue;
    auto const which = i == 0 ? "" : "certificate " + std::to_string(i + 1) + " of ";
    refuse(errc::bad_certificate, which + candidate.origin + " (subject " +
                                      subject_of(certificate) +
                                      ") is not accepted: " + openssl_reason());
  }
}

}  // namespace tls_async::detail
