// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "bare_session.hpp"

#include <boost/asio/ssl/error.hpp>

#include <openssl/err.h>

#include <new>
#include <utility>

namespace tls_async::test::model {

namespace asio = boost::asio;

bare_session::bare_session(stage const& on, BIO* transport) : ssl_(SSL_new(on.with.subject())) {
  if (!ssl_) throw std::bad_alloc();
  SSL_set_bio(ssl_.get(), transport, transport);
  // As in both libraries.
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  on.with.prepare_subject(ssl_.get(), true);
  is_client(on.of) ? SSL_set_connect_state(ssl_.get()) : SSL_set_accept_state(ssl_.get());
}

error_code bare_session::advance(progress& of) {
  int result = 1;
  for (;;) {
    ERR_clear_error();
    std::size_t n = 0;
    result = call(of, n);
    of.done += n;
    bool const goes_on =
        result > 0 && of.which->asked.what == act::write && of.done != of.which->size();
    if (!goes_on) break;
  }
  auto ec = result > 0 ? error_code() : failure(result);
  // Without SSL_MODE_AUTO_RETRY a read says so behind each ticket, too, where more has come.
  for (int tickets = 0; tickets != 8 && ec == asio::error::would_block; ++tickets) {
    if (of.which->asked.what != act::read) break;
    ERR_clear_error();
    std::size_t n = 0;
    result = call(of, n);
    of.done += n;
    ec = result > 0 ? error_code() : failure(result);
  }
  if (of.which->asked.what == act::shutdown && ec == asio::error::eof) ec = {};
  return ec;
}

int bare_session::call(progress const& of, std::size_t& n) {
  SSL* const ssl = ssl_.get();
  verb& which = *of.which;
  switch (which.asked.what) {
    case act::handshake:
      return SSL_do_handshake(ssl);
    case act::read:
      return SSL_read_ex(ssl, which.place.data(), which.size(), &n);
    case act::write: {
      auto const rest = which.bytes.substr(of.done);
      return rest.empty() ? 1 : SSL_write_ex(ssl, rest.data(), rest.size(), &n);
    }
    case act::key_update:
      if (SSL_version(ssl) < TLS1_3_VERSION) return 1;
      if (SSL_get_key_update_type(ssl) == SSL_KEY_UPDATE_NONE && !std::exchange(updates_, true)) {
        SSL_key_update(ssl, which.asked.buffers == form::both ? SSL_KEY_UPDATE_REQUESTED
                                                              : SSL_KEY_UPDATE_NOT_REQUESTED);
      }
      if (int const result = SSL_do_handshake(ssl); result <= 0) return result;
      updates_ = false;
      return 1;
    case act::close_write: {
      int const result = has_shut_down_ ? 0 : SSL_shutdown(ssl);
      has_shut_down_ = result >= 0;
      return result == 0 ? 1 : result;
    }
    default: {
      // Once: called again it would not let plaintext come.
      int const result = has_shut_down_ ? 0 : SSL_shutdown(ssl);
      has_shut_down_ = result >= 0;
      if (result != 0) return result;
      std::string discarded(max_record_plaintext, '\0');
      std::size_t length = 0;
      int const got = SSL_read_ex(ssl, discarded.data(), discarded.size(), &length);
      return got > 0 ? call(of, n) : got;
    }
  }
}

// As Asio has it.
error_code bare_session::failure(int result) {
  int const why = SSL_get_error(ssl_.get(), result);
  auto const first = ERR_peek_error();
  ERR_clear_error();
  switch (why) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return asio::error::eof;
    case SSL_ERROR_SYSCALL:
      // Behind user_canceled it does not know a close_notify of level fatal.
      if (first == 0 && (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0)
        return asio::error::eof;
      return first == 0 ? error_code(asio::error::connection_reset)
                        : error_code(static_cast<int>(first), asio::error::get_ssl_category());
    default:
      break;
  }
  if (ERR_GET_REASON(first) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
    return asio::ssl::error::stream_truncated;
  return {static_cast<int>(first), asio::error::get_ssl_category()};
}

}  // namespace tls_async::test::model
