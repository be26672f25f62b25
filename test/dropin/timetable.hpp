// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A client in virtual time: a timetable says what it does when, and a journal what it and its peer
// then saw, and when. Each way takes 10 ms, all else no time, so that whatever is sent, completes
// or expires at another time stands in another line. The next layer has the timeouts of
// beast::tcp_stream, and the peer is plain OpenSSL.
// Must not use the verbs of tls_async: what is written for boost::asio::ssl::stream has to do.
#pragma once

#include "connection.hpp"

#include <tls_async_test/tls_pair.hpp>
#include <tls_async_test/virtual_clock.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tls_async::test {

using namespace std::chrono_literals;
using milliseconds = std::chrono::milliseconds;
inline constexpr milliseconds one_way = 10ms;

/// The event loop, what happens in it at which time, and what was seen.
class timetable {
public:
  asio::io_context io{1};

  /// Since the beginning. Those of one time happen in the order in which they were added.
  void at(milliseconds when, std::function<void()> what) {
    due_.emplace(begin_ + when, std::move(what));
  }
  void after(milliseconds delay, std::function<void()> what) {
    due_.emplace(virtual_clock::now() + delay, std::move(what));
  }
  /// Lets the time pass until nothing more can happen, or until `end`. What is due at one time is
  /// done before any handler is called.
  void run(milliseconds end) {
    for (;;) {
      while (!due_.empty() && due_.begin()->first <= virtual_clock::now())
        due_.extract(due_.begin()).mapped()();
      io.restart();
      io.poll();
      if (virtual_clock::now() >= begin_ + end || (due_.empty() && io.stopped())) return;
      pass(io, one_way);
    }
  }
  void note(std::string const& what) {
    auto const now = std::chrono::duration_cast<milliseconds>(virtual_clock::now() - begin_);
    journal_ += std::to_string(now.count()) + ' ' + what + '\n';
  }
  [[nodiscard]] std::string const& journal() const { return journal_; }

private:
  virtual_clock::time_point const begin_ = virtual_clock::now();
  std::multimap<virtual_clock::time_point, std::function<void()>> due_;
  std::string journal_;
};

/// What stands between the client and its peer.
class timed_line : public std::enable_shared_from_this<timed_line> {
public:
  timed_line(timetable& times, std::function<void(std::string)> peer)
      : times_(times), peer_(std::move(peer)) {}

  /// How much a peer that does not take anything lets in.
  std::size_t window = SIZE_MAX;

  struct operation {
    std::optional<asio::any_completion_handler<void(error_code, std::size_t)>> handler;
    asio::any_io_executor executor;
    std::optional<virtual_clock::time_point> expiry;
    int number = 0;

    void finish(error_code ec, std::size_t n) {
      if (!handler) return;
      auto done = std::move(*handler);
      handler.reset();
      if (auto slot = asio::get_associated_cancellation_slot(done); slot.is_connected())
        slot.clear();
      asio::post(executor, asio::append(std::move(done), ec, n));
    }
  };
  template <class Handler>
  void start(operation timed_line::*which, asio::any_io_executor const& io, Handler handler) {
    operation& one = this->*which;
    BOOST_ASSERT_MSG(!one.handler, "two operations of one kind at once on the next layer");
    one.executor = asio::get_associated_executor(handler, io);
    one.handler.emplace(std::move(handler));
    ++one.number;
    if (auto slot = asio::get_associated_cancellation_slot(*one.handler); slot.is_connected()) {
      slot.assign([weak = weak_from_this(), which](asio::cancellation_type) {
        if (auto const line = weak.lock())
          ((*line).*which).finish(asio::error::operation_aborted, 0);
      });
    }
  }
  void read(asio::mutable_buffer place) {
    place_ = place;
    if (place.size() == 0) return reader.finish({}, 0);  // done at once, as by a socket
    give();
    watch(&timed_line::reader);
  }
  void write(std::string bytes) {
    outgoing_ = std::move(bytes);
    take();
    watch(&timed_line::writer);
  }
  /// From the peer. Nothing is its end.
  void arrive(std::string const& bytes) {
    if (bytes.empty()) has_ended_ = true;
    incoming_ += bytes;
    give();
  }
  void open_window() {
    window = SIZE_MAX;
    take();
  }

  /// As that of beast::tcp_stream: for the operations that start from now on.
  void expires_after(milliseconds time) {
    for (auto* const one : {&reader, &writer}) {
      if (!one->handler) one->expiry = virtual_clock::now() + time;
    }
  }
  void close(error_code why = asio::error::operation_aborted) {
    if (std::exchange(is_closed_, true)) return;
    send({});
    reader.finish(why, 0);
    writer.finish(why, 0);
  }

  operation reader, writer;

private:
  void give() {
    if (!reader.handler) return;
    if (is_closed_) return reader.finish(asio::error::bad_descriptor, 0);
    if (incoming_.empty() && !has_ended_) return;
    std::size_t const n = asio::buffer_copy(place_, asio::buffer(incoming_));
    incoming_.erase(0, n);
    reader.finish(n == 0 ? error_code(asio::error::eof) : error_code(), n);
  }
  void take() {
    if (!writer.handler) return;
    if (is_closed_) return writer.finish(asio::error::bad_descriptor, 0);
    std::size_t const n = std::min(outgoing_.size(), window);
    if (n == 0 && !outgoing_.empty()) return;
    if (window != SIZE_MAX) window -= n;
    send(outgoing_.substr(0, n));
    writer.finish({}, n);
  }
  void send(std::string bytes) {
    times_.after(one_way, [peer = peer_, bytes = std::move(bytes)] { peer(bytes); });
  }
  void watch(operation timed_line::*which) {
    operation& one = this->*which;
    if (!one.handler || !one.expiry) return;
    auto const in = std::max(*one.expiry - virtual_clock::now(), virtual_clock::duration::zero());
    times_.after(std::chrono::duration_cast<milliseconds>(in),
                 [weak = weak_from_this(), which, number = one.number] {
                   auto const line = weak.lock();
                   if (!line || line->is_closed_ || !((*line).*which).handler ||
                       ((*line).*which).number != number)
                     return;
                   line->times_.note("timeout of the next layer");
                   line->close(beast::error::timeout);
                 });
  }

  timetable& times_;
  std::function<void(std::string)> peer_;
  asio::mutable_buffer place_;
  std::string incoming_, outgoing_;
  bool has_ended_ = false, is_closed_ = false;
};

/// The next layer.
class timed_stream {
public:
  using executor_type = asio::any_io_executor;
  using lowest_layer_type = timed_stream;

  timed_stream(executor_type executor, std::shared_ptr<timed_line> line)
      : executor_(std::move(executor)), line_(std::move(line)) {}

  executor_type get_executor() const { return executor_; }
  lowest_layer_type& lowest_layer() { return *this; }
  lowest_layer_type const& lowest_layer() const { return *this; }
  void close(error_code& ec) {
    ec = {};
    line_->close();
  }

  template <class Buffers, class Token>
  auto async_read_some(Buffers const& into, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, asio::mutable_buffer place) {
          line_->start(&timed_line::reader, executor_, std::move(handler));
          line_->read(place);
        },
        token, asio::mutable_buffer(*asio::buffer_sequence_begin(into)));
  }
  template <class Buffers, class Token>
  auto async_write_some(Buffers const& from, Token&& token) {
    std::string bytes(asio::buffer_size(from), '\0');
    asio::buffer_copy(asio::buffer(bytes), from);
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, std::string sent) {
          line_->start(&timed_line::writer, executor_, std::move(handler));
          line_->write(std::move(sent));
        },
        token, std::move(bytes));
  }

private:
  executor_type executor_;
  std::shared_ptr<timed_line> line_;
};

/// At the far end: notes each record, close_notify and end, and answers at once.
class timed_peer {
public:
  explicit timed_peer(timetable& times)
      : times_(times), tls_(make_context(role::server).get(), role::server, {1 << 20, 1 << 21}) {}

  std::weak_ptr<timed_line> line;
  bool answers_close_notify = true;

  void say(std::string_view plaintext) {
    (void)tls_.write(plaintext);
    send();
  }
  void close_notify() {
    (void)tls_.shutdown();
    send();
  }
  void end() { send_bytes({}); }

  void receive(std::string const& bytes) {
    if (bytes.empty()) return times_.note("peer: end");
    tls_.give(bytes);
    if (!is_shaken_) {
      (void)tls_.handshake();
      is_shaken_ = SSL_is_init_finished(tls_.ssl()) == 1;
      if (is_shaken_) times_.note("peer: handshake");
    }
    if (is_shaken_) open();
    send();
  }

private:
  void open() {
    for (;;) {
      std::string plaintext;
      auto const result = tls_.read(plaintext);
      if (result) {
        times_.note("peer: " + (plaintext.size() < 20 ? "'" + plaintext + "'"
                                                      : std::to_string(plaintext.size())));
      } else if (result.error == SSL_ERROR_ZERO_RETURN) {
        if (!std::exchange(has_seen_close_notify_, true)) {
          times_.note("peer: close_notify");
          if (answers_close_notify) (void)tls_.shutdown();
        }
        return;
      } else if (result.error != SSL_ERROR_WANT_READ) {
        return times_.note("peer: no TLS");
      } else {
        return;
      }
    }
  }
  void send() {
    if (auto bytes = tls_.take(); !bytes.empty()) send_bytes(std::move(bytes));
  }
  void send_bytes(std::string bytes) {
    times_.after(one_way, [to = line, bytes = std::move(bytes)] {
      if (auto const open = to.lock()) open->arrive(bytes);
    });
  }

  timetable& times_;
  raw_session tls_;
  bool is_shaken_ = false, has_seen_close_notify_ = false;
};

/// A client of the kind that is compared. Each verb notes how it ends.
template <class Stream>
class timed_client : public timetable {
public:
  using next = std::function<void(error_code)>;

  timed_client() { peer.line = line; }

  void handshake(next then = {}) {
    stream.async_handshake(ssl::stream_base::client, noting("handshake", handshake_cancel, then));
  }
  void read(next then = {}) {
    stream.async_read_some(asio::buffer(place_), noting("read", read_cancel, then));
  }
  void write(std::string bytes, next then = {}) {
    sent_.push_back(std::move(bytes));
    asio::async_write(stream, asio::buffer(sent_.back()), noting("write", write_cancel, then));
  }
  void shutdown(next then = {}) {
    stream.async_shutdown(noting("shutdown", shutdown_cancel, then));
  }
  void close() {
    error_code ignored;
    stream.lowest_layer().close(ignored);
  }
  static void cancel(asio::cancellation_signal& verb) {
    verb.emit(asio::cancellation_type::terminal);
  }

  asio::cancellation_signal handshake_cancel, read_cancel, write_cancel, shutdown_cancel;
  timed_peer peer{*this};
  std::shared_ptr<timed_line> line = std::make_shared<timed_line>(
      *this, [this](std::string const& bytes) { peer.receive(bytes); });

private:
  auto noting(std::string verb, asio::cancellation_signal& cancel, next then) {
    return asio::bind_cancellation_slot(
        cancel.slot(),
        [this, verb = std::move(verb), then = std::move(then)](error_code ec, std::size_t n = 0) {
          bool const has_read = verb == "read" && !ec;
          note(verb + ": " +
               (has_read ? "'" + std::string(place_.data(), n) + "'"
                : ec     ? ec.message()
                         : "done"));
          if (then) then(ec);
        });
  }

  contexts with_;
  std::array<char, 100> place_{};
  std::list<std::string> sent_;

public:
  Stream stream{timed_stream(io.get_executor(), line), with_.client};
};

}  // namespace tls_async::test
