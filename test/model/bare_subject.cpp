// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Bare OpenSSL: each verb is its function, called again and again until it is done, on a BIO that
// is the script's network.
#include <boost/asio/ssl/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "subject.hpp"

namespace tls_async::test::model {
namespace {

namespace asio = boost::asio;

wire& wire_of(BIO* bio) { return *static_cast<wire*>(BIO_get_data(bio)); }

int write_bio(BIO* bio, char const* from, int n) {
  BIO_clear_retry_flags(bio);
  error_code ec;
  auto const taken = wire_of(bio).take({from, static_cast<std::size_t>(n)}, ec);
  if (taken && !ec) return static_cast<int>(*taken);
  if (!taken) BIO_set_retry_write(bio);
  return -1;
}

int read_bio(BIO* bio, char* into, int n) {
  BIO_clear_retry_flags(bio);
  error_code ec;
  auto const given = wire_of(bio).give(asio::buffer(into, static_cast<std::size_t>(n)), ec);
  if (given && !ec) return static_cast<int>(*given);
  if (!given) BIO_set_retry_read(bio);
  return ec == asio::error::eof ? 0 : -1;
}

long control_bio(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  auto const& in = wire_of(bio).in;
  return command == BIO_CTRL_EOF && in.has_ended && in.bytes.empty() ? 1 : 0;
}

BIO_METHOD const* method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "script");
    BIO_meth_set_write(m, &write_bio);
    BIO_meth_set_read(m, &read_bio);
    BIO_meth_set_ctrl(m, &control_bio);
    return m;
  }();
  return made;
}

class bare_subject final : public subject {
public:
  explicit bare_subject(stage const& on) : on_(on), ssl_(SSL_new(on.with.subject())) {
    if (!ssl_) throw std::bad_alloc();
    BIO* const bio = BIO_new(method());
    BIO_set_data(bio, on.over.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    // As in both libraries.
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    on.with.prepare_subject(ssl_.get(), true);
    is_client(on.of) ? SSL_set_connect_state(ssl_.get()) : SSL_set_accept_state(ssl_.get());
  }

  [[nodiscard]] bool takes_all() const override { return false; }
  [[nodiscard]] bool has(event const& what) const override { return what.is_verb(); }
  void start(verb_ptr const& which) override {
    on_.told.begun(*which);
    (which->asked.what == act::read ? reading_ : writing_).push_back({which, 0});
    step();
  }
  bool step() override {
    if (std::exchange(is_stepping_, true)) return false;
    bool moved = false;
    // A handshake goes by either.
    for (auto* const queue : {&writing_, &reading_}) {
      while (!queue->empty()) {
        auto const ec = advance(queue->front());
        if (ec == asio::error::would_block) break;
        auto const done = std::move(queue->front());
        queue->pop_front();
        moved = true;
        on_.told.ended(done.which, ec, done.done, false);
      }
    }
    is_stepping_ = false;
    return moved;
  }
  [[nodiscard]] SSL* ssl() override { return ssl_.get(); }
  void destroy() override {
    for (auto* const queue : {&writing_, &reading_}) {
      for (auto const& rest : std::exchange(*queue, {}))
        on_.told.ended(rest.which, asio::error::operation_aborted, rest.done, false);
    }
    ssl_.reset();
    on_.over->out.has_ended = true;
  }

private:
  struct progress {
    verb_ptr which;
    std::size_t done;
  };

  error_code advance(progress& of) {
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

  int call(progress const& of, std::size_t& n) {
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
  error_code failure(int result) {
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

  stage on_;
  session_ptr ssl_;
  std::deque<progress> writing_, reading_;
  bool updates_ = false;
  bool has_shut_down_ = false;
  bool is_stepping_ = false;
};

}  // namespace

std::unique_ptr<subject> make_bare(stage const& on) { return std::make_unique<bare_subject>(on); }

}  // namespace tls_async::test::model
