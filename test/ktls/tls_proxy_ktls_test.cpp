// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_proxy --ktls: what it sends by TLS goes through the kernel alone, and nothing else changes.
#include <algorithm>
#include <array>
#include <cstdint>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/ssl.h>

#include "proxied.hpp"

namespace tls_async::test {
namespace {

namespace asio = boost::asio;
namespace data = boost::unit_test::data;
using asio::ip::tcp;

constexpr std::size_t mebibyte = 1 << 20;

// Of a length that no record and no pipe divides.
std::string const& large() {
  static std::string const bytes = numbered_plaintext(3 * mebibyte + 12'345);
  return bytes;
}

void reset(tcp::socket& end) {
  end.set_option(asio::socket_base::linger(true, 0));
  end.close();
}

// The kernel tells a reset once, the write or the read.
bool was_reset(ending const& written, sink const& read) {
  return (written.done && written.ec == asio::error::connection_reset) ||
         read.end == asio::error::connection_reset;
}

BOOST_AUTO_TEST_SUITE(tls_proxy_ktls)

BOOST_DATA_TEST_CASE(carries_all_both_ways_at_once_and_their_ends,
                     data::make({tls13_aes128, tls13_aes128, tls12_aes256}) ^
                         data::make({true, false, true}),
                     suite, tls_is_the_clients) {
  if (!kernel_tls()) return;
  proxied through(suite, tls_is_the_clients ? proxied::on::clients : proxied::on::backend);
  through.read();
  ending by_tls, by_plain, closed;
  tls_write(*through.secured, asio::buffer(large()), by_tls.token());
  asio::async_write(through.plain, asio::buffer(large()), by_plain.token());
  through.run_until([&] {
    return by_tls.done && by_plain.done && through.at_tls.plaintext.size() >= large().size() &&
           through.at_plain.plaintext.size() >= large().size();
  });
  through.plain.shutdown(tcp::socket::shutdown_send);
  through.run_until([&] { return through.at_tls.ended; });
  BOOST_TEST(through.at_tls.end == asio::error::eof);
  BOOST_TEST(!through.at_plain.ended);
  tls_close_write(*through.secured, closed.token());
  through.run_until([&] { return through.at_plain.ended; });
  BOOST_TEST(through.at_plain.end == asio::error::eof);
  BOOST_TEST((through.at_tls.plaintext == large()));
  BOOST_TEST((through.at_plain.plaintext == large()));
  auto const size = std::to_string(large().size());
  auto const line = through.proxy.wait_for(' ' + size + ' ' + size + ' ');
  BOOST_TEST(line.ends_with("s kernel"), line);
}

// Every message of a few bytes is a record at once, and none waits for the next.
BOOST_AUTO_TEST_CASE(carries_each_message_at_once) {
  if (!kernel_tls()) return;
  proxied through;
  through.read();
  for (std::size_t size : {1U, 100U, 16'383U, 16'384U, 16'385U, 70'000U}) {
    auto const message = numbered_plaintext(size);
    through.at_tls.plaintext.clear();
    asio::write(through.plain, asio::buffer(message));
    through.run_until([&] { return through.at_tls.plaintext.size() >= size; });
    BOOST_TEST((through.at_tls.plaintext == message));
  }
}

// The client's socket takes little at a time, so pipes are emptied in parts.
BOOST_AUTO_TEST_CASE(slow_reader_gets_all) {
  if (!kernel_tls()) return;
  proxied through;
  through.connect(4'096);
  ending by_plain;
  asio::async_write(through.plain, asio::buffer(large()), by_plain.token());
  through.read();
  through.run_until([&] { return through.at_tls.plaintext.size() >= large().size(); });
  through.plain.shutdown(tcp::socket::shutdown_send);
  through.run_until([&] { return through.at_tls.ended; });
  BOOST_TEST(through.at_tls.end == asio::error::eof);
  BOOST_TEST((through.at_tls.plaintext == large()));
}

// What the peer of TLS sends while the kernel sends to it is OpenSSL's as ever: new keys of its
// own, tickets, the end of its direction.
BOOST_DATA_TEST_CASE(control_records_in_mid_stream_do_no_harm, data::make({true, false}),
                     tls_is_the_clients) {
  if (!kernel_tls()) return;
  proxied through(tls13_aes128, tls_is_the_clients ? proxied::on::clients : proxied::on::backend);
  through.connect(65'536);
  through.read();
  ending by_plain, closed;
  asio::async_write(through.plain, asio::buffer(large()), by_plain.token());
  std::string sent;
  for (std::size_t part = 1; part != 5; ++part) {
    through.run_until([&] { return through.at_tls.plaintext.size() > part * mebibyte / 2; });
    ending updated, written;
    if (!tls_is_the_clients)
      BOOST_TEST(SSL_new_session_ticket(through.secured->native_handle()) == 1);
    tls_key_update(*through.secured, new_keys::ours, updated.token());
    tls_write(*through.secured, asio::buffer(large(), 100'000), written.token());
    through.run_until([&] { return updated.done && written.done; });
    sent += large().substr(0, 100'000);
  }
  tls_close_write(*through.secured, closed.token());
  through.run_until(
      [&] { return through.at_plain.ended && through.at_tls.plaintext.size() >= large().size(); });
  BOOST_TEST(through.at_plain.end == asio::error::eof);
  BOOST_TEST((through.at_plain.plaintext == sent));
  BOOST_TEST(!through.at_tls.ended);
  through.plain.shutdown(tcp::socket::shutdown_send);
  through.run_until([&] { return through.at_tls.ended; });
  BOOST_TEST(through.at_tls.end == asio::error::eof);
  BOOST_TEST((through.at_tls.plaintext == large()));
}

// The kernel can't change its keys, so the session ends; never as if all had come.
BOOST_DATA_TEST_CASE(request_for_new_keys_cuts_both_sides, data::make({true, false}),
                     in_mid_stream) {
  if (!kernel_tls() || kernel_takes_new_keys()) return;
  proxied through;
  through.read();
  ending by_plain, asked;
  if (in_mid_stream) {
    asio::async_write(through.plain, asio::buffer(large()), by_plain.token());
    through.run_until([&] { return through.at_tls.plaintext.size() > mebibyte; });
  }
  tls_key_update(*through.secured, new_keys::both, asked.token());
  through.run_until([&] {
    return through.at_tls.ended && through.at_plain.ended && (by_plain.done || !in_mid_stream);
  });
  BOOST_TEST(through.at_tls.end != asio::error::eof);
  BOOST_TEST(was_reset(by_plain, through.at_plain));
  auto const& received = through.at_tls.plaintext;
  BOOST_TEST((large().compare(0, received.size(), received) == 0));
  through.proxy.wait_for("cut short: the client: the peer changed the keys");
}

BOOST_AUTO_TEST_CASE(client_that_cuts_cuts_the_backend_and_nobody_else) {
  if (!kernel_tls()) return;
  proxied through;
  for (int i = 0; i != 3; ++i) {
    through.connect(65'536);
    ending by_plain;
    asio::async_write(through.plain, asio::buffer(large()), by_plain.token());
    through.at_plain.keep_reading(through.plain);
    std::string begin(100'000, '\0');
    ending first;
    tls_read_some(*through.secured, asio::buffer(begin), first.token());
    through.run_until([&] { return first.done; });
    BOOST_TEST(first.bytes != 0U);
    reset(through.secured->next_layer());
    through.run_until([&] { return through.at_plain.ended && by_plain.done; });
    BOOST_TEST(was_reset(by_plain, through.at_plain));
  }
  through.connect();
  through.read();
  asio::write(through.plain, asio::buffer(large()));
  through.run_until([&] { return through.at_tls.plaintext.size() >= large().size(); });
  BOOST_TEST((through.at_tls.plaintext == large()));
}

BOOST_AUTO_TEST_CASE(backend_that_cuts_cuts_the_client_behind_what_came_before) {
  if (!kernel_tls()) return;
  proxied through;
  through.connect(4'096);
  asio::write(through.plain, asio::buffer(large(), 100'000));
  std::string begin(1'000, '\0');
  ending first;
  tls_read_some(*through.secured, asio::buffer(begin), first.token());
  through.run_until([&] { return first.done; });
  // What the proxy's socket has not got yet goes with the reset.
  std::uint64_t unsent = 1;
  while (unsent != 0) {
    int count = 0;
    BOOST_REQUIRE(::ioctl(through.plain.native_handle(), SIOCOUTQ, &count) == 0);
    unsent = static_cast<std::uint64_t>(count);
  }
  reset(through.plain);
  keep_reading(*through.secured, through.at_tls);
  through.run_until([&] { return through.at_tls.ended; });
  BOOST_TEST(through.at_tls.end != asio::error::eof);
  auto const received = begin.substr(0, first.bytes) + through.at_tls.plaintext;
  BOOST_TEST((received == large().substr(0, 100'000)));
}

// strace -c counts; a tracer that leaves the program its process makes it easy to stop.
BOOST_DATA_TEST_CASE(what_is_sent_by_tls_enters_the_process_only_without_kernel_tls,
                     data::make({true, false}), by_kernel) {
  if (!kernel_tls()) return;
  if (::access("/bin/strace", X_OK) != 0) {
    BOOST_TEST_MESSAGE("skipped: no strace");
    return;
  }
  constexpr std::size_t mebibytes = 32;
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  std::string table;
  {
    proxied through(tls13_aes128, proxied::on::clients,
                    {"/bin/strace", "-D", "-f", "-qq", "-c", "-o", "/proc/self/fd/3"}, ends[1],
                    by_kernel);
    ::close(ends[1]);
    through.read();
    std::string const part = numbered_plaintext(mebibyte);
    for (std::size_t i = 0; i != mebibytes; ++i) {
      ending written;
      asio::async_write(through.plain, asio::buffer(part), written.token());
      through.run_until([&] { return written.done; });
    }
    through.run_until([&] { return through.at_tls.plaintext.size() >= mebibytes * mebibyte; });
  }
  for (char some[4096];;) {
    auto const count = ::read(ends[0], some, sizeof some);
    if (count <= 0) break;
    table.append(some, static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  BOOST_TEST_MESSAGE("for " << mebibytes << " MiB, " << (by_kernel ? "" : "not ")
                            << "by the kernel:\n"
                            << table);
  // "% time  seconds  usecs/call  calls  errors  syscall"; nothing stands for no errors.
  std::istringstream lines(table);
  std::size_t splices = 0, copies = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    double percent = 0, seconds = 0, each = 0;
    std::size_t calls = 0;
    if (!(fields >> percent >> seconds >> each >> calls)) continue;
    auto const name = line.substr(line.find_last_of(' ') + 1);
    constexpr std::array copying{"read",     "write",   "readv",   "writev",  "sendto",
                                 "recvfrom", "sendmsg", "recvmsg", "sendfile"};
    if (name == "splice") splices = calls;
    if (std::ranges::find(copying, name) != copying.end()) copies += calls;
  }
  BOOST_TEST((splices != 0) == by_kernel);
  // The start and the handshake, whatever is carried; most are reads of files.
  BOOST_TEST((copies < 8 * mebibytes) == by_kernel, copies);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tls_async::test
