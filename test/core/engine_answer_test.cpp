// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the engine makes of each answer that SSL_get_error(3) can give, and that it counts those it
// waits for. Nothing else says whether a call succeeded, can be repeated or has failed.
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <memory>

#include <openssl/async.h>
#include <openssl/bio.h>

#include "engine_pair.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

// What a BIO says when it has nothing to give.
struct excuse {
  char const* name;
  int flags;   // BIO_FLAGS_...
  int reason;  // BIO_RR_..., with BIO_FLAGS_IO_SPECIAL
  int is_at_end;
  int error;  // what SSL_get_error makes of it
  want next;
};
std::ostream& operator<<(std::ostream& out, excuse const& shown) { return out << shown.name; }

constexpr std::array excuses{
    excuse{"wants to read", BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY, 0, 0, SSL_ERROR_WANT_READ,
           want::fill},
    excuse{"wants to write", BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY, 0, 0, SSL_ERROR_WANT_WRITE,
           want::flush},
    excuse{"wants to connect", BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY, BIO_RR_CONNECT, 0,
           SSL_ERROR_WANT_CONNECT, want::failed},
    excuse{"wants to accept", BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY, BIO_RR_ACCEPT, 0,
           SSL_ERROR_WANT_ACCEPT, want::failed},
    excuse{"failed", 0, 0, 0, SSL_ERROR_SYSCALL, want::failed},
    excuse{"is at its end", 0, 0, 1, SSL_ERROR_SSL, want::failed},
};

BIO* make_bio(excuse const& why) {
  static std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> const method = [] {
    auto* const made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "excuses");
    BIO_meth_set_read(made, [](BIO* bio, char*, int) {
      auto const& given = *static_cast<excuse const*>(BIO_get_data(bio));
      BIO_clear_retry_flags(bio);
      BIO_set_flags(bio, given.flags);
      BIO_set_retry_reason(bio, given.reason);
      return -1;
    });
    BIO_meth_set_ctrl(made, [](BIO* bio, int what, long, void*) -> long {
      return what == BIO_CTRL_EOF ? static_cast<excuse const*>(BIO_get_data(bio))->is_at_end : 0;
    });
    return std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)>(made, &BIO_meth_free);
  }();
  BIO* const bio = BIO_new(method.get());
  BIO_set_data(bio, const_cast<excuse*>(&why));
  BIO_set_init(bio, 1);
  return bio;
}

step open_one(engine& from) {
  std::array<std::byte, 100> place{};
  return from.open(place);
}

// The server's answer to a ClientHello, asked with what OpenSSL last said.
void check_suspended_by_a_callback(engine& suspended, step answered, int error) {
  BOOST_TEST(SSL_get_error(suspended.native_handle(), -1) == error);
  BOOST_TEST(answered.next == want::failed);
  BOOST_TEST((suspended.failure().own == errc::unexpected_result));
  auto const words = error == SSL_ERROR_WANT_ASYNC_JOB ? "has no job" : "callback";
  BOOST_TEST(suspended.error_info().text().find(words) != std::string::npos);
  BOOST_TEST(suspended.handshake().next == want::failed);
}

step answer_to_client_hello(engine_pair& pair) {
  BOOST_REQUIRE_EQUAL(pair.client.handshake().next, want::fill);
  move_ciphertext(pair.client, pair.server);
  return pair.server.handshake();
}

BOOST_AUTO_TEST_SUITE(engine_answer)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W15") * boost::unit_test::label("W17"))
BOOST_DATA_TEST_CASE(W15_W17_the_same_minus_one_has_an_outcome_for_each_excuse_of_a_bio,
                     data::make(excuses), why) {
  connected_engines pair;
  SSL* const ssl = pair.client.native_handle();
  (void)pair.client.ring().writable();
  pair.client.ring().commit(1);  // without input it would not be asked
  SSL_set0_rbio(ssl, make_bio(why));
  step const answered = open_one(pair.client);
  if (why.error != SSL_ERROR_SSL) BOOST_TEST(SSL_get_error(ssl, -1) == why.error);
  BOOST_TEST(answered.next == why.next);
  BOOST_TEST(bool{pair.client.failure()} == (why.next == want::failed));
  if (why.next == want::failed) {
    BOOST_TEST(!pair.client.error_info().text().empty());
    BOOST_TEST(open_one(pair.client).next == want::failed);
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W15"))
BOOST_AUTO_TEST_CASE(W15_success_and_the_end_are_told_apart_from_waiting) {
  connected_engines pair;
  seal_all(pair.server, "x");
  BOOST_TEST(pair.server.close_notify() == step{});
  move_ciphertext(pair.server, pair.client);
  BOOST_TEST(open_one(pair.client) == (step{want::nothing, 1}));
  BOOST_TEST(open_one(pair.client) == (step{want::closed, 0}));  // SSL_ERROR_ZERO_RETURN
  BOOST_TEST(!pair.client.failure());
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W15"))
BOOST_AUTO_TEST_CASE(W15_a_certificate_callback_that_suspends_is_a_failure_with_a_reason) {
  engine_pair pair;
  SSL_set_cert_cb(
      pair.server.native_handle(), [](SSL*, void*) { return -1; }, nullptr);
  check_suspended_by_a_callback(pair.server, answer_to_client_hello(pair),
                                SSL_ERROR_WANT_X509_LOOKUP);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W15"))
BOOST_AUTO_TEST_CASE(W15_a_client_hello_callback_that_suspends_is_a_failure_with_a_reason) {
  auto const server = make_context(role::server);
  SSL_CTX_set_client_hello_cb(
      server.get(), [](SSL*, int*, void*) { return SSL_CLIENT_HELLO_RETRY; }, nullptr);
  engine_pair pair(make_context(role::client).get(), server.get());
  pair.client.be_client();
  check_suspended_by_a_callback(pair.server, answer_to_client_hello(pair),
                                SSL_ERROR_WANT_CLIENT_HELLO_CB);
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W15"))
BOOST_AUTO_TEST_CASE(W15_a_verification_that_suspends_is_a_failure_with_a_reason) {
  auto const client = make_context(role::client);
  SSL_CTX_set_cert_verify_callback(
      client.get(),
      [](X509_STORE_CTX* chain, void*) {
        auto* const ssl = static_cast<SSL*>(
            X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
        return SSL_set_retry_verify(ssl) > 0 ? 1 : 0;
      },
      nullptr);
  engine_pair pair(client.get(), make_context(role::server).get());
  pair.client.be_client();
  (void)answer_to_client_hello(pair);
  move_ciphertext(pair.server, pair.client);
  check_suspended_by_a_callback(pair.client, pair.client.handshake(), SSL_ERROR_WANT_RETRY_VERIFY);
}

// AddressSanitizer can't follow the stacks that OpenSSL switches to.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
BOOST_TEST_DECORATOR(*boost::unit_test::label("W15"))
BOOST_AUTO_TEST_CASE(W15_a_job_that_is_paused_and_one_that_finds_no_place_are_failures_too) {
  BOOST_REQUIRE_EQUAL(ASYNC_init_thread(1, 1), 1);
  auto const pause = [](SSL*, void*) { return ASYNC_pause_job() == 1 ? 1 : 0; };
  {
    engine_pair first, second;
    for (engine_pair* const pair : {&first, &second}) {
      SSL_set_mode(pair->server.native_handle(), SSL_MODE_ASYNC);
      SSL_set_cert_cb(pair->server.native_handle(), pause, nullptr);
    }
    check_suspended_by_a_callback(first.server, answer_to_client_hello(first),
                                  SSL_ERROR_WANT_ASYNC);
    check_suspended_by_a_callback(second.server, answer_to_client_hello(second),
                                  SSL_ERROR_WANT_ASYNC_JOB);
    // A paused job keeps its stack until it has come to its end.
    BOOST_TEST(SSL_do_handshake(first.server.native_handle()) == -1);
    BOOST_TEST(SSL_get_error(first.server.native_handle(), -1) == SSL_ERROR_WANT_READ);
  }
  ASYNC_cleanup_thread();
}
#endif

BOOST_TEST_DECORATOR(*boost::unit_test::label("W7"))
BOOST_AUTO_TEST_CASE(W7_each_suspension_is_counted_by_its_kind) {
  connected_engines pair;
  auto const fills = pair.server.stats().suspended_for_fill;
  auto const flushes = pair.client.stats().suspended_for_flush;
  BOOST_TEST(open_one(pair.server).next == want::fill);
  BOOST_TEST(pair.server.stats().suspended_for_fill == fills + 1);

  std::string const record(max_record_plaintext, 'r');
  while (pair.client.can_seal())
    seal_all(pair.client, record);
  BOOST_TEST(pair.client.stats().suspended_for_flush == flushes);
  BOOST_TEST(pair.client.seal(bytes_of(record)).next == want::flush);
  BOOST_TEST(pair.client.stats().suspended_for_flush == flushes + 1);
  BOOST_TEST(pair.client.finish_record().next == want::flush);
  BOOST_TEST(pair.client.stats().suspended_for_flush == flushes + 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
