// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One side of a life: handshake, several writers at once, key updates, half-close, shutdown. Stops
// at its first error, and closes its connection. Keeps a record of every verb.
#pragma once

#include <tls_async/tls_async.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "party_record.hpp"

namespace tls_async::test::torture {

template <class Stream>
class party : public party_record {
public:
  party(Stream&& made, party_plan const& plan)
      : party_record(plan), stream(std::make_unique<Stream>(std::move(made))) {}

  void start() {
    launch(
        "handshake",
        [this](auto token) {
          limited([&](auto... limit) {
            if (plan_.is_client) {
              tls_handshake(*stream, as_client{"localhost"}, limit..., token);
            } else {
              tls_handshake(*stream, as_server{}, limit..., token);
            }
          });
        },
        &party::shaken);
    if (plan_.is_client) read();  // waits for the handshake
  }

  void destroy() {
    armed const scope(plan_.is_tortured);
    trap::doing = " while a stream is destroyed";
    stream.reset();
    trap::doing = "";
  }

  std::unique_ptr<Stream> stream;

private:
  using then = void (party::*)(verb&);

  struct handler {
    party* self;
    verb* of;
    then next;

    void operator()(error_code ec, std::size_t n = 0) const {
      disarmed const scope;
      if (auto const errors = left_errors(); !errors.empty())
        self->complain("a handler found in OpenSSL's queue " + errors);
      ++of->runs;
      of->ec = ec;
      of->bytes = n;
      (self->*next)(*of);
    }
  };

  template <class Start>
  void limited(Start begin) {
    if (plan_.has_deadlines) {
      begin(std::chrono::seconds(5));
    } else {
      begin();
    }
  }

  template <class Start>
  void launch(char const* name, Start begin, then next, std::size_t size = SIZE_MAX) {
    if (stopped_ || !stream) return;
    verb& v = verbs_.emplace_back(verb{name, size != SIZE_MAX, size});
    try {
      armed const scope(plan_.is_tortured);
      begin(handler{this, &v, next});
    } catch (std::bad_alloc const&) {
      v.threw = true;
      fail();
    } catch (std::exception const&) {
      v.threw = true;
      fail();
      complain("the start of a verb threw something else than bad_alloc");
    }
    if (auto const errors = left_errors(); !errors.empty())
      complain("the start of a verb left in OpenSSL's queue " + errors);
  }

  void shaken(verb& v) {
    if (v.ec) return fail();
    is_shaken_ = true;
    if (!plan_.is_client) read();
    write_first();
    go_on();
  }

  void write_first() {
    auto const write = [this](char const* name, std::size_t i, auto&& buffers) {
      ++writing_;
      launch(
          name,
          [&](auto token) {
            limited([&](auto... limit) {
              tls_write(*stream, std::forward<decltype(buffers)>(buffers), limit..., token);
            });
          },
          &party::written, first_[i].size());
    };
    using boost::asio::buffer;
    write("a write of a buffer", 0, buffer(first_[0]));
    write("a write of an owned string", 1, std::string(first_[1]));
    auto const locate = [this] { return buffer(first_[2]); };
    write("a write of a relocatable buffer", 2, locate);
    write("a write of a shared string", 3, std::make_shared<std::string const>(first_[3]));
    std::array<boost::asio::const_buffer, 2> const pieces{buffer(first_[4], 5),
                                                          buffer(first_[4]) + 5};
    write("a write of two buffers", 4, pieces);
    if (plan_.breaks_off) return destroy();
    if (plan_.leaves_bytes && !stopped_) leave_bytes();
    if (plan_.updates_keys && plan_.is_client) {
      ++writing_;
      launch(
          "a key update",
          [this](auto token) {
            limited(
                [&](auto... limit) { tls_key_update(*stream, new_keys::both, limit..., token); });
          },
          &party::written);
    }
    if (plan_.is_client) write_second();
  }

  void leave_bytes() {
    try {
      armed const scope(plan_.is_tortured);
      if (tls_try_write(*stream, boost::asio::buffer(first_[5]))) fail();
    } catch (std::bad_alloc const&) {
      fail();
    }
  }

  void write_second() {
    has_written_second_ = true;
    ++writing_;
    launch(
        "a last write",
        [this](auto token) { tls_write(*stream, boost::asio::buffer(second_), token); },
        &party::written, second_.size());
  }

  void written(verb& v) {
    --writing_;
    if (v.ec) return fail();
    go_on();
  }

  void read() {
    launch(
        "a read",
        [this](auto token) {
          limited([&](auto... limit) {
            tls_read_some(*stream, boost::asio::buffer(place_), limit..., token);
          });
        },
        &party::have_read);
  }

  void have_read(verb& v) {
    if (v.ec && v.bytes != 0) complain("a read that failed has consumed something");
    received_.append(place_.data(), v.bytes);
    saw_end_ = v.ec == boost::asio::error::eof;
    if (v.ec && !saw_end_) return fail();
    if (saw_end_ && received_ != expected_) return fail();
    if (!saw_end_) read();
    go_on();
  }

  // The client says its last word, the server answers to it, and then they close: the client both
  // ways at once, when it has all, the server one after the other, when it has seen the end.
  void go_on() {
    if (stopped_ || !is_shaken_) return;
    bool const has_all = received_ == expected_;
    if (!plan_.is_client && has_all && !has_written_second_) write_second();
    if (writing_ != 0 || !has_written_second_ || closing_) return;
    if (plan_.is_client && has_all) {
      closing_ = true;
      launch(
          "a shutdown",
          [this](auto token) {
            limited([&](auto... limit) { tls_shutdown(*stream, limit..., token); });
          },
          &party::shut_down);
    } else if (!plan_.is_client && saw_end_) {
      closing_ = true;
      launch(
          "a half-close",
          [this](auto token) {
            limited([&](auto... limit) { tls_close_write(*stream, limit..., token); });
          },
          &party::half_closed);
    }
  }

  void half_closed(verb& v) {
    if (v.ec) return fail();
    launch(
        "a shutdown", [this](auto token) { tls_shutdown(*stream, token); }, &party::shut_down);
  }
  void shut_down(verb& v) {
    if (v.ec) return fail();
    is_done_ = true;
  }

  void fail() {
    has_error_ = true;
    if (std::exchange(stopped_, true) || !stream) return;
    error_code ignored;
    if constexpr (requires { stream->next_layer().close(ignored); }) {
      stream->next_layer().close(ignored);
    } else {
      stream->next_layer().close();
    }
  }

  std::array<char, 9'000> place_{};
  int writing_ = 0;
  bool is_shaken_ = false, has_written_second_ = false, saw_end_ = false, closing_ = false;
  bool stopped_ = false;
};

}  // namespace tls_async::test::torture
