// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// docs/errors.md says what a program is told of each failure. Here each of them happens, and the
// page has to have the words.
#include "errors_page.hpp"
#include "errors_refusal.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

struct failure_on_page {
  char const* heading;
  std::string (*happen)();
};
std::ostream& operator<<(std::ostream& out, failure_on_page const& shown) {
  return out << shown.heading;
}

std::vector<failure_on_page> const failures{
    {"Wrong host", failing::wrong_host},
    {"Expired certificate", failing::expired},
    {"Certificate not yet valid", failing::not_yet_valid},
    {"Unknown authority", failing::unknown_authority},
    {"Authority of another key", failing::authority_of_another_key},
    {"Self-signed certificate", failing::self_signed},
    {"Empty trust store", failing::empty_trust_store},
    {"The system trusts nobody", failing::system_trusts_nobody},
    {"No host name", failing::no_host_name},
    {"Not a host", failing::no_host},
    {"Another host on a session", failing::not_verified},
    {"Client certificate missing", failing::client_certificate_missing},
    {"Client certificate refused", failing::client_certificate_refused},
    {"No common version", failing::no_common_version},
    {"No common suite", failing::no_common_suite},
    {"No common group", failing::no_common_group},
    {"ALPN mismatch", failing::alpn_mismatch},
    {"Server without a certificate", failing::server_without_certificate},
    {"Plain HTTP to a TLS port", failing::plain_http_to_a_tls_port},
    {"TLS to a plain port", failing::tls_to_a_plain_port},
    {"Peer gone in the middle of the handshake", failing::peer_gone_mid_handshake},
    {"Session closed in the middle of the handshake", failing::closed_mid_handshake},
    {"A hook that refuses", failing::hook_that_refuses},
    {"A signature that does not fit", failing::signature_that_does_not_fit},
    {"A callback that waits", failing::callback_that_waits},
    {"Handshake deadline", failing::handshake_deadline},
    {"Read deadline", failing::read_deadline},
    {"Write deadline and stalled write", failing::write_deadline},
    {"Shutdown deadline", failing::shutdown_deadline},
    {"Cancelled", failing::cancelled},
    {"Truncated stream", failing::truncated},
    {"Connection reset", failing::reset_while_reading},
    {"Write to a peer that is gone", failing::write_to_a_peer_that_is_gone},
    {"Damaged ciphertext", failing::damaged_ciphertext},
    {"Use after failure", failing::use_after_failure},
    {"Renegotiation refused", failing::renegotiation_refused},
    {"The peer asks too often", failing::too_many_renegotiations},
    {"Keys that the kernel cannot change", failing::fixed_keys},
    {"Key that does not match", failing::key_that_does_not_match},
    {"Chain without its key", failing::chain_without_key},
    {"Key that cannot be used", failing::key_that_is_encrypted},
    {"Certificate that cannot be used", failing::certificate_that_is_none},
    {"File that cannot be read", failing::file_that_cannot_be_read},
    {"Setting that is refused", failing::option_that_is_refused},
    {"Saved sessions that are damaged", failing::sessions_that_are_damaged},
    {"Context for the other role", failing::wrong_role},
    {"Verb before the handshake", failing::verbs_before_a_handshake},
    {"Second read", failing::second_read},
    {"Second handshake or shutdown", failing::operation_in_progress},
    {"Write after close_notify", failing::closed_for_writing},
    {"New keys in TLS 1.2", failing::not_supported},
    {"More kept than allowed", failing::queue_full},
    {"Buffer that moves", failing::buffer_that_moves},
    {"Buffer that changes", failing::buffer_that_shrinks},
    {"Buffer that throws", failing::buffer_that_throws},
    {"File that ends early", failing::file_that_is_too_short},
};

std::map<std::string, std::string> const& page() {
  static auto const blocks = blocks_of(ERRORS_PAGE);
  return blocks;
}

BOOST_AUTO_TEST_SUITE(errors_page)

BOOST_DATA_TEST_CASE(failure_tells_what_the_page_says, data::make(failures), failure) {
  auto const happened = failure.happen();
  auto const at = page().find(failure.heading);
  auto const written = at != page().end() ? at->second : "nothing under that heading\n";
  BOOST_TEST(
      matches(with_single_spaces(written), with_single_spaces(happened)), "it told:\n"
                                                                              << happened
                                                                              << "the page has:\n"
                                                                              << written);
}

BOOST_AUTO_TEST_CASE(page_has_no_failure_that_nothing_triggers) {
  for (auto const& [heading, block] : page()) {
    bool known = false;
    for (auto const& failure : failures)
      known = known || heading == failure.heading;
    BOOST_TEST(known, heading << ": has no trigger in errors_test.cpp");
  }
}

BOOST_AUTO_TEST_CASE(page_has_the_words_of_every_code_of_the_library) {
  std::string all;
  for (auto const& [heading, block] : page())
    all += block;
  all = with_single_spaces(all);
  for (int value = 1; value <= static_cast<int>(errc::refused); ++value) {
    if (value == static_cast<int>(errc::closed_by_peer)) continue;  // streams have another word
    auto const words = make_error_code(static_cast<errc>(value)).message();
    BOOST_TEST(all.find(words) != std::string::npos, "not on the page: " << words);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
