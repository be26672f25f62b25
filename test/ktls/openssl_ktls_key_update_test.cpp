// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pins what a KeyUpdate does to a session that sends through the kernel: fact 10 of
// docs/openssl-facts.md.
// Must not use tls_async code: a failure here means that OpenSSL or the kernel has changed.
#include <string>

#include <boost/test/unit_test.hpp>

#include <openssl/sslerr.h>

#include "kernel_session.hpp"

namespace tls_async::test {
namespace {

constexpr int no_suitable_record_layer = 322;  // SSL_R_NO_SUITABLE_RECORD_LAYER, from 3.2 on

// The kernel goes on with the keys it has, and the client knows only the next ones.
void check_broken(kernel_session_pair& pair) {
  std::string received;
  auto const given = pair.client_reads_to_end(received);
  BOOST_TEST(given.error == SSL_ERROR_SSL);
  BOOST_TEST(given.reason == SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
  BOOST_TEST(received.empty());
}

void check_arrives(kernel_session_pair& pair, std::string const& sent) {
  std::string received;
  pair.client_reads_up_to(sent.size(), received);
  BOOST_TEST((received == sent));
}

void check_refused(answer const& given) {
  BOOST_TEST(given.error == SSL_ERROR_SSL);
  BOOST_TEST(given.reason == no_suitable_record_layer);
}

// What the server's read of one more KeyUpdate of the client answers.
answer take_key_update(kernel_session_pair& pair, int kind) {
  BOOST_REQUIRE(pair.client_key_update(kind));
  std::string none;
  pair.wait_for_input();
  return pair.server_reads(none);
}

bool answer_is_queued(kernel_session_pair& pair) {
  return SSL_get_key_update_type(pair.server()) == SSL_KEY_UPDATE_NOT_REQUESTED;
}

BOOST_AUTO_TEST_SUITE(openssl_ktls_key_update)

BOOST_AUTO_TEST_CASE(of_our_own_breaks_what_is_written_after_it) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  auto const updated = pair.server_key_update(SSL_KEY_UPDATE_NOT_REQUESTED);
  auto const written = pair.server_writes("after it");
  if (kernel_takes_new_keys()) return check_arrives(pair, "after it");
  if (since_openssl_32()) {
    check_refused(updated);
    BOOST_TEST(!written);
  } else {
    BOOST_TEST(bool{updated});
    BOOST_TEST(bool{written});
  }
  check_broken(pair);
}

BOOST_AUTO_TEST_CASE(of_our_own_breaks_the_file_after_it) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file const file{1000};
  pair.server_key_update(SSL_KEY_UPDATE_NOT_REQUESTED);
  // Even where OpenSSL has refused the KeyUpdate.
  BOOST_TEST(pair.server_sends(file.descriptor(), 0, 1000).sent == 1000);
  if (kernel_takes_new_keys()) return check_arrives(pair, file.content());
  check_broken(pair);
}

BOOST_AUTO_TEST_CASE(that_asks_for_none_changes_only_what_is_read) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(take_key_update(pair, SSL_KEY_UPDATE_NOT_REQUESTED).error == SSL_ERROR_WANT_READ);
    BOOST_TEST(!answer_is_queued(pair));
    BOOST_TEST(bool{pair.client_writes("up")});
    std::string up;
    pair.wait_for_input();
    BOOST_TEST(bool{pair.server_reads(up)});
    BOOST_TEST(up == "up");
    BOOST_TEST(bool{pair.server_writes("down")});
    std::string down;
    pair.client_reads_up_to(4, down);
    BOOST_TEST(down == "down");
  }
}

BOOST_AUTO_TEST_CASE(that_asks_for_ours_breaks_the_write_after_it) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  BOOST_TEST(take_key_update(pair, SSL_KEY_UPDATE_REQUESTED).error == SSL_ERROR_WANT_READ);
  auto const written = pair.server_writes("after it");
  if (kernel_takes_new_keys()) return check_arrives(pair, "after it");
  if (since_openssl_32()) {
    check_refused(written);
  } else {
    BOOST_TEST(bool{written});
  }
  check_broken(pair);
}

BOOST_AUTO_TEST_CASE(that_asks_for_ours_is_not_answered_by_a_file) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file const file{1000};
  BOOST_TEST(take_key_update(pair, SSL_KEY_UPDATE_REQUESTED).error == SSL_ERROR_WANT_READ);
  BOOST_TEST(answer_is_queued(pair));
  BOOST_TEST(pair.server_sends(file.descriptor(), 0, 1000).sent == 1000);
  std::string received;
  pair.client_reads_up_to(1000, received);
  BOOST_TEST((received == file.content()));
  BOOST_TEST(answer_is_queued(pair));
}

BOOST_AUTO_TEST_CASE(that_asks_a_second_time_breaks_a_file_too) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file const file{1000};
  BOOST_TEST(take_key_update(pair, SSL_KEY_UPDATE_REQUESTED).error == SSL_ERROR_WANT_READ);
  // This read sends the answer to the first.
  auto const second = take_key_update(pair, SSL_KEY_UPDATE_REQUESTED);
  if (since_openssl_32() && !kernel_takes_new_keys()) {
    check_refused(second);
  } else {
    BOOST_TEST(second.error == SSL_ERROR_WANT_READ);
  }
  BOOST_TEST(pair.server_sends(file.descriptor(), 0, 1000).sent == 1000);
  if (kernel_takes_new_keys()) return check_arrives(pair, file.content());
  check_broken(pair);
}

BOOST_AUTO_TEST_CASE(that_asks_for_ours_leaves_time_for_a_clean_end) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  BOOST_TEST(take_key_update(pair, SSL_KEY_UPDATE_REQUESTED).error == SSL_ERROR_WANT_READ);
  BOOST_TEST(answer_is_queued(pair));
  BOOST_TEST(pair.server_shutdown().returned == 0);
  std::string received;
  BOOST_TEST(pair.client_reads_to_end(received).error == SSL_ERROR_ZERO_RETURN);
}

BOOST_AUTO_TEST_CASE(that_asks_twice_leaves_it_where_a_read_ends_after_each) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  SSL_clear_mode(pair.server(), SSL_MODE_AUTO_RETRY);
  BOOST_REQUIRE(pair.client_key_update(SSL_KEY_UPDATE_REQUESTED));
  BOOST_REQUIRE(pair.client_key_update(SSL_KEY_UPDATE_REQUESTED));
  BOOST_REQUIRE(pair.client_writes("after both"));
  pair.wait_for_input();
  std::string none;
  BOOST_TEST(pair.server_reads(none).error == SSL_ERROR_WANT_READ);
  BOOST_TEST(answer_is_queued(pair));
  BOOST_TEST(pair.server_shutdown().returned == 0);
  std::string received;
  BOOST_TEST(pair.client_reads_to_end(received).error == SSL_ERROR_ZERO_RETURN);
}

BOOST_AUTO_TEST_CASE(breaks_a_session_that_receives_through_the_kernel) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair{tls13_aes128, through_kernel::tx_rx};
  auto const given = take_key_update(pair, SSL_KEY_UPDATE_NOT_REQUESTED);
  if (pair.kernel_receives() && !kernel_takes_new_keys()) {
    check_refused(given);
  } else {
    BOOST_TEST(given.error == SSL_ERROR_WANT_READ);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
