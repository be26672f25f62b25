// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// OpenSSL on a blocking descriptor, one thread a side, no Asio.
#include "blocking_net.hpp"
#include "contexts.hpp"
#include "sides.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <utility>

namespace tls_async::bench {
namespace {

struct openssl_stack_type : blocking_net {
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
