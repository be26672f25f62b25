// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Application-Layer Protocol Negotiation: who chooses what, and what fails.
#include "trial.hpp"

#include <boost/test/unit_test.hpp>

namespace tls_async::test {
namespace {

using names = std::vector<std::string>;

struct alpn_fixture {
  context server = ready_server();
  context client = ready_client();
};

BOOST_FIXTURE_TEST_SUITE(alpn, alpn_fixture)

BOOST_AUTO_TEST_CASE(server_chooses_by_its_own_order) {
  client.set_alpn({"http/1.1", "h2"});
  server.set_alpn({"spdy/1", "h2", "http/1.1"});
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.completed, was);
  BOOST_TEST(was.alpn == "h2");
}

BOOST_AUTO_TEST_CASE(no_protocol_in_common_is_fatal) {
  client.set_alpn({"h2"});
  server.set_alpn({"http/1.1"});
  for (auto const newest : {context::version::tls1_2, context::version::tls1_3}) {
    client.set_versions(context::version::tls1_2, newest);
    auto const was = try_handshake(client, server);
    BOOST_TEST(was.server_reason == "no application protocol", was);
    BOOST_TEST(was.client_reason.find("no application protocol") != std::string::npos, was);
  }
}

BOOST_AUTO_TEST_CASE(client_that_offers_none_is_accepted) {
  server.set_alpn({"h2"});
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.completed, was);
  BOOST_TEST(was.alpn == "");
}

BOOST_AUTO_TEST_CASE(server_without_protocols_chooses_none) {
  client.set_alpn({"h2"});
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.completed, was);
  BOOST_TEST(was.alpn == "");
}

BOOST_AUTO_TEST_CASE(last_list_counts) {
  for (auto* const each : {&server, &client}) {
    each->set_alpn({"h2"});
    each->set_alpn({"http/1.1"});
  }
  BOOST_TEST(try_handshake(client, server).alpn == "http/1.1");
}

BOOST_AUTO_TEST_CASE(longest_name_and_longest_list_are_negotiated) {
  // 240 names of 255 bytes and their lengths: the 61 440 bytes that are accepted.
  names many(240, std::string(255, 'x'));
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i].back() = static_cast<char>(i);
  }
  client.set_alpn(many);
  server.set_alpn({many.back()});
  auto const was = try_handshake(client, server);
  BOOST_TEST(was.completed, was);
  BOOST_TEST(was.alpn == many.back());
}

BOOST_AUTO_TEST_CASE(list_that_cannot_be_sent_is_refused) {
  struct {
    names list;
    char const* text;
  } const cases[] = {
      {{}, "the list of application protocols is empty: The setting was refused and nothing was"},
      {{"h2", ""}, "application protocol 2 has 0 bytes; 1 to 255 are possible: "},
      {{std::string(256, 'x')}, "application protocol 1 has 256 bytes; 1 to 255 are possible: "},
      {names(241, std::string(255, 'x')),
       "the application protocols take 61696 bytes together; at most 61440 fit a ClientHello: "},
  };
  for (auto* const each : {&server, &client}) {
    each->set_alpn({"h2"});
    for (auto const& wrong : cases) {
      check_refused(errc::bad_option, wrong.text, [&] { each->set_alpn(wrong.list); });
    }
  }
  BOOST_TEST(try_handshake(client, server).alpn == "h2");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
