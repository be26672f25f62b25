// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "client.hpp"

#include <sys/time.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace tls_async::bench {
namespace {

namespace http = boost::beast::http;

// That of tls_bench, and it keeps the tickets.
SSL_CTX* context() {
  static SSL_CTX* const made = [] {
    SSL_CTX* const its = context_of(role::client, 13);
    SSL_CTX_set_session_cache_mode(its, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(its, [](SSL* ssl, SSL_SESSION* session) {
      auto& mine = *static_cast<tickets*>(SSL_get_app_data(ssl));
      ++mine.received;
      mine.last.reset(session);
      return 1;  // It is ours now.
    });
    return its;
  }();
  return made;
}

// So that a server that is stuck is an error and not a wait for ever.
descriptor connected(unsigned short port) {
  blocking_net::loop loop;
  descriptor socket = blocking_net::connect(loop, port).take();
  timeval const patience{60, 0};
  for (int const direction : {SO_RCVTIMEO, SO_SNDTIMEO})
    succeed(setsockopt(socket.fd(), SOL_SOCKET, direction, &patience, sizeof(patience)),
            "time limit");
  return socket;
}

void must_be(bool right, std::string const& what) {
  if (!right) throw std::runtime_error("the server and the client agreed on " + what);
}

}  // namespace

client::client(unsigned short port, tickets& mine, bool resume)
    : socket_(connected(port)), ssl_(SSL_new(context()), SSL_free) {
  SSL* const ssl = ssl_.get();
  must(ssl != nullptr && SSL_set_fd(ssl, socket_.fd()) == 1, "SSL_new");
  SSL_set_app_data(ssl, &mine);
  SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  auto const ticket = std::move(mine.last);
  mine.received = 0;
  if (resume) {
    if (!ticket) throw std::runtime_error("the server sent no ticket to resume with");
    must(SSL_set_session(ssl, ticket.get()) == 1, "SSL_set_session");
  }
  must(SSL_connect(ssl) == 1, "handshake");
  must_be(SSL_version(ssl) == TLS1_3_VERSION, SSL_get_version(ssl));
  must_be(SSL_CIPHER_get_id(SSL_get_current_cipher(ssl)) == TLS1_3_CK_AES_128_GCM_SHA256,
          SSL_get_cipher_name(ssl));
  must_be(SSL_get_negotiated_group(ssl) == NID_X25519, "another group than X25519");
  must_be((SSL_session_reused(ssl) == 1) == resume,
          resume ? "a full handshake, not a resumed one" : "a resumed handshake, not a full one");
}

void client::write(char const* data, std::size_t bytes) {
  std::size_t written = 0;  // All of it: SSL_MODE_ENABLE_PARTIAL_WRITE is not set.
  must(SSL_write_ex(ssl_.get(), data, bytes, &written) == 1, "SSL_write_ex");
}

std::size_t client::read_some(char* data, std::size_t bytes) {
  std::size_t got = 0;
  if (SSL_read_ex(ssl_.get(), data, bytes, &got) == 1) return got;
  if (got_close_notify()) return 0;
  if (SSL_want_read(ssl_.get()) && ERR_peek_error() == 0 && errno == EAGAIN)
    throw std::runtime_error("the server has been silent for a minute");
  bool const cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (!cut) must(false, "SSL_read_ex");
  ERR_clear_error();
  return 0;
}

void client::send_close_notify() {
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

bool client::got_close_notify() const {
  return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void get(client& over, std::string const& name, bool keep_alive, std::string const& wanted) {
  std::string const request = "GET /" + name + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
                              (keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
  over.write(request.data(), request.size());
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  std::array<char, 16'384> buffer;
  std::size_t have = 0;
  while (!parser.is_done()) {
    std::size_t const some = over.read_some(buffer.data() + have, buffer.size() - have);
    if (some == 0) throw std::runtime_error("the server left before the end of its response");
    have += some;
    boost::system::error_code error;
    std::size_t const used = parser.put(boost::asio::buffer(buffer.data(), have), error);
    if (error && error != http::error::need_more)
      throw boost::system::system_error(error, "response");
    std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(used),
              buffer.begin() + static_cast<std::ptrdiff_t>(have), buffer.begin());
    have -= used;
  }
  if (parser.get().result() != http::status::ok)
    throw std::runtime_error("status " + std::to_string(parser.get().result_int()));
  if (parser.get().body() != wanted || have != 0)
    throw std::runtime_error("wrong plaintext arrived");
}

}  // namespace tls_async::bench
