// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// notAfter of X.509 (X509_get0_notAfter(3)).
#include "certificates.hpp"

#include <openssl/asn1.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>

#include <sys/stat.h>

namespace serving {

certificate_end end_of_certificate(SSL_CTX* context, std::filesystem::path const& file) {
  std::tm end{};
  ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &end);
  return {file, std::chrono::system_clock::from_time_t(::timegm(&end))};
}

std::string complaint_about(certificate_end const& certificate,
                            std::chrono::system_clock::time_point now) {
  constexpr auto day = std::chrono::hours(24);
  auto const left = certificate.expires - now;
  if (left >= 14 * day) return {};
  auto const what = "the certificate \"" + certificate.file.string() + '"';
  constexpr auto renew = "; renew it";
  if (left <= left.zero()) return what + " has expired, so clients refuse it" + renew;
  auto const days = left / day;
  if (days == 0) return what + " expires within a day" + renew;
  return what + " expires in " + std::to_string(days) + (days == 1 ? " day" : " days") + renew;
}

std::string complaint_about_key(std::filesystem::path const& key) {
  struct stat status {};
  if (::stat(key.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};  // from a pipe
  if ((status.st_mode & S_IROTH) == 0) return {};
  return "every user of this machine can read the private key \"" + key.string() +
         "\"; chmod it to 600";
}

}  // namespace serving
