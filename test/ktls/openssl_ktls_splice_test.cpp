// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Pins what splice(2) does to a socket whose records the kernel makes: what tls_proxy relies on for
// sending, and why it does not receive so.
// Must not use tls_async code: a failure here means that OpenSSL or the kernel has changed.
#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "kernel_session.hpp"

namespace tls_async::test {
namespace {

class pipe_pair {
public:
  pipe_pair() { BOOST_REQUIRE(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0); }
  pipe_pair(pipe_pair const&) = delete;
  pipe_pair& operator=(pipe_pair const&) = delete;
  ~pipe_pair() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  void write(std::string_view bytes) {
    BOOST_TEST(::write(ends_[1], bytes.data(), bytes.size()) == ssize_t(bytes.size()));
  }
  ssize_t to(int socket, std::size_t most) {
    return ::splice(ends_[0], nullptr, socket, nullptr, most, SPLICE_F_NONBLOCK);
  }
  ssize_t from(int socket) {
    return ::splice(socket, nullptr, ends_[1], nullptr, 65'536, SPLICE_F_NONBLOCK);
  }
  std::string read() {
    std::string bytes(65'536, '\0');
    auto const count = ::read(ends_[0], bytes.data(), bytes.size());
    bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return bytes;
  }
  void make_small() { BOOST_TEST(::fcntl(ends_[1], F_SETPIPE_SZ, 4'096) == 4'096); }

private:
  std::array<int, 2> ends_{};
};

BOOST_AUTO_TEST_SUITE(openssl_ktls_splice)

BOOST_AUTO_TEST_CASE(into_the_socket_makes_records_in_order_with_openssls) {
  if (!kernel_tls()) return;
  kernel_session_pair pair;
  pipe_pair pipe;
  auto const bytes = numbered_plaintext(40'000);
  pipe.write(bytes);
  BOOST_TEST(bool{pair.server_writes("before")});
  BOOST_TEST(pipe.to(SSL_get_wfd(pair.server()), bytes.size()) == ssize_t(bytes.size()));
  BOOST_TEST(bool{pair.server_writes("after")});
  auto const all = "before" + bytes + "after";
  std::string received;
  pair.client_reads_up_to(all.size(), received);
  BOOST_TEST((received == all));
  pair.server_shutdown();
  BOOST_TEST(pair.client_reads_to_end(received).error == SSL_ERROR_ZERO_RETURN);
}

// A record at a time, and none that is no plaintext, which stays for OpenSSL.
BOOST_AUTO_TEST_CASE(from_the_socket_stops_at_a_record_without_plaintext) {
  if (!kernel_tls()) return;
  kernel_session_pair pair(tls12_aes256, through_kernel::tx_rx);
  BOOST_REQUIRE(pair.kernel_receives());
  pipe_pair pipe;
  int const socket = SSL_get_rfd(pair.server());
  BOOST_TEST(bool{pair.client_writes("one")});
  BOOST_TEST(bool{pair.client_writes("two")});
  BOOST_TEST(SSL_shutdown(pair.client()) == 0);
  for (int i = 0; i != 2; ++i) {
    pair.wait_for_input();  // the kernel looks for each record after the one before was taken
    BOOST_TEST(pipe.from(socket) == 3);
  }
  BOOST_TEST(pipe.read() == "onetwo");
  pair.wait_for_input();
  BOOST_TEST(pipe.from(socket) == -1);
  BOOST_TEST(errno == EINVAL);
  std::string none;
  BOOST_TEST(pair.server_reads(none).error == SSL_ERROR_ZERO_RETURN);
}

// The kernel makes pipes of two buffers where a user has very many (pipe(7)).
BOOST_AUTO_TEST_CASE(from_the_socket_fills_a_small_pipe_with_a_part_of_a_record) {
  if (!kernel_tls()) return;
  kernel_session_pair pair(tls12_aes256, through_kernel::tx_rx);
  BOOST_REQUIRE(pair.kernel_receives());
  pipe_pair pipe;
  pipe.make_small();
  auto const record = numbered_plaintext(16'384);
  BOOST_TEST(bool{pair.client_writes(record)});
  std::string received;
  while (received.size() < record.size()) {
    pair.wait_for_input();
    BOOST_TEST_REQUIRE(pipe.from(SSL_get_rfd(pair.server())) > 0);
    received += pipe.read();
  }
  BOOST_TEST((received == record));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
