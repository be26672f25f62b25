// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the command line means, and what is said when it means nothing.
#include "options.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace https_server {
namespace {

std::optional<options> parse(std::vector<char const*> arguments) {
  arguments.insert(arguments.begin(), "https_server");
  std::ostringstream out;
  return parse_options(static_cast<int>(arguments.size()), arguments.data(), out);
}

std::string refusal(std::vector<char const*> const& arguments) {
  try {
    parse(arguments);
    return "accepted";
  } catch (usage_error const& error) {
    return error.what();
  }
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(has_defaults_for_everything) {
  auto const chosen = parse({});
  BOOST_TEST_REQUIRE(chosen.has_value());
  BOOST_TEST(!chosen->root);
  BOOST_TEST(chosen->listen == parse_endpoint("127.0.0.1:8443"));
  BOOST_TEST(chosen->threads == 1u);
  BOOST_TEST(chosen->tls.identities.empty());
  BOOST_TEST(!chosen->tls.client_authority);
  BOOST_TEST(!chosen->tls.key_log);
  BOOST_TEST(!chosen->log.quiet);
}

BOOST_AUTO_TEST_CASE(sets_what_it_names) {
  using std::chrono::seconds;
  auto const chosen = parse({"--root",      "/srv",
                             "--listen",    "[::1]:0",
                             "--threads=3", "--cert",
                             "c",           "--key",
                             "k",           "--max-connections",
                             "7",           "--header-bytes",
                             "300",         "--handshake-seconds",
                             "1",           "--header-seconds",
                             "2",           "--idle-seconds",
                             "3",           "--stall-seconds",
                             "4",           "--stop-seconds",
                             "0",           "--quiet"});
  BOOST_TEST_REQUIRE(chosen.has_value());
  BOOST_TEST(chosen->root.value() == "/srv");
  BOOST_TEST(chosen->listen == parse_endpoint("[::1]:0"));
  BOOST_TEST(chosen->threads == 3u);
  BOOST_TEST((chosen->tls.identities == std::vector<serving::identity_files>{{"c", "k"}}));
  BOOST_TEST(chosen->limits.connections == 7u);
  BOOST_TEST(chosen->limits.header_bytes == 300u);
  BOOST_TEST((chosen->limits.handshake == seconds(1)));
  BOOST_TEST((chosen->limits.header == seconds(2)));
  BOOST_TEST((chosen->limits.idle == seconds(3)));
  BOOST_TEST((chosen->limits.stall == seconds(4)));
  BOOST_TEST((chosen->stop == seconds(0)));
  BOOST_TEST(chosen->log.quiet);
}

BOOST_AUTO_TEST_CASE(admits_what_suits_the_number_of_connections) {
  auto const usual = parse({})->admission;
  BOOST_TEST(usual.handshakes == 64u);
  BOOST_TEST(usual.rate == 400u);
  BOOST_TEST(usual.queue == 250u);
  BOOST_TEST(usual.per_address == 125u);
  BOOST_TEST((usual.above == serving::when_full::wait));
  BOOST_TEST((usual.patience == std::chrono::seconds(2)));
  auto const small = parse({"--max-connections=1"})->admission;
  BOOST_TEST(small.queue == 1u);
  BOOST_TEST(small.per_address == 32u);
  auto const chosen =
      parse({"--max-handshakes=1", "--handshake-rate=2", "--handshake-queue=3",
             "--connections-per-address=4", "--when-full=close", "--handshake-seconds=1"})
          ->admission;
  BOOST_TEST(chosen.handshakes == 1u);
  BOOST_TEST(chosen.rate == 2u);
  BOOST_TEST(chosen.queue == 3u);
  BOOST_TEST(chosen.per_address == 4u);
  BOOST_TEST((chosen.above == serving::when_full::close));
  BOOST_TEST((chosen.patience == std::chrono::milliseconds(200)));
}

BOOST_AUTO_TEST_CASE(pairs_certificates_and_keys_in_their_order) {
  auto const chosen = parse({"--cert", "a", "--cert", "b", "--key", "1", "--key", "2"});
  BOOST_TEST(
      (chosen->tls.identities == std::vector<serving::identity_files>{{"a", "1"}, {"b", "2"}}));
}

BOOST_AUTO_TEST_CASE(requires_certificates_of_clients_unless_they_are_only_requested) {
  BOOST_TEST((parse({"--client-ca", "a"})->tls.clients == serving::client_certificates::required));
  for (auto const* how : {"required", "requested"}) {
    auto const chosen = parse({"--client-certificate", how, "--client-ca", "a"});
    BOOST_TEST(chosen->tls.client_authority.value() == "a");
    BOOST_TEST((chosen->tls.clients == serving::client_certificates::required) ==
               (how == std::string_view("required")));
  }
}

BOOST_AUTO_TEST_CASE(is_refused_with_words_when_it_is_wrong) {
  BOOST_TEST(contains(refusal({"--unknown"}), "unknown"));
  BOOST_TEST(
      contains(refusal({"stray"}), "unexpected argument 'stray'; a directory is given by --root"));
  BOOST_TEST(contains(refusal({"--threads", "many"}), "threads"));
  BOOST_TEST(contains(refusal({"--threads", "0"}), "between 1 and"));
  BOOST_TEST(contains(refusal({"--max-connections", "0"}), "between 1 and"));
  BOOST_TEST(contains(refusal({"--cert", "c"}), "give each certificate its key"));
  BOOST_TEST(contains(refusal({"--key", "k"}), "give each certificate its key"));
  BOOST_TEST(contains(refusal({"--cert", "c", "--key", "k", "--cert", "d"}), "its key"));
  BOOST_TEST(contains(refusal({"--client-certificate", "required"}), "needs --client-ca"));
  BOOST_TEST(contains(refusal({"--client-ca", "a", "--client-certificate", "maybe"}), "maybe"));
  BOOST_TEST(contains(refusal({"--listen", "host"}), "127.0.0.1:8443"));
}

BOOST_AUTO_TEST_CASE(refuses_numbers_that_make_no_sense) {
  for (auto const* number : {"-1", "0", "1025", "4294967297", "99999999999999999999", "1.5", ""})
    BOOST_TEST(refusal({"--threads", number}) != "accepted", "--threads " << number);
  BOOST_TEST(refusal({"--stop-seconds", "-1"}) != "accepted");
  BOOST_TEST(refusal({"--idle-seconds", "0"}) != "accepted");
  for (auto const* limit :
       {"--max-handshakes", "--handshake-rate", "--handshake-queue", "--connections-per-address"})
    BOOST_TEST(refusal({limit, "0"}) != "accepted", limit);
  BOOST_TEST(refusal({"--header-bytes", "0"}) != "accepted");
  BOOST_TEST(refusal({"--message-bytes", "0"}) != "accepted");
}

BOOST_AUTO_TEST_CASE(asks_for_help_without_needing_the_rest) { BOOST_TEST(!parse({"--help"})); }

BOOST_AUTO_TEST_CASE(is_explained_on_one_screen) {
  auto const text = help();
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') <= 50);
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);)
    BOOST_TEST(line.size() <= 85u, line);
  BOOST_TEST(contains(text, "Exit status"));
  BOOST_TEST(contains(text, "SIGHUP: certificates"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace https_server
