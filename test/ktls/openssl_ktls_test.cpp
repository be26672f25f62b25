// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pins which sessions of OpenSSL go through the kernel, and how they write and end: fact 9 of
// docs/openssl-facts.md.
// Must not use tls_async code: a failure here means that OpenSSL or the kernel has changed.
#include <string>
#include <string_view>

#include <sys/socket.h>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/sslerr.h>

#include "kernel_session.hpp"

namespace tls_async::test {
namespace {

namespace data = boost::unit_test::data;

auto const offloaded = data::make(
    {tls13_aes128, tls13_aes256, tls13_chacha, tls12_aes128, tls12_aes256, tls12_chacha});
// The kernel's own are not asked for, and the last is not the kernel's.
auto const in_user_space = data::make({tls13_aes128, tls12_aes128, tls12_cbc});

BOOST_AUTO_TEST_SUITE(openssl_ktls)

BOOST_DATA_TEST_CASE(a_socket_to_write_to_is_enough_to_send_through_the_kernel, offloaded) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair{sample};
  BOOST_TEST(pair.kernel_sends());
  BOOST_TEST(!pair.kernel_receives());
  auto const plaintext = numbered_plaintext(max_record_plaintext);
  BOOST_TEST(bool{pair.server_writes(plaintext)});
  std::string received;
  pair.client_reads_up_to(plaintext.size(), received);
  BOOST_TEST((received == plaintext));
  BOOST_TEST(bool{pair.client_writes(plaintext)});
  std::string answered;
  pair.wait_for_input();
  BOOST_TEST(bool{pair.server_reads(answered)});
  BOOST_TEST((answered == plaintext));
}

BOOST_DATA_TEST_CASE(a_socket_to_read_from_receives_through_the_kernel_by_version, offloaded) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair{sample, through_kernel::tx_rx};
  BOOST_TEST(pair.kernel_sends());
  BOOST_TEST(pair.kernel_receives() == (sample.version == TLS1_2_VERSION || since_openssl_32()));
  auto const plaintext = numbered_plaintext(max_record_plaintext);
  BOOST_TEST(bool{pair.client_writes(plaintext)});
  std::string received;
  while (received.size() < plaintext.size()) {
    pair.wait_for_input();
    BOOST_REQUIRE(pair.server_reads(received));
  }
  BOOST_TEST((received == plaintext));
}

BOOST_AUTO_TEST_CASE(nothing_goes_through_the_kernel_unasked) {
  kernel_session_pair pair{tls13_aes128, through_kernel::tx_rx, false};
  BOOST_TEST(!pair.kernel_sends());
  BOOST_TEST(!pair.kernel_receives());
}

BOOST_AUTO_TEST_CASE(a_cipher_the_kernel_has_not_stays_in_user_space) {
  kernel_session_pair pair{tls12_cbc, through_kernel::tx_rx};
  BOOST_TEST(!pair.kernel_sends());
  BOOST_TEST(!pair.kernel_receives());
}

BOOST_DATA_TEST_CASE(in_user_space_the_pair_can_take_the_place_of_the_socket, in_user_space) {
  bool const asked_for = sample.name == tls12_cbc.name;
  kernel_session_pair pair{sample, through_kernel::tx, asked_for};
  BOOST_REQUIRE(!pair.kernel_sends());
  std::string received;
  BOOST_TEST(bool{pair.server_writes("to the socket")});
  pair.write_into_pair();
  BOOST_TEST(bool{pair.server_writes(", to the pair")});
  pair.client_reads_up_to(13, received);
  BOOST_TEST(received == "to the socket");
  pair.empty_pair();
  pair.client_reads_up_to(26, received);
  BOOST_TEST(received == "to the socket, to the pair");
}

// Writes until the socket is full. What is left in `next` is the write that is blocked.
std::string write_until_full(kernel_session_pair& pair, std::string& next) {
  std::string sent;
  for (;;) {
    next = numbered_plaintext(max_record_plaintext, sent.size());
    auto const given = pair.server_writes(next);
    if (!given) {
      BOOST_REQUIRE_EQUAL(given.error, SSL_ERROR_WANT_WRITE);
      return sent;
    }
    sent += next;
  }
}

// Retries until it is written, and makes room meanwhile.
void retry(kernel_session_pair& pair, std::string_view blocked, std::string& received) {
  for (;;) {
    pair.client_reads(received);
    pair.wait_writable();
    auto const given = pair.server_writes(blocked);
    if (given) {
      BOOST_TEST(given.bytes == blocked.size());
      return;
    }
    BOOST_REQUIRE_EQUAL(given.error, SSL_ERROR_WANT_WRITE);
  }
}

BOOST_AUTO_TEST_CASE(a_blocked_write_is_finished_by_its_retry_from_the_same_address) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  std::string blocked;
  std::string received;
  auto const sent = write_until_full(pair, blocked);
  retry(pair, blocked, received);
  pair.client_reads_up_to(sent.size() + blocked.size(), received);
  BOOST_TEST((received == sent + blocked));
}

// SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER is set, and in user space it holds: there the first try seals
// the record. Here OpenSSL keeps a pointer, until it was mended in 2026 (issue 21202).
BOOST_AUTO_TEST_CASE(a_retry_from_another_address_sends_what_is_at_the_first) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  std::string blocked;
  std::string received;
  auto const sent = write_until_full(pair, blocked);
  auto const moved = blocked;
  blocked.assign(blocked.size(), 'x');
  retry(pair, moved, received);
  pair.client_reads_up_to(sent.size() + blocked.size(), received);
  BOOST_TEST((received == sent + blocked || (since_openssl_32() && received == sent + moved)));
}

// Past OpenSSL: nothing is pending when it is refused, and the rest may come from anywhere.
BOOST_DATA_TEST_CASE(a_plain_send_goes_out_as_application_data, offloaded) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair{sample};
  BOOST_TEST(bool{pair.server_writes("by OpenSSL, ")});
  auto const plaintext = numbered_plaintext(100'000);
  BOOST_TEST(::send(SSL_get_wfd(pair.server()), plaintext.data(), plaintext.size(), MSG_NOSIGNAL) ==
             100'000);
  BOOST_TEST(bool{pair.server_writes(", by OpenSSL")});
  auto const expected = "by OpenSSL, " + plaintext + ", by OpenSSL";
  std::string received;
  pair.client_reads_up_to(expected.size(), received);
  BOOST_TEST((received == expected));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
