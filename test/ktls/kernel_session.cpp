// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Drives two plain OpenSSL sessions over a loopback connection. Nothing blocks but poll, which
// gives up after a time no working machine takes.
#include "kernel_session.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

namespace tls_async::test {
namespace {

namespace asio = boost::asio;

int checked(int returned, char const* what) {
  if (returned < 0) {
    throw std::system_error{errno, std::generic_category(), what};
  }
  return returned;
}

void wait_for(pollfd* asked, nfds_t count) {
  if (checked(::poll(asked, count, 10'000), "poll") == 0) {
    throw std::runtime_error{"nothing happens at the socket"};
  }
}

void wait_for(asio::ip::tcp::socket& socket, short events) {
  pollfd asked{socket.native_handle(), events, 0};
  wait_for(&asked, 1);
}

// SSL_get_error looks at the thread's error queue too, so nothing may come between the two.
template <class Call>
answer ask(SSL* ssl, Call call) {
  answer given;
  ERR_clear_error();
  given.returned = call(given.bytes);
  given.error = SSL_get_error(ssl, given.returned);
  given.reason = ERR_GET_REASON(ERR_peek_error());
  ERR_clear_error();
  return given;
}

answer read_once(SSL* ssl, std::string& plaintext) {
  std::array<char, max_record_plaintext> room;
  auto const given = ask(
      ssl, [&](std::size_t& bytes) { return SSL_read_ex(ssl, room.data(), room.size(), &bytes); });
  plaintext.append(room.data(), given.bytes);
  return given;
}

answer write_once(SSL* ssl, std::string_view plaintext) {
  return ask(ssl, [&](std::size_t& bytes) {
    return SSL_write_ex(ssl, plaintext.data(), plaintext.size(), &bytes);
  });
}

answer update_key(SSL* ssl, int kind) {
  if (SSL_key_update(ssl, kind) != 1) {
    return ask(ssl, [&](std::size_t&) { return SSL_key_update(ssl, kind); });
  }
  return ask(ssl, [&](std::size_t&) { return SSL_do_handshake(ssl); });
}

}  // namespace

bool kernel_takes_new_keys() {
  utsname system{};
  checked(::uname(&system), "uname");
  int major = 0, minor = 0;
  auto const* const release = static_cast<char const*>(system.release);
  auto const* const end = release + std::strlen(release);
  auto const first = std::from_chars(release, end, major);
  if (first.ptr != end) std::from_chars(first.ptr + 1, end, minor);
  return OpenSSL_version_num() >= 0x3060'0000 && (major > 6 || (major == 6 && minor >= 14));
}

bool kernel_tls() {
  int const probe = checked(::socket(AF_INET, SOCK_STREAM, 0), "socket");
  // Only a connection can have TLS: "not connected" comes from a kernel that knows it.
  bool const known = ::setsockopt(probe, IPPROTO_TCP, TCP_ULP, "tls", 3) == 0 || errno == ENOTCONN;
  ::close(probe);
  if (!known && std::getenv("KTLS_REQUIRED") != nullptr) {
    throw std::runtime_error{"no kernel TLS"};
  }
  if (!known) {
    BOOST_TEST_MESSAGE("skipped: no kernel TLS");
  }
  return known;
}

std::ostream& operator<<(std::ostream& out, file_answer const& given) {
  return out << "sent " << given.sent << ", error " << given.error << ", reason " << given.reason
             << ", errno " << given.os_error;
}

int refusal(file_answer const& given) {
  BOOST_TEST(given.sent == -1);
  BOOST_TEST(given.error == (since_openssl_32() ? SSL_ERROR_SYSCALL : SSL_ERROR_SSL));
  BOOST_TEST(given.reason == (since_openssl_32() ? given.os_error : SSL_R_UNINITIALIZED));
  return given.os_error;
}

unnamed_file::unnamed_file(std::size_t length)
    : content_{numbered_plaintext(length)},
      descriptor_{checked(::memfd_create("unnamed_file", MFD_CLOEXEC), "memfd_create")} {
  std::string_view left = content_;
  while (!left.empty()) {
    auto const written = ::write(descriptor_, left.data(), left.size());
    left.remove_prefix(static_cast<std::size_t>(checked(static_cast<int>(written), "write")));
  }
}

unnamed_file::~unnamed_file() { ::close(descriptor_); }

void unnamed_file::shrink_to(std::size_t length) {
  checked(::ftruncate(descriptor_, static_cast<off_t>(length)), "ftruncate");
  content_.resize(length);
}

kernel_session_pair::kernel_session_pair(kernel_suite const& chosen, through_kernel way,
                                         bool asked_for) {
  asio::ip::tcp::acceptor acceptor{io_, {asio::ip::address_v4::loopback(), 0}};
  client_socket_.connect(acceptor.local_endpoint());
  acceptor.accept(server_socket_);
  server_socket_.native_non_blocking(true);
  client_socket_.native_non_blocking(true);

  tls_settings settings;
  settings.version = chosen.version;
  settings.cipher = chosen.cipher;
  client_.reset(SSL_new(make_context(role::client, settings).get()));
  SSL_set_connect_state(client_.get());
  SSL_set_fd(client_.get(), client_socket_.native_handle());

  settings.options = asked_for ? SSL_OP_ENABLE_KTLS : 0;
  server_.reset(SSL_new(make_context(role::server, settings).get()));
  SSL_set_accept_state(server_.get());
  BIO* const socket = BIO_new_socket(server_socket_.native_handle(), BIO_NOCLOSE);
  if (way == through_kernel::tx) {
    auto pair = make_bio_pair();
    outer_ = std::move(pair.outer);
    SSL_set_bio(server_.get(), pair.inner.release(), socket);
  } else {
    SSL_set_bio(server_.get(), socket, socket);
  }

  auto const step = [](SSL* ssl) {
    auto const given = ask(ssl, [&](std::size_t&) { return SSL_do_handshake(ssl); });
    if (!given && given.error != SSL_ERROR_WANT_READ) {
      throw std::runtime_error{"handshake: reason " + std::to_string(given.reason)};
    }
    return bool{given};
  };
  for (;;) {
    bool const client_done = step(client_.get());
    fill_pair();
    if (step(server_.get()) && client_done) {
      break;
    }
    pollfd both[]{{client_socket_.native_handle(), POLLIN, 0},
                  {server_socket_.native_handle(), POLLIN, 0}};
    wait_for(both, 2);
  }
}

answer kernel_session_pair::server_writes(std::string_view plaintext) {
  return write_once(server_.get(), plaintext);
}

answer kernel_session_pair::server_reads(std::string& plaintext) {
  fill_pair();
  return read_once(server_.get(), plaintext);
}

file_answer kernel_session_pair::server_sends(int file, off_t offset, std::size_t length) {
  file_answer given;
  ERR_clear_error();
  errno = 0;
  given.sent = SSL_sendfile(server_.get(), file, offset, length, 0);
  given.os_error = given.sent > 0 ? 0 : errno;
  given.error = SSL_get_error(server_.get(), given.sent > 0 ? 1 : static_cast<int>(given.sent));
  given.reason = ERR_GET_REASON(ERR_peek_error());
  ERR_clear_error();
  return given;
}

answer kernel_session_pair::client_writes(std::string_view plaintext) {
  return write_once(client_.get(), plaintext);
}

answer kernel_session_pair::server_key_update(int kind) { return update_key(server_.get(), kind); }

answer kernel_session_pair::client_key_update(int kind) { return update_key(client_.get(), kind); }

answer kernel_session_pair::server_shutdown() {
  return ask(server_.get(), [this](std::size_t&) { return SSL_shutdown(server_.get()); });
}

void kernel_session_pair::client_reads_up_to(std::size_t length, std::string& plaintext) {
  while (plaintext.size() < length) {
    if (auto const given = read_once(client_.get(), plaintext);
        given.error == SSL_ERROR_WANT_READ) {
      wait_for(client_socket_, POLLIN);
    } else if (!given) {
      throw std::runtime_error{"client reads: reason " + std::to_string(given.reason)};
    }
  }
}

void kernel_session_pair::client_reads(std::string& plaintext) {
  while (read_once(client_.get(), plaintext)) {
  }
}

answer kernel_session_pair::client_reads_to_end(std::string& plaintext) {
  for (;;) {
    if (auto const given = read_once(client_.get(), plaintext);
        given.error == SSL_ERROR_WANT_READ) {
      wait_for(client_socket_, POLLIN);
    } else if (!given) {
      return given;
    }
  }
}

void kernel_session_pair::wait_writable() { wait_for(server_socket_, POLLOUT); }

void kernel_session_pair::wait_for_input() { wait_for(server_socket_, POLLIN); }

void kernel_session_pair::wait_for_hang_up() { wait_for(server_socket_, 0); }

void kernel_session_pair::write_into_pair() {
  BIO* const inner = SSL_get_rbio(server_.get());
  BIO_up_ref(inner);
  SSL_set0_wbio(server_.get(), inner);
}

void kernel_session_pair::empty_pair() {
  std::array<char, one_record_ring> room;
  while (BIO_ctrl_pending(outer_.get()) > 0) {
    auto const taken = BIO_read(outer_.get(), room.data(), static_cast<int>(room.size()));
    asio::write(server_socket_, asio::buffer(room.data(), static_cast<std::size_t>(taken)));
  }
}

void kernel_session_pair::reset_client() {
  client_socket_.set_option(asio::socket_base::linger{true, 0});
  client_socket_.close();
  wait_for_hang_up();
}

// A close answers the first bytes that come afterwards with a reset, at a moment of its own. Here
// the reset is there when this returns; for a socket that knew of the end it is EPIPE, as there.
void kernel_session_pair::close_client() {
  client_socket_.shutdown(asio::socket_base::shutdown_send);
  wait_for_input();
  reset_client();
}

void kernel_session_pair::close_server() { server_socket_.close(); }

void kernel_session_pair::fill_pair() {
  if (outer_ == nullptr) {
    return;
  }
  std::array<char, one_record_ring> room;
  auto const most = BIO_ctrl_get_write_guarantee(outer_.get());
  auto const taken = ::recv(server_socket_.native_handle(), room.data(), most, 0);
  if (taken > 0) {
    BIO_write(outer_.get(), room.data(), static_cast<int>(taken));
  }
}

blocked_sigpipe::blocked_sigpipe() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before_);
}

blocked_sigpipe::~blocked_sigpipe() {
  raised();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool blocked_sigpipe::raised() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  timespec const at_once{};
  return sigtimedwait(&pipe, nullptr, &at_once) == SIGPIPE;
}

}  // namespace tls_async::test
