// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The library's own error codes.
#include <tls_async/error.hpp>

#include <boost/asio/ssl/error.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <set>
#include <string>

namespace tls_async::test {
namespace {

BOOST_AUTO_TEST_SUITE(errc_)

BOOST_AUTO_TEST_CASE(every_code_has_a_sentence_of_its_own) {
  std::set<std::string> seen;
  for (int value = 1; value <= static_cast<int>(errc::bad_signature); ++value) {
    auto const message = make_error_code(static_cast<errc>(value)).message();
    BOOST_TEST(seen.insert(message).second, message);
    BOOST_TEST(message.ends_with('.'), message);
    BOOST_TEST(message.find("unknown to this version") == std::string::npos, message);
  }
}

BOOST_AUTO_TEST_CASE(unknown_code_has_a_message_too) {
  boost::system::error_code const unknown{9999, errc_category()};
  BOOST_TEST(unknown.message().find("unknown to this version") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(code_converts_to_an_error_code_of_the_category) {
  boost::system::error_code const code = errc::no_host_name;
  BOOST_TEST(code.category().name() == std::string{"tls_async"});
  BOOST_TEST((code == errc::no_host_name));
  BOOST_TEST((code != errc::no_role));
  BOOST_TEST(code.failed());
}

BOOST_AUTO_TEST_CASE(peer_without_tls_is_a_condition_whatever_it_sends_instead) {
  auto const of_openssl = [](int reason) {
    return boost::system::error_code(static_cast<int>(ERR_PACK(ERR_LIB_SSL, 0, reason)),
                                     boost::asio::error::get_ssl_category());
  };
  for (int const reason : {SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST,
                           SSL_R_HTTPS_PROXY_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG}) {
    BOOST_TEST((of_openssl(reason) == condition::not_tls));
  }
  BOOST_TEST((of_openssl(SSL_R_CERTIFICATE_VERIFY_FAILED) != condition::not_tls));
  // Libraries of OpenSSL share numbers: a certificate whose length lies has one of these.
  BOOST_TEST((boost::system::error_code(
                  static_cast<int>(ERR_PACK(ERR_LIB_ASN1, 0, SSL_R_HTTPS_PROXY_REQUEST)),
                  boost::asio::error::get_ssl_category()) != condition::not_tls));
  BOOST_TEST((boost::system::error_code() != condition::not_tls));
  BOOST_TEST((boost::system::error_code(SSL_R_WRONG_VERSION_NUMBER,
                                        boost::system::system_category()) != condition::not_tls));
  BOOST_TEST((boost::system::error_code(errc::no_role) != condition::not_tls));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
