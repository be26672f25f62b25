// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pins how SSL_write_ex seals, blocks and retries: facts 1, 2 and 5 of docs/openssl-facts.md, and
// the promises of the manual pages SSL_CTX_set_mode (M) and SSL_write (W) in docs/checklist.md.
// Must not use tls_async code: a failure here means that OpenSSL has changed.
#include <cstring>
#include <memory>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "openssl_contract.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

constexpr std::array modes{
    0L,
    static_cast<long>(SSL_MODE_ENABLE_PARTIAL_WRITE),
    static_cast<long>(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER),
    static_cast<long>(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER),
};

constexpr ring_sizes wide{20 * one_record_ring, 20 * one_record_ring};

tls_settings with_mode(long mode) {
  tls_settings settings;
  settings.mode = mode;
  return settings;
}

BOOST_AUTO_TEST_SUITE(openssl_contract_write)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W1"))
BOOST_DATA_TEST_CASE(fact_1_one_call_seals_one_record_when_at_most_16384_bytes,
                     data::make(suites) * data::make(modes), suite, mode) {
  auto settings = suite.settings();
  settings.mode = mode;
  auto pair = connected_pair(settings);
  for (std::size_t const length : {1U, 2U, 16'383U, 16'384U}) {
    auto const sealed = pair.server.write(numbered_plaintext(length));
    BOOST_TEST(sealed.bytes == length);
    auto const records = record_lengths(pair.server.take());
    BOOST_TEST(records.size() == 1U);
    BOOST_TEST(records.front() <= length + 85);
  }
}

BOOST_AUTO_TEST_CASE(fact_1_a_cbc_suite_seals_many_records_in_one_call_despite_partial_write) {
  std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> const stitched{
      EVP_CIPHER_fetch(nullptr, "AES-128-CBC-HMAC-SHA1", nullptr), &EVP_CIPHER_free};
  if (stitched == nullptr ||
      (EVP_CIPHER_get_flags(stitched.get()) & EVP_CIPH_FLAG_TLS1_1_MULTIBLOCK) == 0) {
    BOOST_TEST_MESSAGE("this processor has no multi-block CBC");
    return;
  }
  auto pair = connected_pair(suites.back().settings(), {}, wide);
  auto const sealed = pair.server.write(numbered_plaintext(262'144));
  // OpenSSL 3.0 takes all of it, 3.5 about half.
  BOOST_TEST(sealed.bytes > max_record_plaintext);
  BOOST_TEST(record_lengths(pair.server.take()).size() > 1U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M6") * boost::unit_test::label("W12"))
BOOST_DATA_TEST_CASE(fact_1_a_blocked_write_goes_on_from_another_address_with_the_same_length,
                     data::make(suites), suite) {
  auto const plaintext = numbered_plaintext(max_record_plaintext);
  auto blocked = std::make_unique<std::string>(plaintext);
  auto pair = pair_with_blocked_write(suite.settings(), *blocked);
  // The bytes move, and where they were is overwritten and freed.
  auto const moved = *blocked;
  std::memset(blocked->data(), 0, blocked->size());
  blocked.reset();
  auto const before = rest_of_plaintext(pair);
  BOOST_TEST(before.empty());
  auto const retried = pair.server.write(moved);
  BOOST_TEST(retried.bytes == moved.size());
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST((pair.client.read_all() == plaintext));
}

BOOST_DATA_TEST_CASE(fact_1_a_longer_retry_seals_a_second_record, data::make(suites), suite) {
  auto pair = pair_with_blocked_write(suite.settings(), std::string(6'000, 'x'));
  auto const longer = std::string(6'000, 'x') + std::string(1'000, 'y');
  auto const first = pair.server.take();
  auto const retried = pair.server.write(longer);
  BOOST_TEST(retried.bytes == longer.size());
  BOOST_TEST(record_lengths(first + pair.server.take()).size() == 3U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W12"))
BOOST_DATA_TEST_CASE(fact_1_a_shorter_retry_is_fatal, data::make(suites), suite) {
  auto pair = pair_with_blocked_write(suite.settings(), std::string(6'000, 'x'));
  pair.server.take();
  auto const shorter = pair.server.write(std::string(5'999, 'x'));
  BOOST_TEST(shorter.error == SSL_ERROR_SSL);
  BOOST_TEST(shorter.reason == SSL_R_BAD_LENGTH);
  // Not even the right length helps any more.
  BOOST_TEST(pair.server.write(std::string(6'000, 'x')).error ==
             (since_openssl_4() ? SSL_ERROR_SSL : SSL_ERROR_SYSCALL));
}

BOOST_DATA_TEST_CASE(fact_1_under_a_fragment_limit_a_call_takes_what_one_short_record_holds,
                     data::make(suites), suite) {
  auto pair = connected_pair(suite.settings(), {}, wide);
  BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(pair.server.ssl(), 512), 1);
  auto const sealed = pair.server.write(numbered_plaintext(2'000));
  BOOST_TEST(sealed.returned == 1);
  BOOST_TEST(sealed.bytes == 512U);
  BOOST_TEST(record_lengths(pair.server.take()).size() == 1U);
}

// The record that was blocked, and one more: what OpenSSL holds of a blocked write is one record,
// and what a retry takes is not known before.
BOOST_DATA_TEST_CASE(fact_1_under_a_fragment_limit_a_retry_takes_a_second_record_too,
                     data::make(suites), suite) {
  auto pair = connected_pair(suite.settings());
  BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(pair.server.ssl(), 512), 1);
  auto const message = numbered_plaintext(40'000);
  std::size_t taken = 0;
  auto const go_on = [&] {
    return pair.server.write(std::string_view(message).substr(taken, 2'000));
  };
  answer given;
  while ((given = go_on()))
    taken += given.bytes;
  BOOST_REQUIRE_EQUAL(given.error, SSL_ERROR_WANT_WRITE);
  BOOST_TEST(given.bytes == 0U);
  std::string received;
  move_ciphertext(pair.server, pair.client);
  received += pair.client.read_all();
  BOOST_TEST(received.size() == taken);
  BOOST_REQUIRE((given = go_on()));
  BOOST_TEST(given.bytes == 1'024U);
  taken += given.bytes;
  move_ciphertext(pair.server, pair.client);
  received += pair.client.read_all();
  BOOST_TEST((received == message.substr(0, taken)));
}

// The rest of a blocked record by itself, as short as it is, is retry enough: but its length is
// known to OpenSSL only.
BOOST_AUTO_TEST_CASE(fact_1_under_a_fragment_limit_a_retry_of_less_than_was_blocked_is_fatal) {
  auto pair = connected_pair();
  BOOST_REQUIRE_EQUAL(SSL_set_max_send_fragment(pair.server.ssl(), 512), 1);
  auto const message = numbered_plaintext(2'000);
  while (pair.server.write(message)) {
  }
  pair.server.take();
  auto const shorter = pair.server.write(std::string_view(message).substr(0, 511));
  BOOST_TEST(shorter.error == SSL_ERROR_SSL);
  BOOST_TEST(shorter.reason == SSL_R_BAD_LENGTH);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W12"))
BOOST_DATA_TEST_CASE(fact_2_dropped_blocked_write_sends_the_old_bytes, data::make(suites), suite) {
  std::string const dropped(6'000, 'x');
  auto pair = pair_with_blocked_write(suite.settings(), dropped);
  auto const before = rest_of_plaintext(pair);
  BOOST_TEST(before.empty());
  auto const other = pair.server.write(std::string(6'000, 'y'));
  BOOST_TEST(other.bytes == 6'000U);
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST((pair.client.read_all() == dropped));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W12"))
BOOST_DATA_TEST_CASE(fact_2_dropped_blocked_write_sends_the_old_bytes_before_a_longer_write,
                     data::make(suites), suite) {
  std::string const dropped(6'000, 'x');
  auto pair = pair_with_blocked_write(suite.settings(), dropped);
  auto const before = rest_of_plaintext(pair);
  BOOST_TEST(before.empty());
  auto const other = pair.server.write(std::string(7'000, 'y'));
  BOOST_TEST(other.bytes == 7'000U);
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST((pair.client.read_all() == dropped + std::string(1'000, 'y')));
}

BOOST_DATA_TEST_CASE(fact_5_reading_beside_a_blocked_write_harms_neither, data::make(suites),
                     suite) {
  auto const blocked = numbered_plaintext(max_record_plaintext);
  auto pair = pair_with_blocked_write(suite.settings(), blocked);
  BOOST_REQUIRE(pair.client.write("a question"));
  move_ciphertext(pair.client, pair.server);
  BOOST_TEST(pair.server.read_all() == "a question");
  auto const before = rest_of_plaintext(pair);
  BOOST_TEST(before.empty());
  BOOST_TEST(pair.server.write(blocked).bytes == blocked.size());
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST((pair.client.read_all() == blocked));
}

BOOST_DATA_TEST_CASE(fact_5_shutdown_makes_a_blocked_write_unfinishable, data::make(suites),
                     suite) {
  std::string const blocked(6'000, 'x');
  auto pair = pair_with_blocked_write(suite.settings(), blocked);
  BOOST_TEST(pair.server.shutdown().error == SSL_ERROR_WANT_WRITE);
  pair.server.take();
  auto const retried = pair.server.write(blocked);
  BOOST_TEST(retried.error == SSL_ERROR_SSL);
  BOOST_TEST(retried.reason == SSL_R_PROTOCOL_IS_SHUTDOWN);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W14"))
BOOST_DATA_TEST_CASE(fact_5_a_zero_length_write_beside_a_blocked_write_is_fatal, data::make(suites),
                     suite) {
  std::string const blocked(6'000, 'x');
  auto pair = pair_with_blocked_write(suite.settings(), blocked);
  auto const empty = pair.server.write({});
  BOOST_TEST(empty.error == SSL_ERROR_SSL);
  BOOST_TEST(empty.reason == SSL_R_BAD_LENGTH);
  pair.server.take();
  BOOST_TEST(!pair.server.write(blocked));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M3"))
BOOST_AUTO_TEST_CASE(M3_partial_write_reports_the_first_record_of_a_longer_write) {
  auto pair = connected_pair(with_mode(SSL_MODE_ENABLE_PARTIAL_WRITE), {}, wide);
  auto const sealed = pair.server.write(numbered_plaintext(40'000));
  BOOST_TEST(sealed.returned == 1);
  BOOST_TEST(sealed.bytes == max_record_plaintext);
  BOOST_TEST(record_lengths(pair.server.take()).size() == 1U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M4") * boost::unit_test::label("M9") *
                     boost::unit_test::label("W7") * boost::unit_test::label("W10"))
BOOST_AUTO_TEST_CASE(M4_W10_without_partial_write_only_the_complete_chunk_is_success) {
  auto const plaintext = numbered_plaintext(40'000);
  auto pair = connected_pair(with_mode(0));
  std::string arrived;
  std::size_t refused = 0;
  answer given;
  while (!(given = pair.server.write(plaintext))) {
    BOOST_REQUIRE_EQUAL(given.error, SSL_ERROR_WANT_WRITE);
    BOOST_TEST(given.bytes == 0U);
    ++refused;
    move_ciphertext(pair.server, pair.client);
    arrived += pair.client.read_all();
  }
  BOOST_TEST(refused >= 2U);
  BOOST_TEST(given.bytes == plaintext.size());
  move_ciphertext(pair.server, pair.client);
  arrived += pair.client.read_all();
  BOOST_TEST((arrived == plaintext));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M5"))
BOOST_AUTO_TEST_CASE(M5_after_r_bytes_the_next_write_sends_only_the_rest) {
  auto const plaintext = numbered_plaintext(100'000);
  auto pair = connected_pair(with_mode(SSL_MODE_ENABLE_PARTIAL_WRITE));
  std::string arrived;
  std::size_t written = 0;
  while (written < plaintext.size()) {
    auto const sealed = pair.server.write(std::string_view{plaintext}.substr(written));
    BOOST_REQUIRE(sealed);
    written += sealed.bytes;
    move_ciphertext(pair.server, pair.client);
    arrived += pair.client.read_all();
    BOOST_TEST(arrived.size() == written);
  }
  BOOST_TEST((arrived == plaintext));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M6") * boost::unit_test::label("W13"))
BOOST_AUTO_TEST_CASE(M6_W13_a_retry_may_come_from_another_address) {
  auto const mode = SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;
  std::string const blocked(6'000, 'x');
  auto pair = pair_with_blocked_write(with_mode(mode), blocked);
  pair.server.take();
  BOOST_TEST(pair.server.write(std::string{blocked}).bytes == blocked.size());
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M7"))
BOOST_AUTO_TEST_CASE(M7_a_moved_retry_is_refused_without_moving_buffers) {
  std::string const blocked(6'000, 'x');
  auto pair = pair_with_blocked_write(with_mode(0), blocked);
  pair.server.take();
  auto const moved = pair.server.write(std::string{blocked});
  BOOST_TEST(moved.error == SSL_ERROR_SSL);
  BOOST_TEST(moved.reason == SSL_R_BAD_WRITE_RETRY);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M7"))
BOOST_AUTO_TEST_CASE(M7_the_same_retry_is_taken_without_moving_buffers) {
  std::string const blocked(6'000, 'x');
  auto pair = pair_with_blocked_write(with_mode(0), blocked);
  pair.server.take();
  BOOST_TEST(pair.server.write(blocked).bytes == blocked.size());
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W6"))
BOOST_AUTO_TEST_CASE(W6_over_a_bio_that_never_refuses_a_write_returns_when_it_is_finished) {
  auto pair = connected_pair(with_mode(0));
  SSL_set0_wbio(pair.server.ssl(), BIO_new(BIO_s_mem()));
  BOOST_TEST(pair.server.write(numbered_plaintext(300'000)).bytes == 300'000U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W11"))
BOOST_DATA_TEST_CASE(W11_a_partial_write_has_the_size_of_one_message_block, data::make(suites),
                     suite) {
  auto pair = connected_pair(suite.settings(), {}, wide);
  // Fewer than four blocks: above that a CBC suite may seal several, see fact 1.
  auto const sealed = pair.server.write(numbered_plaintext(50'000));
  BOOST_TEST(sealed.bytes == 16'384U);
  auto const records = record_lengths(pair.server.take());
  BOOST_TEST(records == std::vector{suite.full_record}, boost::test_tools::per_element());
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W14"))
BOOST_DATA_TEST_CASE(W14_zero_length_write_ex_succeeds_and_sends_nothing,
                     data::make(suites) * data::make(modes), suite, mode) {
  auto settings = suite.settings();
  settings.mode = mode;
  auto pair = connected_pair(settings);
  auto const empty = pair.server.write({});
  BOOST_TEST(empty.returned == 1);
  BOOST_TEST(empty.bytes == 0U);
  BOOST_TEST(pair.server.produced() == 0U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W14"))
BOOST_AUTO_TEST_CASE(W14_zero_length_write_is_no_success) {
  auto pair = connected_pair();
  ERR_clear_error();
  auto const returned = SSL_write(pair.server.ssl(), "", 0);
  BOOST_TEST(returned <= 0);
  BOOST_TEST(SSL_get_error(pair.server.ssl(), returned) != SSL_ERROR_NONE);
  BOOST_TEST(pair.server.produced() == 0U);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W15"))
BOOST_AUTO_TEST_CASE(W15_the_same_zero_is_retryable_or_fatal_and_only_get_error_tells) {
  std::string const blocked(6'000, 'x');
  auto pair = pair_with_blocked_write({}, blocked);
  auto const retryable = pair.server.write(blocked);
  auto const fatal = pair.server.write("short");
  BOOST_TEST(retryable.returned == 0);
  BOOST_TEST(fatal.returned == 0);
  BOOST_TEST(retryable.error == SSL_ERROR_WANT_WRITE);
  BOOST_TEST(fatal.error == SSL_ERROR_SSL);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W17"))
BOOST_AUTO_TEST_CASE(W17_minus_one_of_a_write_is_retryable_or_fatal_just_as_well) {
  std::string const blocked(6'000, 'x');
  auto pair = pair_with_blocked_write({}, blocked);
  SSL* const ssl = pair.server.ssl();
  ERR_clear_error();
  BOOST_TEST(SSL_write(ssl, blocked.data(), 6'000) == -1);
  BOOST_TEST(SSL_get_error(ssl, -1) == SSL_ERROR_WANT_WRITE);
  BOOST_TEST(SSL_write(ssl, "short", 5) == -1);
  BOOST_TEST(SSL_get_error(ssl, -1) == SSL_ERROR_SSL);
  ERR_clear_error();
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W16"))
BOOST_DATA_TEST_CASE(W16_success_of_a_write_means_at_least_one_byte,
                     data::make(suites) * data::make(modes), suite, mode) {
  auto settings = suite.settings();
  settings.mode = mode;
  auto pair = connected_pair(settings);
  std::string const plaintext(300, 'x');
  for (int call = 0; call < 1'000; ++call) {
    auto const given = pair.server.write(plaintext);
    BOOST_REQUIRE_EQUAL(given.bytes > 0, given.returned == 1);
    // A retry in ever the same small room, and then again in an empty ring.
    if (!given && call % 3 == 0) {
      pair.server.take(200);
    } else if (!given && call % 7 == 0) {
      pair.server.take();
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
