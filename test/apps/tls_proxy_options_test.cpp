// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What tls_proxy's command line means, and what is said when it means nothing; the line of its log.
#include "connection_record.hpp"
#include "options.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace tls_proxy {
namespace {

std::optional<options> parse(std::vector<char const*> arguments) {
  arguments.insert(arguments.begin(), "tls_proxy");
  std::ostringstream out;
  return parse_options(static_cast<int>(arguments.size()), arguments.data(), out);
}

std::string refusal(std::vector<char const*> const& arguments) {
  try {
    parse(arguments);
    return "accepted";
  } catch (serving::usage_error const& error) {
    return error.what();
  }
}

bool refuses(std::vector<char const*> const& arguments, std::string const& words) {
  auto const text = refusal(arguments);
  BOOST_TEST_INFO(text);
  return text.find(words) != std::string::npos;
}

BOOST_AUTO_TEST_SUITE(proxy_command_line)

BOOST_AUTO_TEST_CASE(needs_a_backend_and_for_a_server_a_certificate) {
  auto const server = parse({"--connect", "localhost:80", "--cert", "c", "--key", "k"});
  BOOST_TEST_REQUIRE(server.has_value());
  BOOST_TEST((server->mode == mode::server));
  BOOST_TEST((server->backends == std::vector<backend_name>{{"localhost", "80"}}));
  auto const both = parse({"--connect=a:1", "--connect=b:2", "--cert=c", "--key=k"});
  BOOST_TEST((both.value().backends == std::vector<backend_name>{{"a", "1"}, {"b", "2"}}));
  BOOST_TEST(server->certificate.value() == "c");
  BOOST_TEST(server->key.value() == "k");
  auto const client = parse({"--mode", "client", "--connect", "example.org:443"});
  BOOST_TEST_REQUIRE(client.has_value());
  BOOST_TEST((client->mode == mode::client));
  BOOST_TEST(client->server_name == "");  // that of each backend
  BOOST_TEST(!client->insecure);
  BOOST_TEST(!client->accept_proxy_header);
  BOOST_TEST(!client->ktls);
  BOOST_TEST(server->listen.admission.per_address == 125u);
  BOOST_TEST(client->listen.admission.per_address == 500u);  // its clients are ours
}

BOOST_AUTO_TEST_CASE(sets_what_it_names) {
  using std::chrono::seconds;
  auto const chosen = parse(
      {"--mode=client", "--connect=h:1", "--listen=[::1]:0", "--cert=c", "--key=k", "--cacert=a",
       "--server-name=n", "--alpn=h2,http/1.1", "--accept-proxy", "--send-proxy", "--ktls",
       "--threads=3", "--max-connections=7", "--handshake-seconds=11", "--connect-seconds=12",
       "--idle-seconds=13", "--stop-seconds=0", "--quiet"});
  BOOST_TEST_REQUIRE(chosen.has_value());
  BOOST_TEST(chosen->listen.endpoint == serving::parse_endpoint("[::1]:0"));
  BOOST_TEST(chosen->listen.threads == 3u);
  BOOST_TEST(chosen->listen.connections == 7u);
  BOOST_TEST((chosen->listen.stop == seconds(0)));
  BOOST_TEST(chosen->authority.value() == "a");
  BOOST_TEST(chosen->server_name == "n");
  BOOST_TEST((chosen->alpn == std::vector<std::string>{"h2", "http/1.1"}));
  BOOST_TEST(chosen->accept_proxy_header);
  BOOST_TEST(chosen->ktls);
  BOOST_TEST(chosen->send_proxy_header);
  BOOST_TEST((chosen->handshake == seconds(11)));
  BOOST_TEST((chosen->connect == seconds(12)));
  BOOST_TEST((chosen->idle == seconds(13)));
  BOOST_TEST(chosen->log.quiet);
}

BOOST_AUTO_TEST_CASE(is_refused_with_words_when_it_is_wrong) {
  BOOST_TEST(refuses({}, "--connect HOST:PORT"));
  BOOST_TEST(refuses({"stray"}, "unexpected argument 'stray'; the backend is given by --connect"));
  BOOST_TEST(refuses({"--unknown"}, "unknown"));
  BOOST_TEST(
      refuses({"--mode", "both", "--connect", "h:1"}, "must be server or client, not \"both\""));
  BOOST_TEST(refuses({"--connect", "h:1"}, "needs a certificate"));
  BOOST_TEST(refuses({"--connect", "h:1", "--cert", "c"}, "belong together"));
  BOOST_TEST(refuses({"--connect", "h:1", "--cacert", "a"}, "--mode server"));
  BOOST_TEST(refuses({"--connect", "h:1", "--insecure"}, "--mode server"));
  BOOST_TEST(refuses({"--mode=client", "--connect=h:1", "--client-ca=a"}, "--mode client"));
  BOOST_TEST(
      refuses({"--mode=client", "--connect=h:1", "--cacert=a", "--insecure"}, "one of them"));
  BOOST_TEST(refuses({"--mode=client", "--connect=h:1", "--connect=h:1"}, "given twice"));
  BOOST_TEST(refuses({"--mode=client", "--connect=h:1", "--alpn=h2,,x"}, "empty name"));
  BOOST_TEST(refuses({"--mode=client", "--connect=h:1", "--idle-seconds=0"}, "between 1 and"));
  BOOST_TEST(refuses({"--mode=client", "--connect=h:1", "--threads=-1"}, "between 1 and"));
  BOOST_TEST(refuses({"--mode=client", "--connect=h:1", "--handshake-rate=9"}, "--mode client"));
  for (auto const* backend :
       {"", ":", "h", "h:", ":80", "::1", "::1:80", "h:65536", "h:80x", "h:0"})
    BOOST_TEST(refuses({"--mode=client", "--connect", backend}, "connect"), backend);
}

BOOST_AUTO_TEST_CASE(takes_an_ipv6_address_in_brackets) {
  BOOST_TEST((parse_backend("[::1]:80") == backend_name{"::1", "80"}));
  BOOST_TEST((parse_backend("h:http") == backend_name{"h", "http"}));
}

BOOST_AUTO_TEST_CASE(is_explained_on_one_screen) {
  BOOST_TEST(!parse({"--help"}));
  auto const text = help();
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') <= 50);
  std::istringstream lines{text};
  for (std::string one; std::getline(lines, one);)
    BOOST_TEST(one.size() <= 85u, one);
  BOOST_TEST((text.find("SIGHUP: certificates") != text.npos));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(connection_line)

std::string line(connection_record const& record) {
  std::string text;
  serving::log_line parts{serving::log_format::text, text};
  describe(parts, record);
  return text;
}

BOOST_AUTO_TEST_CASE(has_all_that_is_known_of_a_connection) {
  connection_record record{"127.0.0.1:4", "localhost:80", "TLSv1.3", 1, 2, {}, {}, {}};
  BOOST_TEST(line(record) == "127.0.0.1:4 localhost:80 TLSv1.3 1 2 0.000000s");
  record.sealed_by = "kernel";
  BOOST_TEST(line(record) == "127.0.0.1:4 localhost:80 TLSv1.3 1 2 0.000000s kernel");
  record.sealed_by.clear();
  record.protocol.clear();
  record.incident = "the client: gone\n";
  BOOST_TEST(line(record) ==
             "127.0.0.1:4 localhost:80 - 1 2 0.000000s cut short: the client: gone\\x0A");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_proxy
