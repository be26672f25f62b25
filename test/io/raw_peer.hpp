// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A peer that a test plays by hand: plain OpenSSL at one end of an in-memory link. It does only
// what it is told to, so it can also be rude: never read, never answer, send what no stream would.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <utility>

#include <tls_async_test/memory_link.hpp>
#include <tls_async_test/tls_pair.hpp>
#include "memory_session.hpp"

namespace tls_async::test {

class raw_peer {
public:
  /// `side` is the peer's own.
  raw_peer(boost::asio::io_context& io, memory_stream link, role side,
           tls_settings const& settings = {})
      : io_(io),
        link_(std::move(link)),
        tls_(make_context(side, settings).get(), side, {1 << 20, 1 << 20}) {}

  [[nodiscard]] raw_session& tls() { return tls_; }
  [[nodiscard]] memory_stream& link() { return link_; }

  /// Writes what the session has produced, as far as the link takes it now; false if some of it
  /// waits.
  bool send() {
    if (link_.is_writing()) return false;
    for (;;) {
      if (outgoing_.empty()) outgoing_ = tls_.take();
      if (outgoing_.empty()) return true;
      std::size_t n = 0;
      bool is_over = false;
      link_.async_write_some(boost::asio::buffer(outgoing_), [&](error_code, std::size_t sent) {
        n = sent;
        is_over = true;
      });
      settle(io_);
      if (!is_over) {
        // As a socket would, it refuses what it has no room for.
        link_.cancel();
        settle(io_);
        return false;
      }
      outgoing_.erase(0, n);
    }
  }

  /// Reads what the link holds now into the session; returns the number of bytes.
  std::size_t receive() {
    std::size_t total = 0;
    for (;;) {
      std::array<char, 16'384> place{};
      std::size_t n = 0;
      bool is_over = false;
      link_.async_read_some(boost::asio::buffer(place), [&](error_code, std::size_t got) {
        n = got;
        is_over = true;
      });
      settle(io_);
      if (!is_over) link_.cancel();
      settle(io_);
      if (n == 0) return total;
      total += n;
      BOOST_REQUIRE_EQUAL(tls_.give({place.data(), n}), n);
      plaintext_ += opened();
    }
  }

  /// Everything received and opened so far.
  [[nodiscard]] std::string const& plaintext() const { return plaintext_; }

  /// One round of the handshake; true when this side is done and its last flight has left.
  bool shake_hands() {
    receive();
    tls_.handshake();
    return send() && SSL_is_init_finished(tls_.ssl()) == 1;
  }

private:
  std::string opened() {
    return SSL_is_init_finished(tls_.ssl()) == 1 ? tls_.read_all() : std::string();
  }

  boost::asio::io_context& io_;
  memory_stream link_;
  raw_session tls_;
  std::string outgoing_;
  std::string plaintext_;
};

/// A stream and its rude peer.
struct rude_session {
  explicit rude_session(role of_peer, stream_options const& options = {},
                        tls_settings const& settings = {})
      : link_(memory_stream::make(io.get_executor())),
        stream(std::move(link_.first), of_peer == role::client ? known_server() : trusting_client(),
               options),
        peer(io, std::move(link_.second), of_peer, settings) {}

  void handshake() {
    ending shaken;
    if (SSL_is_server(peer.tls().ssl()) != 0) {
      tls_handshake(stream, as_client{"localhost"}, shaken.token());
    } else {
      tls_handshake(stream, as_server{}, shaken.token());
    }
    for (int round = 0; round != 4; ++round) {
      settle(io);
      peer.shake_hands();
    }
    settle(io);
    BOOST_REQUIRE(shaken.done);
    BOOST_REQUIRE_EQUAL(shaken.ec, error_code());
    peer.receive();
  }

  boost::asio::io_context io{1};

private:
  std::pair<memory_stream, memory_stream> link_;

public:
  memory_tls stream;
  raw_peer peer;
};

}  // namespace tls_async::test
