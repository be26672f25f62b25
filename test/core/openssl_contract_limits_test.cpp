// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pins the limits that OpenSSL does not set, what lets us set them, and what it asks of a BIO and
// of memory: facts 8 (memory) and 13 of docs/openssl-facts.md, and M11 of docs/checklist.md.
// Must not use tls_async code: a failure here means that OpenSSL has changed.
#include <malloc.h>

#include <memory>
#include <string>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <openssl/bio.h>

#include "openssl_contract.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

struct message_counts {
  std::size_t key_updates = 0;
  std::size_t tickets = 0;
  std::size_t record_headers = 0;
};

void count_message(int sent, int, int type, void const* bytes, std::size_t length, SSL*,
                   void* counts) {
  if (sent != 0 || length == 0) {
    return;
  }
  auto& seen = *static_cast<message_counts*>(counts);
  auto const first = *static_cast<unsigned char const*>(bytes);
  seen.key_updates += type == SSL3_RT_HANDSHAKE && first == SSL3_MT_KEY_UPDATE ? 1 : 0;
  seen.tickets += type == SSL3_RT_HANDSHAKE && first == SSL3_MT_NEWSESSION_TICKET ? 1 : 0;
  seen.record_headers += type == SSL3_RT_HEADER ? 1 : 0;
}

void count_messages(raw_session& session, message_counts& counts) {
  SSL_set_msg_callback(session.ssl(), &count_message);
  SSL_set_msg_callback_arg(session.ssl(), &counts);
}

// A connected pair, of which one side has counted since its handshake.
tls_pair counted_pair(raw_session tls_pair::*counted, message_counts& counts) {
  tls_pair pair;
  // Before the handshake: later it sees no record headers from OpenSSL 3.2 on.
  count_messages(pair.*counted, counts);
  pair.handshake();
  counts = {};
  return pair;
}

std::size_t bytes_in_use() { return mallinfo2().uordblks; }

// A sanitizer brings its own malloc, which mallinfo2 knows nothing of.
bool can_count_bytes() {
  auto const before = bytes_in_use();
  auto const block = std::make_unique<std::string>(10'000, 'x');
  return bytes_in_use() >= before + block->size();
}

void exchange_plaintext(tls_pair& pair) {
  auto const plaintext = numbered_plaintext(max_record_plaintext);
  BOOST_REQUIRE(pair.client.write(plaintext));
  move_ciphertext(pair.client, pair.server);
  BOOST_REQUIRE((pair.server.read_all() == plaintext));
  BOOST_REQUIRE(pair.server.write(plaintext));
  move_ciphertext(pair.server, pair.client);
  BOOST_REQUIRE((pair.client.read_all() == plaintext));
}

BOOST_AUTO_TEST_SUITE(openssl_contract_limits)

BOOST_AUTO_TEST_CASE(fact_13_key_updates_have_no_limit_and_the_message_callback_sees_each) {
  message_counts seen;
  auto pair = counted_pair(&tls_pair::server, seen);
  for (std::size_t update = 0; update < 1'000; ++update) {
    BOOST_REQUIRE_EQUAL(SSL_key_update(pair.client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    BOOST_REQUIRE(pair.client.handshake());
    move_ciphertext(pair.client, pair.server);
    BOOST_REQUIRE(pair.server.read_all().empty());
  }
  BOOST_TEST(seen.key_updates == 1'000U);
}

BOOST_AUTO_TEST_CASE(fact_13_one_byte_records_have_no_limit_and_the_message_callback_sees_each) {
  message_counts seen;
  auto pair = counted_pair(&tls_pair::server, seen);
  for (std::size_t record = 0; record < 5'000; ++record) {
    BOOST_REQUIRE(pair.client.write("x"));
    move_ciphertext(pair.client, pair.server);
    BOOST_REQUIRE_EQUAL(pair.server.read_all().size(), 1U);
  }
  BOOST_TEST(seen.record_headers == 5'000U);
}

BOOST_AUTO_TEST_CASE(fact_13_tickets_have_no_limit_and_the_message_callback_sees_each) {
  message_counts seen;
  auto pair = counted_pair(&tls_pair::client, seen);
  for (std::size_t ticket = 0; ticket < 1'000; ++ticket) {
    BOOST_REQUIRE_EQUAL(SSL_new_session_ticket(pair.server.ssl()), 1);
    BOOST_REQUIRE(pair.server.handshake());
    move_ciphertext(pair.server, pair.client);
    BOOST_REQUIRE(pair.client.read_all().empty());
  }
  BOOST_TEST(seen.tickets == 1'000U);
}

BOOST_AUTO_TEST_CASE(fact_13_a_late_message_callback_still_sees_handshake_messages) {
  auto pair = connected_pair();
  message_counts seen;
  count_messages(pair.server, seen);
  BOOST_REQUIRE_EQUAL(SSL_key_update(pair.client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  BOOST_REQUIRE(pair.client.handshake());
  move_ciphertext(pair.client, pair.server);
  BOOST_REQUIRE(pair.server.read_all().empty());
  BOOST_TEST(seen.key_updates == 1U);
}

// A BIO without input, with or without the word that a retry makes sense.
struct silent_bio {
  bool retry = false;
  bool asked_for_end = false;
};

int read_nothing(BIO* bio, char*, std::size_t, std::size_t* read) {
  *read = 0;
  BIO_clear_retry_flags(bio);
  if (static_cast<silent_bio*>(BIO_get_data(bio))->retry) {
    BIO_set_retry_read(bio);
  }
  return 0;
}

int write_all(BIO*, char const*, std::size_t length, std::size_t* written) {
  *written = length;
  return 1;
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) {
    static_cast<silent_bio*>(BIO_get_data(bio))->asked_for_end = true;
  }
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BOOST_DATA_TEST_CASE(fact_13_a_custom_bio_is_asked_for_its_end_after_a_read_without_retry,
                     data::make({false, true}), retry) {
  std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> const method{
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "silent"), &BIO_meth_free};
  BIO_meth_set_read_ex(method.get(), &read_nothing);
  BIO_meth_set_write_ex(method.get(), &write_all);
  BIO_meth_set_ctrl(method.get(), &control);
  silent_bio silent{retry};
  BIO* const bio = BIO_new(method.get());
  BIO_set_data(bio, &silent);
  BIO_set_init(bio, 1);
  auto const context = make_context(role::client);
  raw_session client{context.get(), role::client};
  SSL_set_bio(client.ssl(), bio, bio);
  BOOST_TEST(client.handshake().error == (retry ? SSL_ERROR_WANT_READ : SSL_ERROR_SYSCALL));
  BOOST_TEST(silent.asked_for_end == (!retry || since_openssl_4()));
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M11"))
BOOST_AUTO_TEST_CASE(M11_free_buffers_gives_back_two_record_buffers_that_come_again_when_needed) {
  if (!can_count_bytes()) {
    BOOST_TEST_MESSAGE("this malloc does not count");
    return;
  }
  auto pair = connected_pair();
  for (int round = 0; round < 3; ++round) {
    exchange_plaintext(pair);
    auto const before = bytes_in_use();
    BOOST_TEST(SSL_free_buffers(pair.server.ssl()) == 1);
    auto const freed = before - bytes_in_use();
    BOOST_TEST(freed >= 2 * max_record_plaintext);
    BOOST_TEST(freed <= 40'000U);
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M11"))
BOOST_AUTO_TEST_CASE(M11_release_buffers_leaves_nothing_for_free_buffers_to_give_back) {
  if (!can_count_bytes()) {
    BOOST_TEST_MESSAGE("this malloc does not count");
    return;
  }
  tls_settings settings;
  settings.mode |= SSL_MODE_RELEASE_BUFFERS;
  auto pair = connected_pair(settings);
  exchange_plaintext(pair);
  auto const before = bytes_in_use();
  BOOST_TEST(SSL_free_buffers(pair.server.ssl()) == 1);
  BOOST_TEST(bytes_in_use() == before);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("M11"))
BOOST_AUTO_TEST_CASE(fact_8_an_idle_session_without_pair_and_buffers_holds_less_than_32_KiB) {
  if (!can_count_bytes()) {
    BOOST_TEST_MESSAGE("this malloc does not count");
    return;
  }
  auto pair = connected_pair();
  exchange_plaintext(pair);
  BOOST_TEST(SSL_free_buffers(pair.server.ssl()) == 1);
  pair.server.exchange_pair({});
  // Keeps the SSL_CTX, which is not part of what a session costs.
  BOOST_REQUIRE_EQUAL(SSL_CTX_up_ref(SSL_get_SSL_CTX(pair.server.ssl())), 1);
  context_ptr const context{SSL_get_SSL_CTX(pair.server.ssl())};
  auto const before = bytes_in_use();
  {
    // Ends here, and gives back all it held.
    auto const ended = std::move(pair.server);
  }
  // About 13 KiB in OpenSSL 3.0, 27 in 3.5; 32 more where the buffers are kept.
  BOOST_TEST(before - bytes_in_use() < 32U * 1'024);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
