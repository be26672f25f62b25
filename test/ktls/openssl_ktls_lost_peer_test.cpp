// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pins what a session that sends through the kernel does once its peer has gone: errors, signals,
// and successes that are none.
// Must not use tls_async code: a failure here means that OpenSSL or the kernel has changed.
#include <cerrno>

#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

#include "kernel_session.hpp"

namespace tls_async::test {
namespace {

// The errno of a write that fails.
int write_failure(kernel_session_pair& pair) {
  errno = 0;
  auto const given = pair.server_writes("x");
  int const os_error = errno;
  BOOST_TEST(given.error == SSL_ERROR_SYSCALL);
  return os_error;
}

BOOST_AUTO_TEST_SUITE(openssl_ktls_lost_peer)

BOOST_AUTO_TEST_CASE(after_a_reset_each_write_fails_and_raises_nothing) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  blocked_sigpipe guard;
  pair.reset_client();
  for (int i = 0; i < 3; ++i) {
    if (i != 0 && since_openssl_4()) {
      BOOST_TEST(pair.server_writes("x").error == SSL_ERROR_SSL);
    } else {
      BOOST_TEST(write_failure(pair) == ECONNRESET);
    }
    BOOST_TEST(!guard.raised());
  }
}

BOOST_AUTO_TEST_CASE(after_a_reset_each_file_fails_and_raises_nothing) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file const file{1000};
  blocked_sigpipe guard;
  pair.reset_client();
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(refusal(pair.server_sends(file.descriptor(), 0, 1000)) == ECONNRESET);
    BOOST_TEST(!guard.raised());
  }
}

BOOST_AUTO_TEST_CASE(after_its_close_the_first_write_fails_and_raises_sigpipe) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  blocked_sigpipe guard;
  pair.close_client();
  BOOST_TEST(write_failure(pair) == EPIPE);
  BOOST_TEST(guard.raised());
  pair.close_server();
  BOOST_TEST(!guard.raised());
}

BOOST_AUTO_TEST_CASE(after_its_close_the_first_file_fails_and_raises_sigpipe) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file const file{1000};
  blocked_sigpipe guard;
  pair.close_client();
  BOOST_TEST(refusal(pair.server_sends(file.descriptor(), 0, 1000)) == EPIPE);
  BOOST_TEST(guard.raised());
  pair.close_server();
  BOOST_TEST(!guard.raised());
}

BOOST_AUTO_TEST_CASE(after_its_close_a_plain_send_can_do_without_the_signal) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  blocked_sigpipe guard;
  pair.close_client();
  BOOST_TEST(::send(SSL_get_wfd(pair.server()), "x", 1, MSG_NOSIGNAL) == -1);
  BOOST_TEST(errno == EPIPE);
  BOOST_TEST(!guard.raised());
  pair.close_server();
  BOOST_TEST(!guard.raised());
}

// The kernel keeps the record, and its next try fails too: the last one when the socket is closed.
// OpenSSL 4 refuses to go on.
BOOST_AUTO_TEST_CASE(after_that_failure_writes_and_files_seem_to_succeed) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file const file{1000};
  blocked_sigpipe guard;
  pair.close_client();
  BOOST_TEST(write_failure(pair) == EPIPE);
  BOOST_TEST(guard.raised());
  if (since_openssl_4()) {
    BOOST_TEST(pair.server_writes("x").error == SSL_ERROR_SSL);
    BOOST_TEST(pair.server_sends(file.descriptor(), 0, 1000).sent == -1);
    return;
  }
  BOOST_TEST(bool{pair.server_writes("x")});
  BOOST_TEST(guard.raised());
  BOOST_TEST(pair.server_sends(file.descriptor(), 0, 1000).sent == 1000);
  BOOST_TEST(guard.raised());
  pair.close_server();
  BOOST_TEST(guard.raised());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
