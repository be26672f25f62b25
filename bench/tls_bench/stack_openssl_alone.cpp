// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// OpenSSL without any transport, the other half of the floor: one thread seals into a null BIO
// while the other opens from memory, so that each has the load of the other beside it.
#include "contexts.hpp"
#include "meter.hpp"
#include "stack.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

namespace tls_async::bench {
namespace {

using session = std::unique_ptr<SSL, decltype(&SSL_free)>;

// A client and a server after their handshake, each with its memory BIO for input and output.
struct sessions {
  session client{SSL_new(context_of(role::client, 13)), SSL_free};
  session server{SSL_new(context_of(role::server, 13)), SSL_free};

  sessions() {
    BIO *to_server = BIO_new(BIO_s_mem()), *to_client = BIO_new(BIO_s_mem());
    for (BIO* const bio : {to_server, to_client}) {
      BIO_set_mem_eof_return(bio, -1);
      BIO_up_ref(bio);
    }
    SSL_set_bio(client.get(), to_client, to_server);
    SSL_set_bio(server.get(), to_server, to_client);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    for (int turn = 0; turn < 4; ++turn)
      for (SSL* const side : {client.get(), server.get()})
        SSL_do_handshake(side);
    must(SSL_is_init_finished(client.get()) == 1 && SSL_is_init_finished(server.get()) == 1,
         "handshake in memory");
  }
};

// The call of the sending stack: at most a record at a time.
void seal(SSL* with, std::string const& message) {
  for (std::size_t at = 0; at < message.size();) {
    std::size_t const n = std::min<std::size_t>(message.size() - at, SSL3_RT_MAX_PLAIN_LENGTH);
    std::size_t written = 0;
    must(SSL_write_ex(with, message.data() + at, n, &written) == 1, "SSL_write_ex");
    at += written;
  }
}

void seal_only(unsigned short, job const& work, sample& result) {
  sessions both;
  SSL_set0_wbio(both.client.get(), BIO_new(BIO_s_null()));
  std::string const message = message_of(work.message_bytes);
  meter const measured;
  for (std::uint64_t i = 0; i < work.messages; ++i)
    seal(both.client.get(), message);
  measured.stop(result, work.messages);
}

void open_only(std::promise<unsigned short>& port, job const& work, sample& result) {
  sessions both;
  port.set_value(0);
  std::string const message = message_of(work.message_bytes);
  // As much at once as a receiver would have: sealed outside of the measured time.
  std::uint64_t const batch = std::max<std::uint64_t>(64 * 1024 / message.size(), 1);
  std::vector<char> buffer(64 * 1024);
  expected_plaintext expected(message, work.check);
  sample once;
  for (std::uint64_t i = 0; i < work.messages; i += batch) {
    std::uint64_t const messages = std::min(batch, work.messages - i);
    for (std::uint64_t j = 0; j < messages; ++j)
      seal(both.client.get(), message);
    meter const measured;
    for (std::size_t n = 0; SSL_read_ex(both.server.get(), buffer.data(), buffer.size(), &n) == 1;)
      expected.take(buffer.data(), n);
    measured.stop(once, work.messages);
    for (auto const& [name, value] : once)
      result[name] += value;
  }
  must(expected.taken() == work.messages * message.size(), "opening all of it");
}

}  // namespace

stack openssl_alone_stack() {
  stack s;
  s.name = s.peer = "openssl_alone";
  s.send = seal_only;
  s.receive = open_only;
  return s;
}

}  // namespace tls_async::bench
