// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// What the stacks on a blocking descriptor share: no Asio, one connection at a time.
#pragma once

#include "blocking.hpp"
#include "contexts.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <coroutine>
#include <csignal>
#include <functional>
#include <system_error>
#include <utility>

namespace tls_async::bench {

inline void succeed(int result, char const* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) { succeed(fd, "socket"); }
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_;
};

struct blocking_net {
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

private:
  static sockaddr_in loopback(unsigned short port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static void no_delay(descriptor const& socket) {
    int const on = 1;
    setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
};

}  // namespace tls_async::bench
