// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// OpenSSL on a blocking descriptor, one thread a side, no Asio.
#include "blocking.hpp"
#include "contexts.hpp"
#include "sides.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

namespace tls_async::bench {
namespace {

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "socket");
  }
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_;
};

sockaddr_in loopback(unsigned short port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}
void no_delay(descriptor const& socket) {
  int const on = 1;
  setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}
void succeed(int result, char const* what) {
  if (result != 0) throw std::system_error(errno, std::generic_category(), what);
}

struct openssl_stack_type {
  static constexpr bool tls = true, concurrent = false, many_writers = false;
  template <class T>
  using awaitable = blocking<T>;

  class loop {
  public:
    loop() { signal(SIGPIPE, SIG_IGN); }  // BIO_s_socket writes without MSG_NOSIGNAL.
    template <class Body>
    void spawn(Body body) {
      body_ = [body]() mutable { body().take(); };
    }
    void run() { body_(); }

  private:
    std::function<void()> body_;
  };

  class listener {
  public:
    explicit listener(loop&) {
      auto address = loopback(0);
      succeed(bind(socket_.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), "bind");
      succeed(listen(socket_.fd(), 4096), "listen");
    }
    [[nodiscard]] unsigned short port() const {
      sockaddr_in address{};
      socklen_t size = sizeof(address);
      succeed(getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &size), "port");
      return ntohs(address.sin_port);
    }
    blocking<descriptor> accept() {
      descriptor peer(::accept(socket_.fd(), nullptr, nullptr));
      no_delay(peer);
      co_return peer;
    }

  private:
    descriptor socket_{socket(AF_INET, SOCK_STREAM, 0)};
  };

  static blocking<descriptor> connect(loop&, unsigned short port) {
    descriptor peer(socket(AF_INET, SOCK_STREAM, 0));
    auto const address = loopback(port);
    succeed(::connect(peer.fd(), reinterpret_cast<sockaddr const*>(&address), sizeof(address)),
            "connect");
    no_delay(peer);
    co_return peer;
  }

  struct stream {
    descriptor socket;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl;
  };
  static stream make(descriptor socket, SSL_CTX* context) {
    stream s{std::move(socket), {SSL_new(context), SSL_free}};
    must(s.ssl != nullptr && SSL_set_fd(s.ssl.get(), s.socket.fd()) == 1, "SSL_new");
    SSL_set_mode(s.ssl.get(), SSL_MODE_RELEASE_BUFFERS);
    return s;
  }
  static blocking<void> handshake(stream& s, role side) {
    auto* const ssl = s.ssl.get();
    must((side == role::server ? SSL_accept(ssl) : SSL_connect(ssl)) == 1, "handshake");
    co_return;
  }
  static done<std::size_t> write(stream& s, char const* data, std::size_t n) {
    std::size_t written = 0;
    must(SSL_write_ex(s.ssl.get(), data, n, &written) == 1, "SSL_write_ex");
    return {written};
  }
  static done<std::size_t> write(stream& s, char const* first, std::size_t n, char const* second,
                                 std::size_t m) {
    return {write(s, first, n).value + write(s, second, m).value};
  }
  static done<std::size_t> read_some(stream& s, char* data, std::size_t n) {
    std::size_t got = 0;
    must(SSL_read_ex(s.ssl.get(), data, n, &got) == 1, "SSL_read_ex");
    return {got};
  }
  static SSL* session(stream& s) { return s.ssl.get(); }
  static void count(stream& s, record_counter& records) { records.count(session(s)); }
};

}  // namespace

stack openssl_stack() { return table_of<openssl_stack_type>("openssl"); }

}  // namespace tls_async::bench
