// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// tls_proxy as a program that runs, and one connection through it: TLS on one end, with a peer in
// user space, and plain TCP on the other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>
#include <boost/asio/ip/tcp.hpp>

#include "io/memory_session.hpp"
#include "io/socket_loop.hpp"
#include "kernel_session.hpp"

namespace tls_async::test {

/// A program, with what it prints. Its end is waited for.
class running_program {
public:
  /// The first of `command` is a path. With `told`, an end of a pipe that it has as descriptor 3.
  explicit running_program(std::vector<std::string> command, int told = -1);
  running_program(running_program const&) = delete;
  running_program& operator=(running_program const&) = delete;
  ~running_program();

  /// Until it has printed this; returns all up to the end of that line.
  std::string wait_for(std::string const& text);
  /// By SIGTERM.
  void stop();

private:
  pid_t id_ = -1;
  int output_ = -1;
  std::string printed_;
};

/// Where the build has tls_proxy, or the guest.
std::string tls_proxy_path();

/// Takes what comes to a plain socket, to the end.
struct plain_sink : sink {
  void keep_reading(boost::asio::ip::tcp::socket& from);
};

struct proxied : socket_loop {
  using tls = stream<boost::asio::ip::tcp::socket>;
  enum class on { clients, backend };

  /// `side`: whose TLS it is.
  explicit proxied(kernel_suite const& suite = tls13_aes128, on side = on::clients)
      : proxied(suite, side, {}, -1, true) {}
  /// `before`: what stands before the program in its command line.
  proxied(kernel_suite const& suite, on side, std::vector<std::string> before, int told,
          bool by_kernel);

  /// One more connection in the place of the one before. `receive_room`: SO_RCVBUF of the end of
  /// TLS, 0 for the kernel's own.
  void connect(int receive_room = 0);
  /// Both ends are read from here on.
  void read();

private:
  std::vector<std::string> command(std::vector<std::string> before, bool by_kernel) const;

  kernel_suite suite_;
  on side_;
  boost::asio::ip::tcp::acceptor backend_;

public:
  running_program proxy;

private:
  boost::asio::ip::tcp::endpoint proxy_;

public:
  std::optional<tls> secured;
  boost::asio::ip::tcp::socket plain;
  sink at_tls;
  plain_sink at_plain;
};

}  // namespace tls_async::test
