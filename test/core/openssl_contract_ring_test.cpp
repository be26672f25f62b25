// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pins how the BIO pair stores ciphertext, and that a session can change its pair: facts 4, 7
// and 8 of docs/openssl-facts.md.
// Must not use tls_async code: a failure here means that OpenSSL has changed.
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <openssl/bio.h>
#include <openssl/bioerr.h>
#include <openssl/err.h>

#include "openssl_contract.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

std::size_t seal_while_there_is_room(raw_session& session) {
  std::size_t records = 0;
  while (room(session) >= safe_room) {
    BOOST_REQUIRE(session.write(numbered_plaintext(max_record_plaintext)));
    ++records;
  }
  return records;
}

// Takes ciphertext as the engine does: one contiguous piece, without a copy by OpenSSL.
std::string take_contiguous(BIO* outer) {
  char* at = nullptr;
  auto const length = BIO_nread0(outer, &at);
  if (length <= 0) {
    return {};
  }
  std::string piece(at, static_cast<std::size_t>(length));
  BOOST_REQUIRE_EQUAL(BIO_nread(outer, &at, length), length);
  return piece;
}

std::string read_inner(BIO* inner, std::size_t length) {
  std::string bytes(length, '\0');
  std::size_t done = 0;
  BOOST_REQUIRE_EQUAL(BIO_read_ex(inner, bytes.data(), length, &done), 1);
  bytes.resize(done);
  return bytes;
}

constexpr std::string_view old{"old bytes"};
constexpr std::string_view fresh{"NEW BYTES"};

BOOST_AUTO_TEST_SUITE(openssl_contract_ring)

BOOST_DATA_TEST_CASE(fact_4_a_ring_of_n_times_17408_holds_n_records,
                     data::make(suites) * data::make<std::size_t>({1, 2, 3, 4, 5, 8}), suite,
                     records) {
  auto pair = connected_pair(suite.settings(), {}, {records * one_record_ring, one_record_ring});
  BOOST_TEST(seal_while_there_is_room(pair.server) == records);
}

BOOST_AUTO_TEST_CASE(fact_4_64_KiB_hold_only_3_records_and_128_KiB_only_7) {
  auto small = connected_pair({}, {}, {65'536, one_record_ring});
  BOOST_TEST(seal_while_there_is_room(small.server) == 3U);
  auto large = connected_pair({}, {}, {131'072, one_record_ring});
  BOOST_TEST(seal_while_there_is_room(large.server) == 7U);
}

BOOST_DATA_TEST_CASE(fact_4_nread0_returns_all_records_when_drained_fully_before_each_batch,
                     data::make(suites), suite) {
  auto pair = connected_pair(suite.settings(), {}, {4 * one_record_ring, one_record_ring});
  for (int batch = 0; batch < 5; ++batch) {
    seal_while_there_is_room(pair.server);
    BOOST_TEST(take_contiguous(pair.server.outer()).size() == 4 * suite.full_record);
    BOOST_TEST(pair.server.produced() == 0U);
  }
}

BOOST_DATA_TEST_CASE(fact_4_nread0_stops_at_the_wrap_when_sealing_goes_on_after_a_partial_drain,
                     data::make(suites), suite) {
  constexpr auto ring = 4 * one_record_ring;
  auto pair = connected_pair(suite.settings(), {}, {ring, one_record_ring});
  seal_while_there_is_room(pair.server);
  pair.server.take(3 * suite.full_record);
  seal_while_there_is_room(pair.server);
  auto const pending = pair.server.produced();
  BOOST_TEST(take_contiguous(pair.server.outer()).size() == ring - 3 * suite.full_record);
  BOOST_TEST(take_contiguous(pair.server.outer()).size() == pending - ring + 3 * suite.full_record);
}

BOOST_AUTO_TEST_CASE(fact_7_filling_ahead_of_unread_input_brings_old_bytes_back) {
  auto const pair = make_bio_pair();
  BOOST_REQUIRE_EQUAL(BIO_write(pair.outer.get(), old.data(), 9), 9);
  char* ahead = nullptr;
  BOOST_REQUIRE_GE(BIO_nwrite0(pair.outer.get(), &ahead), 9);
  BOOST_TEST(read_inner(pair.inner.get(), 9) == old);
  fresh.copy(ahead, fresh.size());
  char* committed = nullptr;
  BOOST_REQUIRE_EQUAL(BIO_nwrite(pair.outer.get(), &committed, 9), 9);
  BOOST_TEST(static_cast<void*>(committed) != static_cast<void*>(ahead));
  BOOST_TEST(read_inner(pair.inner.get(), 9) == old);
}

BOOST_AUTO_TEST_CASE(fact_7_a_fill_started_on_empty_input_is_what_is_read) {
  auto const pair = make_bio_pair();
  for (int fill = 0; fill < 3; ++fill) {
    char* ahead = nullptr;
    BOOST_REQUIRE_EQUAL(BIO_nwrite0(pair.outer.get(), &ahead), static_cast<int>(one_record_ring));
    fresh.copy(ahead, fresh.size());
    char* committed = nullptr;
    BOOST_REQUIRE_EQUAL(BIO_nwrite(pair.outer.get(), &committed, 9), 9);
    BOOST_TEST(read_inner(pair.inner.get(), 100) == fresh);
  }
}

BOOST_DATA_TEST_CASE(fact_8_a_session_changes_its_pair_in_mid_session, data::make(suites), suite) {
  std::mt19937 random{20'251'122};
  auto pair = connected_pair(suite.settings());
  bio_pair pooled = make_bio_pair();
  for (std::size_t swap = 0; swap < 200; ++swap) {
    auto const plaintext = numbered_plaintext(1 + random() % max_record_plaintext, swap);
    BOOST_REQUIRE(pair.server.write(plaintext));
    // Some of the record goes into OpenSSL, so that the swap happens with a record in there.
    auto const ciphertext = pair.server.take();
    auto const cut = random() % ciphertext.size();
    pair.client.give(std::string_view{ciphertext}.substr(0, cut));
    BOOST_REQUIRE(pair.client.read_all().empty());
    BOOST_REQUIRE_EQUAL(pair.client.unread(), 0U);
    // Between the two the session has no pair at all.
    auto taken = pair.client.exchange_pair({});
    pair.client.exchange_pair(std::move(pooled));
    pooled = std::move(taken);
    pair.client.give(std::string_view{ciphertext}.substr(cut));
    BOOST_REQUIRE((pair.client.read_all() == plaintext));
    BOOST_REQUIRE(pair.client.write("an answer"));
    move_ciphertext(pair.client, pair.server);
    BOOST_REQUIRE_EQUAL(pair.server.read_all(), "an answer");
  }
}

BOOST_AUTO_TEST_CASE(fact_8_a_pair_given_away_serves_another_session) {
  auto first = connected_pair();
  auto second = connected_pair();
  second.server.exchange_pair(first.server.exchange_pair({}));
  BOOST_REQUIRE(second.client.write("hello"));
  move_ciphertext(second.client, second.server);
  BOOST_TEST(second.server.read_all() == "hello");
  BOOST_REQUIRE(second.server.write("good-bye"));
  move_ciphertext(second.server, second.client);
  BOOST_TEST(second.client.read_all() == "good-bye");
}

BOOST_DATA_TEST_CASE(fact_8_the_ends_of_a_pair_count_what_goes_through, data::make(suites), suite) {
  auto sides = connected_pair(suite.settings());
  auto const is_counted = [](BIO* from, BIO* to) {
    return BIO_number_written(from) - BIO_number_read(to) == BIO_ctrl_pending(to);
  };
  auto const pair = sides.client.exchange_pair(make_bio_pair());
  BOOST_TEST(is_counted(pair.inner.get(), pair.outer.get()));
  BOOST_TEST(is_counted(pair.outer.get(), pair.inner.get()));
  char* place = nullptr;
  for (int round = 0; round < 100; ++round) {
    BOOST_REQUIRE_EQUAL(BIO_write(pair.outer.get(), old.data(), 9), 9);
    BOOST_REQUIRE_EQUAL(BIO_nwrite(pair.inner.get(), &place, 5), 5);
    BOOST_TEST(is_counted(pair.inner.get(), pair.outer.get()));
    BOOST_TEST(is_counted(pair.outer.get(), pair.inner.get()));
    BOOST_REQUIRE_EQUAL(BIO_nread(pair.outer.get(), &place, 3), 3);
    BOOST_REQUIRE_EQUAL(read_inner(pair.inner.get(), 7).size(), 7U);
    BOOST_TEST(is_counted(pair.inner.get(), pair.outer.get()));
    BOOST_TEST(is_counted(pair.outer.get(), pair.inner.get()));
  }
}

BOOST_DATA_TEST_CASE(fact_8_has_pending_is_zero_after_exactly_a_header, data::make(suites), suite) {
  auto pair = connected_pair(suite.settings());
  BOOST_REQUIRE(pair.server.write("hello"));
  move_ciphertext(pair.server, pair.client, 5);
  BOOST_TEST(pair.client.read_all().empty());
  BOOST_TEST(SSL_has_pending(pair.client.ssl()) == 0);
  move_ciphertext(pair.server, pair.client, 1);
  BOOST_TEST(pair.client.read_all().empty());
  BOOST_TEST(SSL_has_pending(pair.client.ssl()) == 1);
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(pair.client.read_all() == "hello");
}

BOOST_AUTO_TEST_CASE(fact_8_an_ssl_call_without_a_pair_is_fatal) {
  auto pair = connected_pair();
  auto taken = pair.client.exchange_pair({});
  std::string plaintext;
  auto const reading = pair.client.read(plaintext);
  BOOST_TEST(reading.error == SSL_ERROR_SSL);
  BOOST_TEST(reading.reason == SSL_R_READ_BIO_NOT_SET);
  // A pair that comes too late does not mend the session.
  pair.client.exchange_pair(std::move(taken));
  BOOST_TEST(pair.client.write("x").error == SSL_ERROR_SSL);
}

BOOST_AUTO_TEST_CASE(fact_8_a_pair_after_shutdown_wr_is_closed_for_good) {
  auto const pair = make_bio_pair();
  BOOST_REQUIRE_EQUAL(BIO_shutdown_wr(pair.outer.get()), 1);
  BOOST_TEST(BIO_write(pair.outer.get(), "x", 1) == -1);
  BOOST_TEST(ERR_GET_REASON(ERR_get_error()) == BIO_R_BROKEN_PIPE);
  BOOST_TEST(BIO_reset(pair.outer.get()) == 0);
  BOOST_TEST(BIO_reset(pair.inner.get()) == 0);
  BOOST_TEST(BIO_write(pair.outer.get(), "x", 1) == -1);
  ERR_clear_error();
}

BOOST_AUTO_TEST_CASE(fact_8_free_buffers_refuses_while_a_write_is_blocked) {
  std::string const blocked(6'000, 'x');
  auto pair = pair_with_blocked_write({}, blocked);
  BOOST_TEST(SSL_free_buffers(pair.server.ssl()) == 0);
  auto const before = rest_of_plaintext(pair);
  BOOST_TEST(before.empty());
  BOOST_TEST(pair.server.write(blocked).bytes == blocked.size());
  BOOST_TEST(SSL_free_buffers(pair.server.ssl()) == 1);
}

BOOST_DATA_TEST_CASE(fact_8_free_buffers_refuses_wherever_a_record_is_cut_and_loses_nothing,
                     data::make(suites), suite) {
  auto pair = connected_pair(suite.settings());
  for (std::size_t cut = 0; cut < 40; ++cut) {
    auto const plaintext = numbered_plaintext(100, cut);
    BOOST_REQUIRE(pair.server.write(plaintext));
    move_ciphertext(pair.server, pair.client, cut);
    BOOST_REQUIRE(pair.client.read_all().empty());
    BOOST_TEST(SSL_free_buffers(pair.client.ssl()) == (cut == 0 ? 1 : 0));
    move_ciphertext(pair.server, pair.client);
    BOOST_REQUIRE((pair.client.read_all() == plaintext));
    BOOST_TEST(SSL_free_buffers(pair.client.ssl()) == 1);
  }
}

BOOST_AUTO_TEST_CASE(fact_8_free_buffers_refuses_while_opened_plaintext_is_unread) {
  auto pair = connected_pair();
  BOOST_REQUIRE(pair.server.write("hello"));
  move_ciphertext(pair.server, pair.client);
  std::string plaintext;
  BOOST_REQUIRE(pair.client.read(plaintext, 2));
  BOOST_TEST(SSL_free_buffers(pair.client.ssl()) == 0);
  plaintext += pair.client.read_all();
  BOOST_TEST(plaintext == "hello");
  BOOST_TEST(SSL_free_buffers(pair.client.ssl()) == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
