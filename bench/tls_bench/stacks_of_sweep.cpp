// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The sweep behind the defaults of the ring: how many records it holds, how many are sealed before
// each flush, what kind of BIO it is. The kinds of BIO are driven by a few lines on a blocking
// descriptor, so that nothing else differs; the ring's size also in this library's stream.
#include "blocking_net.hpp"
#include "ciphertext_store.hpp"
#include "sides.hpp"
#include "tls_async_stack.hpp"

#include <tls_async/core/record.hpp>

#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tls_async::bench {
namespace {

// `Ring` records of room each way; a flush after each `Batch` records.
template <class Store, std::size_t Ring, std::size_t Batch>
struct driven : blocking_net {
  struct stream {
    descriptor socket;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl;
    std::unique_ptr<Store> store;
  };
  static stream make(descriptor socket, SSL_CTX* context) {
    stream s{std::move(socket), {SSL_new(context), SSL_free}, nullptr};
    must(s.ssl != nullptr, "SSL_new");
    s.store = std::make_unique<Store>(s.ssl.get(), Ring * record_room);
    return s;
  }
  static blocking<void> handshake(stream& s, role side) {
    auto* const ssl = s.ssl.get();
    side == role::server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
    for (bool more = true; more;) {
      more = SSL_do_handshake(ssl) != 1;
      s.store->flush(s.socket.fd());
      if (more) s.store->fill(s.socket.fd());
    }
    co_return;
  }
  static done<std::size_t> write(stream& s, char const* data, std::size_t n) {
    for (std::size_t at = 0; at < n;) {
      for (std::size_t i = 0; i < Batch && at < n; ++i) {
        std::size_t written = 0;
        must(SSL_write_ex(s.ssl.get(), data + at, std::min(n - at, max_record_plaintext),
                          &written) == 1,
             "SSL_write_ex");
        at += written;
      }
      s.store->flush(s.socket.fd());
    }
    return {n};
  }
  // All that is there, as this library's read does.
  static done<std::size_t> read_some(stream& s, char* data, std::size_t n) {
    std::size_t all = 0;
    while (true) {
      for (std::size_t got = 0;
           all < n && SSL_read_ex(s.ssl.get(), data + all, n - all, &got) == 1;)
        all += got;
      if (all != 0) return {all};
      s.store->fill(s.socket.fd());
    }
  }
  static void count(stream& s, record_counter& records) { records.count(s.ssl.get()); }
};

template <class Stack>
stack swept(std::string name) {
  stack s;
  s.name = std::move(name);
  s.sweep_send = send<Stack>;
  s.sweep_receive = receive<Stack>;
  return s;
}
template <std::size_t Records>
stack with_ring() {
  return swept<tls_async_type<Records>>("tls_async_ring_" + std::to_string(Records));
}
template <class Store, std::size_t Ring, std::size_t Batch = Ring>
stack with_store() {
  stack s = swept<driven<Store, Ring, Batch>>(Store::name + std::string("_") +
                                              std::to_string(Ring) + "_" + std::to_string(Batch));
  if constexpr (Batch != Ring) s.sweep_receive = nullptr;  // Batches are of sending.
  return s;
}
template <class Store>
std::vector<stack> with_rings() {
  return {with_store<Store, 1>(), with_store<Store, 2>(), with_store<Store, 4>(),
          with_store<Store, 8>(), with_store<Store, 16>()};
}

}  // namespace

std::vector<stack> stacks_of_sweep() {
  std::vector<stack> all{with_ring<1>(), with_ring<2>(), with_ring<8>(), with_ring<16>()};
  for (auto const& some :
       {with_rings<pair_copied>(), with_rings<pair_in_place>(), with_rings<own_bio>(),
        std::vector<stack>{with_store<pair_in_place, 16, 1>(), with_store<pair_in_place, 16, 2>(),
                           with_store<pair_in_place, 16, 4>(), with_store<pair_in_place, 16, 8>()}})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace tls_async::bench
