// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The stream's part of a trial, over a link of choice: negotiates, writes and reads to the end,
// tries again what has failed, shuts down; looks at each result. A link has `stream()`;
// `deliver()`, which lets the peer say the next thing and is false if nothing more can happen;
// `collect()`, which gives the peer what is on its way; and `is_reset()`, when the peer hears
// nothing any more.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/verify_context.hpp>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>
#include <deque>
#include <string>
#include <utility>

#include "support/engine_of.hpp"
#include "support/openssl_version.hpp"
#include "trial.hpp"

namespace tls_async::test {

template <class Link>
class trial {
public:
  trial(scene const& where, std::vector<placed_deed> const& plan)
      : scene_(where),
        peer_(peer_context(where), where.side == role::client ? role::server : role::client,
              where.speed, plan),
        link_(io_, peer_, where) {}

  outcome run() {
    try {
      prepare();
      error_code const ec = negotiate();
      result_.established = !ec || ec == boost::asio::error::eof;
      if (!ec) return converse(), result();
      ec == boost::asio::error::eof ? after_end(ec) : after_failure(ec);
    } catch (verdict const&) {
    }
    return result();
  }

private:
  struct verdict {};

  outcome const& result() {
    result_.points = peer_.points();
    result_.deeds_done = peer_.deeds_done();
    return result_;
  }

  auto& stream() { return link_.stream(); }
  SSL* ssl() { return engine_of(stream()).native_handle(); }
  [[nodiscard]] bool is_client() const { return scene_.side == role::client; }
  [[nodiscard]] bool is_blocking() const {
    return scene_.negotiates == way::handshake || scene_.negotiates == way::read ||
           scene_.negotiates == way::write;
  }
  auto type() { return is_client() ? stream().client : stream().server; }

  [[noreturn]] void complain(std::string const& what) {
    result_.complaint = what + " [" + verb_ + "; " + stream().error_info().text() + "]";
    throw verdict();
  }
  void must(bool holds, char const* what) {
    if (!holds) complain(what);
  }

  ending& begin(char const* verb) {
    verb_ = verb;
    return endings_.emplace_back();
  }
  ending const& await(ending const& of) {
    for (settle(io_); !of.done; settle(io_)) {
      if (!link_.deliver()) complain("the verb never completes");
    }
    settle(io_);
    return of;
  }

  void prepare() {
    if (scene_.trusts == trust::openssl_host) set_host(stream().native_handle(), "localhost");
    if (scene_.trusts != trust::callback) return;
    stream().set_verify_callback([this](bool, boost::asio::ssl::verify_context& chain) {
      auto* const store = chain.native_handle();
      if (X509_STORE_CTX_get_error_depth(store) != 0) return true;
      bool const is_wanted =
          X509_cmp(X509_STORE_CTX_get_current_cert(store), wanted_certificate(role::server)) == 0;
      accepted_ = accepted_ || is_wanted;
      return is_wanted;
    });
  }

  error_code negotiate() {
    switch (scene_.negotiates) {
      case way::tls_handshake:
      case way::async_handshake:
      case way::buffered_handshake:
      case way::handshake: {
        error_code const ec = shake_hands();
        if (!ec) judge_success(true);
        return ec;
      }
      case way::tls_read:
      case way::read:
        stream().set_role(type());
        return read();
      case way::tls_write:
      case way::write:
        stream().set_role(type());
        return write();
      case way::tls_read_and_write:
        break;
    }
    stream().set_role(type());
    auto& reads = begin_read();
    auto& writes = begin_write();
    verb_ = "tls_read_some beside tls_write";
    await(reads);
    await(writes);
    error_code const written = end_write(writes.ec, writes.bytes);
    error_code const was_read = end_read(reads.ec, reads.bytes);
    // One of them may have been done before the session failed.
    return was_read ? was_read : written;
  }

  error_code shake_hands() {
    error_code ec;
    if (is_blocking()) {
      verb_ = "handshake";
      return stream().handshake(type(), ec);
    }
    auto& shaken = begin("handshake");
    std::string received;
    if (scene_.negotiates == way::tls_handshake && is_client()) {
      tls_handshake(stream(), as_client{"localhost"}, shaken.token());
    } else if (scene_.negotiates == way::tls_handshake) {
      tls_handshake(stream(), as_server{}, shaken.token());
    } else if (scene_.negotiates == way::async_handshake) {
      stream().async_handshake(type(), shaken.token());
    } else {
      bool const is_first = endings_.size() == 1;
      if (!is_client() && is_first) received = peer_.next().value_or(std::string());
      stream().async_handshake(type(), boost::asio::buffer(std::as_const(received)),
                               shaken.token());
      await(shaken);
      if (is_first) must(shaken.bytes == received.size(), "not all of the buffer was taken");
    }
    return await(shaken).ec;
  }

  ending& begin_read() {
    auto& reads = begin("tls_read_some");
    tls_read_some(stream(), boost::asio::buffer(inbox_), reads.token());
    return reads;
  }
  error_code read() {
    if (!is_blocking()) {
      auto const& reads = await(begin_read());
      return end_read(reads.ec, reads.bytes);
    }
    verb_ = "read_some";
    error_code ec;
    std::size_t const n = stream().read_some(boost::asio::buffer(inbox_), ec);
    return end_read(ec, n);
  }
  error_code end_read(error_code ec, std::size_t n) {
    must(!ec || n == 0, "a read that failed has consumed something");
    heard_.append(inbox_.data(), n);
    must(peer_.said().compare(0, heard_.size(), heard_) == 0, "the peer has not said this");
    if (!ec) judge_success();
    if (ec != boost::asio::error::eof) return ec;
    judge_success();
    must(peer_.has_closed(), "the end of the session, which the peer has not ended");
    must(heard_ == peer_.said(), "not all came that the peer has said");
    return ec;
  }

  ending& begin_write() {
    message_ = numbered_plaintext(100 + 50 * writes_, writes_ * 1'000);
    ++writes_;
    auto& writes = begin("tls_write");
    tls_write(stream(), boost::asio::buffer(message_), writes.token());
    return writes;
  }
  error_code write() {
    if (!is_blocking()) {
      auto const& writes = await(begin_write());
      return end_write(writes.ec, writes.bytes);
    }
    verb_ = "write_some";
    error_code ec;
    message_ = numbered_plaintext(100 + 50 * writes_, writes_ * 1'000);
    ++writes_;
    std::size_t const n = stream().write_some(boost::asio::buffer(message_), ec);
    return end_write(ec, n);
  }
  error_code end_write(error_code ec, std::size_t n) {
    must(n <= message_.size(), "more was written than was there");
    told_.append(message_, 0, n);
    link_.collect();
    if (!ec) {
      judge_success();
      must(n != 0 && (is_blocking() || n == message_.size()), "a write that has written nothing");
      must(peer_.session().plaintext() == told_, "written, and has not left");
    }
    auto const& arrived = peer_.session().plaintext();
    must(told_.compare(0, arrived.size(), arrived) == 0, "more has left than was written");
    return ec;
  }

  // What success means. What a read has met behind the plaintext can be half a message, or the end
  // of the session, so that OpenSSL is not at rest any more: then both sides' Finished tell.
  void judge_success(bool is_at_rest = false) {
    link_.collect();
    auto& peer = peer_.session();
    bool const has_finished =
        SSL_is_init_finished(ssl()) != 0 || (!is_at_rest && peer.finished_sent());
    must(has_finished, "success without a finished handshake");
    must(peer.finished_received(), "success before the last flight has left");
    must(is_acceptable(scene_), "success with a peer that is not to be trusted");
    X509* const certificate = SSL_get0_peer_certificate(ssl());
    switch (scene_.trusts) {
      case trust::host:
      case trust::asio_host:
      case trust::openssl_host: {
        // as_client keeps its host beside those that the application has set on the session.
        bool const is_set = scene_.trusts == trust::openssl_host;
        char const* const host = is_set ? X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl()), 0)
                                        : SSL_get_servername(ssl(), TLSEXT_NAMETYPE_host_name);
        must(host != nullptr && std::string(host) == "localhost", "success without a host");
        must(certificate != nullptr &&
                 X509_check_host(certificate, "localhost", 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                                 nullptr) == 1,
             "success without a certificate of the host");
        must(SSL_get_verify_result(ssl()) == X509_V_OK, "success without verification");
        break;
      }
      case trust::callback:
        must(accepted_ && certificate != nullptr &&
                 X509_cmp(certificate, wanted_certificate(role::server)) == 0,
             "success without the callback's consent");
        break;
      case trust::required:
      case trust::asio_required:
        must(certificate != nullptr, "success without a client certificate");
        must(SSL_get_verify_result(ssl()) == X509_V_OK, "success without verification");
        break;
      case trust::optional:
        must(SSL_get_verify_result(ssl()) == X509_V_OK, "success without verification");
        break;
      case trust::nobody_asked:
        break;
    }
  }

  void converse() {
    error_code ec = write();
    // The peer's plaintext comes in few reads, whatever it does.
    for (int i = 0; !ec && i != 2'500; ++i) {
      ec = read();
      if (!ec && i < 5) ec = write();
    }
    ec == boost::asio::error::eof ? after_end(ec) : after_failure(ec);
  }

  void after_end(error_code ec) {
    result_.first_error = ec;
    must(read() == ec, "after the end comes another error");
    error_code const closed = shutdown();
    link_.collect();
    if (link_.is_reset()) return;
    // Nothing can be sent behind half a message of the peer's, which it may not have left so.
    if (SSL_in_init(ssl()) != 0) return;
    must(!closed, "a session that both end does not end well");
    auto const& received = peer_.session().received();
    must(!received.empty() && received.back().type == content::alert &&
             received.back().plaintext == std::string({1, 0}),
         "close_notify has not left");
    must(peer_.session().plaintext() == told_, "not all has left that was written");
    result_.clean = true;
  }

  error_code shutdown() {
    verb_ = "shutdown";
    error_code ec;
    if (is_blocking()) return stream().shutdown(ec);
    auto& shut = begin("tls_shutdown");
    tls_shutdown(stream(), shut.token());
    return await(shut).ec;
  }

  // The same error, whatever is tried.
  void after_failure(error_code ec) {
    result_.first_error = ec;
    must(ec.failed(), "no error where something failed");
    must(!stream().error_info().text().empty(), "an error that nobody explains");
    bool const has_failed = static_cast<bool>(engine_of(stream()).failure());
    bool const was_established = engine_of(stream()).handshake_done();
    if (!was_established || has_failed) {
      must(write() == ec, "a write after the failure ends otherwise");
    } else {
      (void)write();  // into a connection that is half open
    }
    // A write into a connection that was reset can be the failure of the session, and one that
    // waits for the rest of a message can fail although the session has its end, for a read.
    error_code const again = read();
    must(again == ec || (link_.is_reset() && again) || again == boost::asio::error::eof,
         "a read after the failure ends otherwise");
    if (!was_established) must(shake_hands() == ec, "another handshake ends otherwise");
    must(shutdown().failed(), "a session that has failed ends well");
    link_.collect();
    check_alert();
  }

  // An alert of ours that is in the story has left.
  void check_alert() {
    auto const& alert = stream().error_info().last_alert;
    if (!alert || !alert->sent || link_.is_reset()) return;
    bool has_left = peer_.session().unopened() != 0;
    for (record const& one : peer_.session().received()) {
      has_left = has_left || (one.type == content::alert && one.plaintext.size() == 2 &&
                              static_cast<unsigned char>(one.plaintext[1]) == alert->number);
    }
    must(has_left, "the alert has not left");
  }

  scene scene_;
  outcome result_;
  std::string verb_;
  bool accepted_ = false;
  std::array<char, 20'000> inbox_{};
  std::size_t writes_ = 0;
  std::string message_, told_, heard_;
  std::deque<ending> endings_;
  boost::asio::io_context io_{1};
  hostile_peer peer_;
  Link link_;
};

}  // namespace tls_async::test
