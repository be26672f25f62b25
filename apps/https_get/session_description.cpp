// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "session_description.hpp"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
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

std::vector<std::string> describe_session(SSL* session, std::string const& alpn) {
  constexpr int most_certificates = 8;  // a peer can send some hundred
  char const* const group =
      SSL_group_to_name(session, static_cast<int>(SSL_get_negotiated_group(session)));
  std::vector<std::string> lines{
      std::string("  protocol     ") + SSL_get_version(session),
      std::string("  cipher       ") + SSL_CIPHER_get_name(SSL_get_current_cipher(session)),
      std::string("  group        ") + (group ? group : "not known"),
      "  ALPN         " + (alpn.empty() ? "none" : alpn)};
  if (SSL_session_reused(session) == 1) lines.emplace_back("  resumed      an earlier session");
  auto* const chain = SSL_get_peer_cert_chain(session);
  int const count = sk_X509_num(chain);
  for (int i = 0; i < std::min(count, most_certificates); ++i) {
    X509 const* const one = sk_X509_value(chain, i);
    lines.push_back("  certificate  " + std::to_string(i) + ": " +
                    name(X509_get_subject_name(one)));
    lines.push_back("    issuer     " + name(X509_get_issuer_name(one)));
    lines.push_back("    valid      " + time(X509_get0_notBefore(one)) + " to " +
                    time(X509_get0_notAfter(one)));
  }
  if (count > most_certificates)
    lines.push_back("  and " + std::to_string(count - most_certificates) + " certificates more");
  ERR_clear_error();  // a field that could not be shown must not become a later error of the stream
  return lines;
}

std::vector<std::string> describe_header(std::string const& mark, std::string const& start_line,
                                         boost::beast::http::fields const& header) {
  std::vector<std::string> lines{mark + start_line};
  for (auto const& field : header)
    lines.push_back(mark + std::string(field.name_string()) + ": " + std::string(field.value()));
  return lines;
}

}  // namespace https_get
