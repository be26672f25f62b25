// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pins what SSL_sendfile does and answers: whole files, full sockets, files and ranges that are not
// as they should be.
// Must not use tls_async code: a failure here means that OpenSSL or the kernel has changed.
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <unistd.h>

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
constexpr std::size_t mebibyte = 1 << 20;
constexpr std::size_t more_than_a_socket_holds = 16 * mebibyte;

BOOST_AUTO_TEST_SUITE(openssl_ktls_sendfile)

BOOST_TEST_DECORATOR(*boost::unit_test::label("W2"))
BOOST_DATA_TEST_CASE(a_file_arrives_whole, offloaded) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair{sample};
  unnamed_file const file{mebibyte};
  std::size_t sent = 0;
  std::size_t calls = 0;
  std::string received;
  while (sent < mebibyte) {
    auto const given =
        pair.server_sends(file.descriptor(), static_cast<off_t>(sent), mebibyte - sent);
    ++calls;
    if (given.sent > 0) {
      sent += static_cast<std::size_t>(given.sent);
    } else {
      BOOST_TEST_REQUIRE(given.error == SSL_ERROR_WANT_WRITE, given);
      pair.client_reads(received);
      pair.wait_writable();
    }
  }
  BOOST_TEST(calls <= mebibyte / 65'536);
  pair.client_reads_up_to(mebibyte, received);
  BOOST_TEST((received == file.content()));
}

// Fills the socket; says how many bytes of the file went in.
std::size_t send_until_full(kernel_session_pair& pair, unnamed_file const& file) {
  std::size_t sent = 0;
  for (;;) {
    auto const given = pair.server_sends(file.descriptor(), static_cast<off_t>(sent),
                                         file.content().size() - sent);
    if (given.sent <= 0) {
      BOOST_TEST_REQUIRE(given.error == SSL_ERROR_WANT_WRITE, given);
      BOOST_TEST(given.sent == -1);
      BOOST_TEST(given.reason == 0);
      BOOST_TEST(given.os_error == EAGAIN);
      return sent;
    }
    sent += static_cast<std::size_t>(given.sent);
    BOOST_TEST_REQUIRE(sent < file.content().size());
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::label("W18"))
BOOST_AUTO_TEST_CASE(a_full_socket_takes_a_part_and_then_wants_write) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file const file{more_than_a_socket_holds};
  auto const sent = send_until_full(pair, file);
  BOOST_TEST(sent > 0U);
  std::string received;
  pair.client_reads_up_to(sent, received);
  BOOST_TEST((received == file.content().substr(0, sent)));
}

BOOST_AUTO_TEST_CASE(after_want_write_another_range_or_a_write_may_follow) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file const file{more_than_a_socket_holds};
  unnamed_file const other{100'000};
  auto const sent = send_until_full(pair, file);
  std::string received;
  pair.client_reads(received);
  pair.wait_writable();
  auto const given = pair.server_sends(other.descriptor(), 7, 1000);
  BOOST_TEST(given.sent == 1000, given);
  BOOST_TEST(bool{pair.server_writes("and a write")});
  auto const expected = file.content().substr(0, sent) + other.content().substr(7, 1000);
  pair.client_reads_up_to(expected.size() + 11, received);
  BOOST_TEST((received == expected + "and a write"));
}

BOOST_AUTO_TEST_CASE(a_file_overtakes_a_blocked_write) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  std::string sent;
  auto next = numbered_plaintext(max_record_plaintext);
  while (pair.server_writes(next)) {
    sent += next;
    next = numbered_plaintext(max_record_plaintext, sent.size());
  }
  std::string received;
  pair.client_reads(received);
  pair.wait_writable();
  unnamed_file const file{100};
  BOOST_TEST(pair.server_sends(file.descriptor(), 0, 100).sent == 100);
  BOOST_TEST(bool{pair.server_writes(next)});
  // Nothing of the write had been taken, so it is not even split.
  auto const expected = sent + file.content() + next;
  pair.client_reads_up_to(expected.size(), received);
  BOOST_TEST((received == expected));
}

BOOST_AUTO_TEST_CASE(a_file_that_shrinks_ends_early) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file file{200'000};
  auto given = pair.server_sends(file.descriptor(), 0, 100'000);
  BOOST_TEST(given.sent == 100'000, given);
  file.shrink_to(150'000);
  given = pair.server_sends(file.descriptor(), 100'000, 100'000);
  BOOST_TEST(given.sent == 50'000, given);
  given = pair.server_sends(file.descriptor(), 150'000, 50'000);
  BOOST_TEST(given.sent == 0, given);
  BOOST_TEST(bool{pair.server_writes("more")});
  std::string received;
  pair.client_reads_up_to(150'004, received);
  BOOST_TEST((received == file.content() + "more"));
}

struct range {
  char const* name;
  off_t offset;
  std::size_t length;
};
std::ostream& operator<<(std::ostream& out, range const& shown) { return out << shown.name; }

constexpr range empty_ranges[]{
    {"at the end", 1000, 10}, {"beyond the end", 5000, 10}, {"empty", 10, 0}};

BOOST_DATA_TEST_CASE(nothing_in_the_range_sends_nothing_and_is_no_error, data::make(empty_ranges)) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file const file{1000};
  auto const given = pair.server_sends(file.descriptor(), sample.offset, sample.length);
  BOOST_TEST(given.sent == 0);
  // Only 0 tells: SSL_get_error takes it for the end of the connection.
  BOOST_TEST(given.error == SSL_ERROR_SYSCALL);
  BOOST_TEST(given.reason == 0);
  BOOST_TEST(given.os_error == 0);
  BOOST_TEST(bool{pair.server_writes("goes on")});
  std::string received;
  pair.client_reads_up_to(7, received);
  BOOST_TEST(received == "goes on");
}

constexpr range wrong_ranges[]{{"negative offset", -1, 10},
                               {"negative length", 0, static_cast<std::size_t>(-1)},
                               {"overflow", 10, static_cast<std::size_t>(-1) / 2}};

BOOST_DATA_TEST_CASE(a_range_no_file_has_is_refused, data::make(wrong_ranges)) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  unnamed_file const file{1000};
  BOOST_TEST(refusal(pair.server_sends(file.descriptor(), sample.offset, sample.length)) == EINVAL);
  BOOST_TEST(bool{pair.server_writes("goes on")});
  std::string received;
  pair.client_reads_up_to(7, received);
  BOOST_TEST(received == "goes on");
}

enum class descriptor_kind { closed, directory, pipe, write_only };
struct bad_descriptor {
  char const* name;
  descriptor_kind kind;
  int os_error;
};
std::ostream& operator<<(std::ostream& out, bad_descriptor const& shown) {
  return out << shown.name;
}
constexpr bad_descriptor bad_descriptors[]{
    {"closed", descriptor_kind::closed, EBADF},
    {"directory", descriptor_kind::directory, EINVAL},
    {"pipe", descriptor_kind::pipe, ESPIPE},
    {"write only", descriptor_kind::write_only, EBADF},
};

BOOST_DATA_TEST_CASE(a_descriptor_that_is_no_file_to_read, data::make(bad_descriptors)) {
  if (!kernel_tls()) {
    return;
  }
  kernel_session_pair pair;
  int ends[2]{-1, -1};
  int descriptor = -1;
  switch (sample.kind) {
    case descriptor_kind::closed:
      break;
    case descriptor_kind::directory:
      descriptor = ::open("/", O_RDONLY | O_DIRECTORY);
      break;
    case descriptor_kind::pipe:
      BOOST_REQUIRE_EQUAL(::pipe(ends), 0);
      descriptor = ends[0];
      break;
    case descriptor_kind::write_only:
      descriptor = ::open("/dev/null", O_WRONLY);
      break;
  }
  auto const given = pair.server_sends(descriptor, 0, 10);
  BOOST_TEST(refusal(given) == sample.os_error);
  ::close(ends[0] < 0 ? descriptor : ends[0]);
  ::close(ends[1]);
  BOOST_TEST(bool{pair.server_writes("goes on")});
  std::string received;
  pair.client_reads_up_to(7, received);
  BOOST_TEST(received == "goes on");
}

BOOST_AUTO_TEST_CASE(without_the_kernel_it_is_refused) {
  kernel_session_pair pair{tls13_aes128, through_kernel::tx, false};
  unnamed_file const file{1000};
  auto const given = pair.server_sends(file.descriptor(), 0, 1000);
  BOOST_TEST(given.sent == -1);
  BOOST_TEST(given.error == SSL_ERROR_SSL);
  BOOST_TEST(given.reason == SSL_R_UNINITIALIZED);
  BOOST_TEST(bool{pair.server_writes("goes on")});
}

BOOST_AUTO_TEST_CASE(close_notify_arrives_after_the_file) {
  if (!kernel_tls()) {
    return;
  }
  for (auto const& chosen : {tls13_aes128, tls12_aes128}) {
    kernel_session_pair pair{chosen};
    unnamed_file const file{50'000};
    BOOST_TEST(pair.server_sends(file.descriptor(), 0, 50'000).sent == 50'000);
    BOOST_TEST(pair.server_shutdown().returned == 0);
    std::string received;
    BOOST_TEST(pair.client_reads_to_end(received).error == SSL_ERROR_ZERO_RETURN);
    BOOST_TEST((received == file.content()));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
