// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What may be set once sessions have been made, and what says that it comes too late.
#include "trial.hpp"

#include <tls_async/core/engine.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <thread>

#include <tls_async_test/certificates.hpp>

namespace tls_async::test {
namespace {

struct in_use_fixture {
  context server = ready_server();
  context client = ready_client();
  temporary_directory files;

  in_use_fixture() { server.set_alpn({"h2"}); }

  void use() {
    engine const of_server{server.native_handle(), stream_options()};
    engine const of_client{client.native_handle(), stream_options()};
  }
};

BOOST_FIXTURE_TEST_SUITE(in_use, in_use_fixture)

BOOST_AUTO_TEST_CASE(what_handshakes_read_is_fixed_at_the_first_session) {
  auto const is_fixed = [&](std::string const& setter, std::function<void()> const& set) {
    check_refused(errc::bad_option, setter + " comes before the first session", set);
  };
  use();
  is_fixed("set_versions()",
           [&] { client.set_versions(context::version::tls1_2, context::version::tls1_3); });
  is_fixed("set_ciphers_tls12()", [&] { client.set_ciphers_tls12("DEFAULT"); });
  is_fixed("set_ciphersuites_tls13()",
           [&] { client.set_ciphersuites_tls13("TLS_AES_128_GCM_SHA256"); });
  is_fixed("set_groups()", [&] { client.set_groups("X25519"); });
  is_fixed("set_alpn() of a client", [&] { client.set_alpn({"h2"}); });
  is_fixed("trust_system()", [&] { client.trust_system(); });
  is_fixed("trust_directory()", [&] { client.trust_directory(files.path()); });
  is_fixed("set_rules_version()", [&] { client.set_rules_version("2"); });
  is_fixed("insecure_skip_verification()", [&] { client.insecure_skip_verification(); });
  server.trust(server_identity().authority);
  is_fixed("require_client_certificate()", [&] { server.require_client_certificate(); });
  is_fixed("request_client_certificate()", [&] { server.request_client_certificate(); });
}

BOOST_AUTO_TEST_CASE(first_protocols_of_a_server_are_fixed_too) {
  context plain = ready_server();
  engine const of_server{plain.native_handle(), stream_options()};
  check_refused(errc::bad_option, "the first set_alpn()", [&] { plain.set_alpn({"h2"}); });
}

BOOST_AUTO_TEST_CASE(a_servers_protocols_may_change_while_handshakes_run) {
  use();
  std::thread changes([&] {
    for (int i = 0; i != 200; ++i)
      server.set_alpn({i % 2 == 0 ? "http/1.1" : "h2", "h3"});
  });
  context offers = ready_client();
  offers.set_alpn({"h2", "http/1.1"});
  for (int i = 0; i != 20; ++i) {
    auto const was = try_handshake(offers, server);
    BOOST_TEST(was.completed, was);
    BOOST_TEST((was.alpn == "h2" || was.alpn == "http/1.1"), was.alpn);
  }
  changes.join();
}

BOOST_AUTO_TEST_CASE(trust_may_be_added_while_handshakes_run) {
  use();
  auto const& other = make_identity(identity_kind::untrusted).authority;
  std::thread adds([&] {
    for (int i = 0; i != 50; ++i)
      client.trust(other);
  });
  for (int i = 0; i != 20; ++i) {
    auto const was = try_handshake(client, server);
    BOOST_TEST(was.completed, was);
  }
  adds.join();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
