// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "session_description.hpp"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace https_get {
namespace {

struct bio_free {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

// What `print` writes into a BIO.
template <class Print>
std::string printed(Print print) {
  std::unique_ptr<BIO, bio_free> const bio{BIO_new(BIO_s_mem())};
  if (!bio) return {};
  print(bio.get());
  char* text = nullptr;
  auto const length = BIO_get_mem_data(bio.get(), &text);
  if (length <= 0) return {};
  constexpr std::size_t most =
      200;  // whoever answers can have any number of names in a certificate
  std::string const all(text, static_cast<std::size_t>(length));
  return all.size() <= most ? all : all.substr(0, most) + "...";
}

std::string name(X509_NAME const* of) {
  return printed([of](BIO* bio) { X509_NAME_print_ex(bio, of, 0, XN_FLAG_RFC2253); });
}

std::string time(ASN1_TIME const* of) {
  return printed([of](BIO* bio) { ASN1_TIME_print(bio, of); });
}

}  // namespace

std::string describe_session(SSL* session, std::string const& alpn) {
  char const* const group =
      SSL_group_to_name(session, static_cast<int>(SSL_get_negotiated_group(session)));
  std::string text = "  protocol     " + std::string(SSL_get_version(session)) +
                     "\n  cipher       " + SSL_CIPHER_get_name(SSL_get_current_cipher(session)) +
                     "\n  group        " + (group ? group : "not known") + "\n  ALPN         " +
                     (alpn.empty() ? "none" : alpn);
  auto* const chain = SSL_get_peer_cert_chain(session);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509 const* const one = sk_X509_value(chain, i);
    text += "\n  certificate  " + std::to_string(i) + ": " + name(X509_get_subject_name(one)) +
            "\n    issuer     " + name(X509_get_issuer_name(one)) + "\n    valid      " +
            time(X509_get0_notBefore(one)) + " to " + time(X509_get0_notAfter(one));
  }
  ERR_clear_error();  // a field that could not be shown must not become a later error of the stream
  return text;
}

}  // namespace https_get
