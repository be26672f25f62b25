// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Shows that each kind of test certificate has exactly the fault that its name says.
// Must not use tls_async code.
#include <array>
#include <ostream>
#include <string>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/x509_vfy.h>

#include <tls_async_test/certificates.hpp>
#include <tls_async_test/tls_pair.hpp>

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

struct verdict {
  identity_kind kind;
  char const* name;
  long result;
};
std::ostream& operator<<(std::ostream& out, verdict const& shown) { return out << shown.name; }

constexpr std::array verdicts{
    verdict{identity_kind::server, "server", X509_V_OK},
    verdict{identity_kind::server_rsa, "server_rsa", X509_V_OK},
    verdict{identity_kind::server_intermediate, "server_intermediate", X509_V_OK},
    verdict{identity_kind::client, "client", X509_V_ERR_INVALID_PURPOSE},
    verdict{identity_kind::expired, "expired", X509_V_ERR_CERT_HAS_EXPIRED},
    verdict{identity_kind::not_yet_valid, "not_yet_valid", X509_V_ERR_CERT_NOT_YET_VALID},
    verdict{identity_kind::wrong_host, "wrong_host", X509_V_ERR_HOSTNAME_MISMATCH},
    verdict{identity_kind::hostile_name, "hostile_name", X509_V_ERR_HOSTNAME_MISMATCH},
    verdict{identity_kind::untrusted, "untrusted", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
};

// Stops at the first thing that is wrong, as a client does, and says what it was.
long verify_as_client(identity_kind kind, char const* host, char const* address) {
  tls_settings settings;
  settings.certificate = kind;
  tls_pair pair{settings};
  auto* const wanted = SSL_get0_param(pair.client.ssl());
  BOOST_REQUIRE_EQUAL(X509_VERIFY_PARAM_set1_host(wanted, host, 0), 1);
  BOOST_REQUIRE(address == nullptr || X509_VERIFY_PARAM_set1_ip_asc(wanted, address) == 1);
  pair.client.handshake();
  move_ciphertext(pair.client, pair.server);
  pair.server.handshake();
  move_ciphertext(pair.server, pair.client);
  auto const finished = pair.client.handshake();
  auto const result = SSL_get_verify_result(pair.client.ssl());
  BOOST_TEST(bool{finished} == (result == X509_V_OK));
  return result;
}

BOOST_AUTO_TEST_SUITE(certificates)

BOOST_DATA_TEST_CASE(certificate_has_the_fault_of_its_kind_only, data::make(verdicts), verdict) {
  BOOST_TEST(verify_as_client(verdict.kind, "localhost", nullptr) == verdict.result);
}

BOOST_AUTO_TEST_CASE(certificate_of_the_server_is_for_two_names_and_two_addresses) {
  BOOST_TEST(verify_as_client(identity_kind::server, "example.test", nullptr) == X509_V_OK);
  BOOST_TEST(verify_as_client(identity_kind::server, nullptr, "127.0.0.1") == X509_V_OK);
  BOOST_TEST(verify_as_client(identity_kind::server, nullptr, "::1") == X509_V_OK);
  BOOST_TEST(verify_as_client(identity_kind::server, nullptr, "127.0.0.2") ==
             X509_V_ERR_IP_ADDRESS_MISMATCH);
}

BOOST_AUTO_TEST_CASE(certificate_of_the_client_is_accepted_by_a_server_that_demands_one) {
  tls_settings settings;
  settings.client_certificate = true;
  auto pair = connected_pair(settings);
  BOOST_TEST(SSL_get_verify_result(pair.server.ssl()) == X509_V_OK);
}

BOOST_AUTO_TEST_CASE(identity_of_a_kind_is_made_once) {
  BOOST_TEST(&make_identity(identity_kind::server) == &server_identity());
  BOOST_TEST(server_identity().private_key != client_identity().private_key);
  BOOST_TEST(server_identity().authority == client_identity().authority);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W9"))
BOOST_AUTO_TEST_CASE(handshake_of_a_pair_passes_through_rings_of_one_byte) {
  auto pair = connected_pair({}, {1, 1}, {1, 1});
  BOOST_TEST(SSL_is_init_finished(pair.server.ssl()) == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
