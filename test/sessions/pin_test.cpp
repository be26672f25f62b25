// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pinned public keys: which chains have one, and that nothing goes past them, a resumed session
// included.
#include <boost/system/system_error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <vector>

#include "resuming.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

std::unique_ptr<X509, decltype(&X509_free)> first_of(std::string const& pem) {
  bio_ptr const from(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return {PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr), &X509_free};
}

// Of the first certificate, as a program would be given it.
std::string pin_of(std::string const& pem) {
  auto const read = first_of(pem);
  unsigned char* der = nullptr;
  int const length = i2d_PUBKEY(X509_get0_pubkey(read.get()), &der);
  unsigned char digest[32];
  EVP_Digest(der, static_cast<std::size_t>(length), digest, nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  std::string hex;
  for (unsigned char const byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

// Of an attacker: the authority's name is its issuer, and its own key has signed it.
std::string forged_leaf(identity const& of_attacker, std::string const& authority) {
  bio_ptr const from(BIO_new_mem_buf(of_attacker.private_key.data(), -1));
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key(
      PEM_read_bio_PrivateKey(from.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  auto const leaf = first_of(of_attacker.certificate_chain);
  int const id = X509_get_ext_by_NID(leaf.get(), NID_authority_key_identifier, -1);
  X509_EXTENSION_free(X509_delete_ext(leaf.get(), id));
  BOOST_REQUIRE(
      X509_set_issuer_name(leaf.get(), X509_get_subject_name(first_of(authority).get())) == 1);
  BOOST_REQUIRE(X509_sign(leaf.get(), key.get(), EVP_sha256()) > 0);
  bio_ptr const to(BIO_new(BIO_s_mem()));
  BOOST_REQUIRE(PEM_write_bio_X509(to.get(), leaf.get()) == 1);
  char* text = nullptr;
  auto const length = BIO_get_mem_data(to.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

int accept_all(int, X509_STORE_CTX*) { return 1; }
int accept_chain(X509_STORE_CTX*, void*) { return 1; }

struct pin_fixture {
  std::string const nobodys = std::string(64, '0');
  std::string const of_server = pin_of(server_identity().certificate_chain);
  std::string const of_authority = pin_of(server_identity().authority);
  context client = trusting();

  // A client with these pins and the store of `client`.
  context pinning(std::vector<std::string> const& pins) {
    auto made = sharing(client);
    made.pin_public_keys(pins);
    return made;
  }
  void check_is_refused(visitor visiting) {
    std::string story;
    visiting.leave = [&story](engine& session) { story = session.error_info().text(); };
    BOOST_TEST(visiting() == visit::failed);
    BOOST_TEST(story.find("pinned") != std::string::npos, story);
  }
};

BOOST_FIXTURE_TEST_SUITE(pins, pin_fixture)

BOOST_DATA_TEST_CASE(one_key_of_the_chain_is_enough, data::make(versions), version) {
  auto server = serving(version);
  for (auto pin : {of_server, of_authority}) {
    auto one_of_two = pinning({nobodys, pin});
    BOOST_TEST(once(one_of_two, server) == visit::full);
    std::transform(pin.begin(), pin.end(), pin.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    auto the_one = pinning({pin});
    BOOST_TEST(once(the_one, server, "example.test") == visit::full);
    client.sessions()->clear();
  }
}

BOOST_DATA_TEST_CASE(chain_without_a_pinned_key_is_refused, data::make(versions), version) {
  auto server = serving(version);
  client.pin_public_keys({nobodys, pin_of(client_identity().certificate_chain)});
  check_is_refused({client.native_handle(), server.native_handle()});
  // Whatever a callback says of it.
  SSL_CTX_set_verify(client.native_handle(), SSL_VERIFY_PEER, &accept_all);
  check_is_refused({client.native_handle(), server.native_handle()});
  auto visiting = visitor{client.native_handle(), server.native_handle()};
  visiting.prepare = [](engine& session) {
    session.verify_with([](bool, X509_STORE_CTX*) { return true; }, true);
  };
  check_is_refused(visiting);
}

// Anybody may send the authority's certificate, and name it in his own.
BOOST_DATA_TEST_CASE(authority_counts_only_where_openssl_has_verified_the_chain,
                     data::make(versions), version) {
  auto const& attacker = make_identity(identity_kind::untrusted);
  auto const& authority = server_identity().authority;
  auto const leaf = forged_leaf(attacker, authority);
  for (bool const sends_authority : {true, false}) {
    auto server =
        serving(version, {sends_authority ? leaf + authority : leaf, attacker.private_key, {}});
    for (bool const trusts : {true, false}) {
      context careless(context::role::client);
      careless.trust(trusts ? authority : attacker.authority);
      careless.pin_public_keys({of_authority});
      auto visiting = visitor{careless.native_handle(), server.native_handle()};
      visiting.prepare = [](engine& session) {
        session.verify_with([](bool, X509_STORE_CTX*) { return true; }, true);
      };
      check_is_refused(visiting);
      careless = context(context::role::client);
      careless.trust(trusts ? authority : attacker.authority);
      careless.pin_public_keys({of_authority, pin_of(leaf)});
      visiting.client = careless.native_handle();
      BOOST_TEST(visiting() == visit::full);
    }
  }
}

BOOST_AUTO_TEST_CASE(verification_that_the_program_does_itself_is_no_way_past) {
  auto server = serving();
  client.pin_public_keys({nobodys});
  SSL_CTX_set_cert_verify_callback(client.native_handle(), &accept_chain, nullptr);
  engine_pair pair(client.native_handle(), server.native_handle());
  BOOST_REQUIRE(!pair.client.be_client_of("localhost", 443));
  pair.handshake();
  BOOST_TEST(pair.client_step.next == want::failed);
  BOOST_TEST((pair.client.failure().own == errc::not_verified));
  BOOST_TEST(client.sessions()->size() == 0U);
}

BOOST_DATA_TEST_CASE(session_is_resumed_under_the_same_pins_only, data::make(versions), version) {
  auto server = serving(version);
  BOOST_TEST(once(client, server) == visit::full);
  auto pinned = pinning({of_authority});
  BOOST_TEST(once(pinned, server) == visit::full);
  BOOST_TEST(once(pinned, server) == visit::resumed);
  auto same_pins = pinning({of_authority});
  BOOST_TEST(once(same_pins, server) == visit::resumed);
  auto more_pins = pinning({of_authority, nobodys});
  BOOST_TEST(once(more_pins, server) == visit::full);
  auto others_pins = pinning({nobodys});
  BOOST_TEST(once(others_pins, server) == visit::failed);
}

// Of such a session only the peer's own certificate is known.
BOOST_DATA_TEST_CASE(session_that_the_program_has_set_needs_a_pinned_key_of_its_own,
                     data::make(versions), version) {
  auto server = serving(version);
  std::shared_ptr<SSL_SESSION> own;
  auto visiting = visitor{client.native_handle(), server.native_handle(), "localhost", 0};
  auto const again = [&](visit expected) {
    visiting.leave = [&](engine& session) {
      own.reset(SSL_get1_session(session.native_handle()), SSL_SESSION_free);
      SSL_set_shutdown(session.native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    };
    BOOST_TEST(visiting() == expected);
    visiting.prepare = [&](engine& session) {
      SSL_set_session(session.native_handle(), own.get());
    };
  };
  again(visit::full);
  again(visit::resumed);
  auto of_leaf = pinning({of_server});
  visiting.client = of_leaf.native_handle();
  again(visit::resumed);
  auto of_issuer = pinning({of_authority});
  visiting.client = of_issuer.native_handle();
  again(visit::full);
}

BOOST_AUTO_TEST_CASE(client_that_verifies_nobody_has_no_pins) {
  auto server = serving();
  client.pin_public_keys({nobodys});
  client.insecure_skip_verification();
  BOOST_TEST(once(client, server) == visit::full);
}

BOOST_AUTO_TEST_CASE(what_is_no_pin_is_refused_and_changes_nothing) {
  auto server = serving();
  client.pin_public_keys({of_server});
  auto const is_bad_option = [](boost::system::system_error const& error) {
    return error.code() == errc::bad_option;
  };
  for (std::string const& wrong : {std::string(), of_server.substr(1), of_server + "0",
                                   "sha256/" + of_server.substr(7), of_server.substr(1) + "g"}) {
    BOOST_CHECK_EXCEPTION(client.pin_public_keys({nobodys, wrong}), boost::system::system_error,
                          is_bad_option);
  }
  BOOST_CHECK_EXCEPTION(client.pin_public_keys({}), boost::system::system_error, is_bad_option);
  BOOST_TEST(once(client, server) == visit::full);
  BOOST_CHECK_EXCEPTION(
      server.pin_public_keys({of_server}), boost::system::system_error,
      [](boost::system::system_error const& e) { return e.code() == errc::wrong_role; });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
