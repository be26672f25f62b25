// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// notAfter of X.509 (X509_get0_notAfter(3)).
#include "certificates.hpp"

#include <openssl/asn1.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>

namespace serving {

certificate_end end_of_certificate(SSL_CTX* context, std::filesystem::path const& file) {
  std::tm end{};
  ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &end);
  return {file, std::chrono::system_clock::from_time_t(::timegm(&end))};
}

}  // namespace serving
