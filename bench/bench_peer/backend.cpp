// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "backend.hpp"

#include "blocking_net.hpp"
#include "meter.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <thread>

namespace tls_async::bench {
namespace {

void send_all(descriptor const& to, char const* data, std::size_t bytes) {
  while (bytes != 0) {
    ssize_t const sent = send(to.fd(), data, bytes, MSG_NOSIGNAL);
    succeed(static_cast<int>(sent), "send");
    data += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
}

void answer(descriptor const& peer, backend kind) {
  expected_plaintext expected(message_of(piece_bytes), true);
  std::array<char, 65'536> buffer;
  std::uint64_t answered = 0;
  while (true) {
    ssize_t const got = recv(peer.fd(), buffer.data(), buffer.size(), 0);
    succeed(static_cast<int>(got), "recv");
    if (got == 0) return;
    auto const bytes = static_cast<std::size_t>(got);
    if (kind == backend::echo) {
      send_all(peer, buffer.data(), bytes);
      continue;
    }
    expected.take(buffer.data(), bytes);
    for (; answered < expected.taken() / piece_bytes; ++answered)
      send_all(peer, &piece_taken, 1);
  }
}

}  // namespace

void serve(backend kind) {
  blocking_net::loop loop;
  blocking_net::listener listener(loop);
  std::cout << listener.port() << std::endl;
  std::thread([&] {
    while (true) {
      std::thread([kind, peer = listener.accept().take()] {
        try {
          answer(peer, kind);
        } catch (std::exception const&) {
          // The client sees that its connection ends.
        }
      }).detach();
    }
  }).detach();
  while (std::getchar() != EOF) {
  }
  std::_Exit(0);  // The threads are in the middle of something.
}

}  // namespace tls_async::bench
