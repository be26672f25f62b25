// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A session whose part of the world a test plays by hand: what it asks for is noted and done when
// the test says so, byte by byte if it likes. No Asio, no socket, no clock but that of the test.
#pragma once

#include <tls_async/gates/session.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include <tls_async_test/tls_pair.hpp>

namespace tls_async::detail {

std::ostream& operator<<(std::ostream& out, verb_state shown);

}  // namespace tls_async::detail

namespace tls_async::test {

using detail::verb_kind;
using detail::verb_state;

/// What became of a verb.
struct outcome {
  bool done = false;
  error_code ec;
  std::size_t bytes = 0;
};

/// A verb whose handler is `outcome`.
template <class Base>
class played_verb : public Base {
public:
  bool complete(detail::hop) override {
    BOOST_TEST(!std::exchange(told, {true, this->result, this->bytes}).done, "it completes twice");
    return true;
  }
  void abandon() noexcept override { is_abandoned = true; }

  outcome told;
  bool is_abandoned = false;

protected:
  template <class... Args>
  explicit played_verb(Args&&... args) : Base(args...) {
    this->on_io_executor = true;
  }
};

class played_read final : public played_verb<detail::read_verb> {
public:
  explicit played_read(std::size_t room) : place_(room, '\0') {}
  [[nodiscard]] std::span<std::byte> place() override {
    return std::as_writable_bytes(std::span(place_)).subspan(bytes);
  }
  void advance(std::size_t n) override { bytes += n; }
  [[nodiscard]] std::string plaintext() const { return place_.substr(0, bytes); }

private:
  std::string place_;
};

class played_write final : public played_verb<detail::write_verb> {
public:
  explicit played_write(std::string plaintext, bool moves_about = false, bool carries_close = false)
      : played_verb(false), plaintext_(std::move(plaintext)) {
    moves = moves_about;
    is_last = carries_close;
  }
  void locate() noexcept override { ++times_located; }
  [[nodiscard]] std::span<std::byte const> piece() override {
    return std::as_bytes(std::span(plaintext_)).subspan(bytes);
  }
  void advance(std::size_t n) override { bytes += n; }

  int times_located = 0;

private:
  std::string plaintext_;
};

class played_control final : public played_verb<detail::control_verb> {
public:
  explicit played_control(verb_kind which, bool asks = false) : played_verb(which) {
    asks_peer = asks;
  }
};

/// A client's session, and its peer, which is plain OpenSSL.
class played_session : detail::memory_account::waiter {
public:
  explicit played_session(stream_options const& given = {}, tls_settings const& settings = {});
  played_session(SSL_CTX* client, SSL_CTX* server, stream_options const& given);
  ~played_session();

  /// Tells the session to turn, locates what it asks to locate, and notes the rest.
  void turn();
  /// Starts `v`, and turns.
  template <class Verb>
  void start(Verb& v) {
    session.start(v);
    turn();
  }
  void cancel(detail::verb& v, bool only_if_without_effect = false);

  /// At most `most` bytes of the flush that was asked for reach the peer, and are opened by it.
  void flush(std::size_t most = everything);
  void fail_flush(error_code ec);
  /// The descriptor takes something again.
  void become_writable();
  /// At most `most` bytes of what the peer has made; nothing at all tells of the end.
  void fill(std::size_t most = everything);
  void fill_with(std::string_view ciphertext);
  void fail_fill(error_code ec);
  /// What was asked to be ended has ended.
  void end_fill_let_go();
  void look_again();
  /// Locates the write that was to be located, if `locates_later`.
  void locate();
  /// The stream is gone, or its event loop.
  void close();
  void abandon();
  /// So much time passes.
  void pass(std::chrono::milliseconds span);
  /// The handshake, to its end.
  void negotiate();
  /// Everything that is asked for, until nothing is: as a network without a fault.
  void run();

  /// What is asked for and has not been done.
  struct {
    bool flush = false;
    bool writable = false;
    bool fill = false;
    bool let_go = false;
    bool look_again = false;
    detail::write_verb* locate = nullptr;
    detail::time_point timer = detail::never;
  } asked;
  raw_session peer;
  std::string plaintext;            ///< That the peer has opened.
  std::uint64_t flushed_bytes = 0;  ///< Of ciphertext, from the start.
  bool peer_has_failed = false;
  bool locates_later = false;
  static detail::time_point moment;
  detail::time_point last_progress{};  ///< When something was flushed.
  detail::session session;

private:
  void resume() override {}
  void open_at_peer();
  void hand_over();
  static detail::time_point now() { return moment; }
  static detail::environment const& world();
};

}  // namespace tls_async::test
