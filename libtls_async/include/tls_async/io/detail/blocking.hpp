// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The blocking forms: the same session, whose actions are performed by the next layer's own
// blocking calls. A next layer in non-blocking mode ends them with would_block; what was sealed
// stays in the ring, and the next verb goes on with it.
#pragma once

#include <tls_async/gates/session.hpp>
#include <tls_async/io/detail/buffer_cursor.hpp>
#include <tls_async/io/detail/stream_state.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace tls_async::detail {

/// A verb on the stack of the thread that waits for it.
template <class Base>
class waited_verb final : public Base {
public:
  template <class... Args>
  explicit waited_verb(Args&&... args) : Base(std::forward<Args>(args)...) {
    this->blocks = this->on_io_executor = true;
  }
  bool complete(hop) override { return true; }
  void abandon() noexcept override {}
};

/// Starts `v` and performs what the session asks for until it is done. No other verb may be in
/// progress; one that is started meanwhile, from another thread, goes on behind this one.
template <class State>
class blocking_call {
public:
  explicit blocking_call(State& state) : state_(state), inside_(state.lock()) {}
  blocking_call(blocking_call const&) = delete;
  blocking_call& operator=(blocking_call const&) = delete;

  template <class Verb>
  void operator()(Verb& v) {
    session& s = state_.session();
    s.start(v);
    try {
      while (v.state() != verb_state::done)
        step(v);
      if (std::exchange(wants_fill_, false)) s.nothing_came();
      while (flush_rest()) {
      }
    } catch (...) {  // by the next layer: nothing may be left of a verb that is on the stack
      if (!inside_.owns_lock()) inside_.lock();
      if (is_flushing_) s.stop_flush(0);
      if (is_filling_ || wants_fill_) s.nothing_came();
      s.cancel(v, false, boost::asio::error::operation_aborted);
      s.take_done(v);
      throw;
    }
    s.take_done(v);
    state_.perform(inside_);
    state_.tell_news(inside_);
    state_.hand_over(inside_);
  }

private:
  void step(verb& v) {
    session& s = state_.session();
    state_.prepare_descriptor();
    auto const wanted = s.turn(state_.waiter());
    if (wanted.locate != nullptr) return state_.locate(*wanted.locate, inside_);
    // What is outstanding of other threads' verbs.
    (void)state_.begin_all({.let_go = wanted.let_go,
                            .ask = wanted.ask,
                            .drop_question = wanted.drop_question,
                            .timer = wanted.timer});
    if (wanted.look_again) s.go_on();
    wants_fill_ = wants_fill_ || wanted.fill != fill_way::none;
    // All that there is to be sent goes before anything is waited for. What the peer does not take
    // may have to wait until we have read.
    bool goes_on = true;
    if (wanted.flush) {
      goes_on = flush() || (std::exchange(wants_fill_, false) && fill());
    } else if (wanted.wait_writable) {
      goes_on = wait_writable() || (std::exchange(wants_fill_, false) && fill());
    } else if (std::exchange(wants_fill_, false)) {
      goes_on = fill();
    } else if (v.state() != verb_state::done && !wanted.look_again) {
      // What it waits for is done by the verb of another thread, or once the peer takes something.
      return s.cancel(v, false,
                      is_blocked_ ? error_code(boost::asio::error::would_block)
                                  : make_error_code(errc::operation_in_progress));
    }
    if (!goes_on) s.cancel(v, false, boost::asio::error::would_block);
  }
  /// What the verb has left to be sent, an answer to the peer for instance. True if there may be
  /// more.
  bool flush_rest() {
    auto wanted = state_.session().turn(state_.waiter());
    if (wanted.locate != nullptr) return state_.locate(*wanted.locate, inside_), true;
    // With a verb of another thread it goes on as that does.
    bool const flushes = wanted.flush && !state_.session().has_verbs();
    if (flushes) wanted.flush = false;
    (void)state_.begin_all(wanted);
    return flushes && flush();
  }

  // Each answers false if the next layer would have had to wait, and does not.

  bool flush() {
    auto const ciphertext = state_.engine().ring().readable();
    error_code ec;
    is_flushing_ = true;
    inside_.unlock();
    std::size_t const n = state_.next_layer().write_some(
        boost::asio::const_buffer(ciphertext.data(), ciphertext.size()), ec);
    inside_.lock();
    is_flushing_ = false;
    is_blocked_ = ec == boost::asio::error::would_block;
    if (is_blocked_) {
      state_.session().stop_flush(n);
    } else {
      state_.session().flushed(ec, n);
    }
    return !is_blocked_;
  }
  bool fill() {
    // What has happened is told before it may have to wait; the stream may be gone then.
    state_.tell_news(inside_);
    if (state_.session().is_closed()) return state_.session().nothing_came(), true;
    if (state_.engine().path().receives_directly()) {
      error_code const ec = wait(boost::asio::socket_base::wait_read);
      if (ec == boost::asio::error::would_block) return state_.session().nothing_came(), false;
      return state_.session().has_input(ec), true;
    }
    auto const room = state_.session().fill_room();
    if (room.empty()) {
      state_.session().filled(make_error_code(boost::system::errc::not_enough_memory), 0);
      return true;
    }
    error_code ec;
    is_filling_ = true;
    inside_.unlock();
    std::size_t const n =
        state_.next_layer().read_some(boost::asio::mutable_buffer(room.data(), room.size()), ec);
    inside_.lock();
    is_filling_ = false;
    if (ec == boost::asio::error::would_block) return state_.session().nothing_came(), false;
    return state_.session().filled(ec, n), true;
  }
  bool wait_writable() {
    error_code const ec = wait(boost::asio::socket_base::wait_write);
    is_blocked_ = ec == boost::asio::error::would_block;
    if (is_blocked_) {
      state_.session().stop_flush(0);
    } else {
      state_.session().writable(ec);
    }
    return !is_blocked_;
  }
  /// Until the descriptor of kernel TLS has input, or room.
  error_code wait([[maybe_unused]] boost::asio::socket_base::wait_type what) {
    error_code ec;
    auto& next_layer = state_.next_layer();
    if constexpr (requires { next_layer.wait(what, ec); }) {
      if (next_layer.non_blocking()) return boost::asio::error::would_block;
      inside_.unlock();
      next_layer.wait(what, ec);
      inside_.lock();
    }
    return ec;
  }

  State& state_;
  std::shared_ptr<State> const alive_ = state_.shared_from_this();  // a callable may destroy it
  stream_lock inside_;
  bool wants_fill_ = false;
  bool is_flushing_ = false;  // by us, and not by another thread's verb
  bool is_blocked_ = false;   // the last time
  bool is_filling_ = false;
};

template <class State>
error_code blocking_control(State& state, verb_kind kind) {
  waited_verb<control_verb> control(kind);
  blocking_call<State> call(state);
  call(control);
  return control.result;
}

template <class State, class Buffers>
std::size_t blocking_read(State& state, Buffers const& buffers, error_code& ec) {
  waited_verb<buffers_read<Buffers>> read(buffers);
  if (read.place().empty()) return 0;
  blocking_call<State> call(state);
  call(read);
  ec = read.result;
  return read.bytes;
}

template <class State, class Buffers>
std::size_t blocking_write(State& state, Buffers const& buffers, error_code& ec) {
  waited_verb<buffers_write<Buffers>> write(true, buffers);
  blocking_call<State> call(state);
  call(write);
  // Sealed is sent: bytes may not be sealed twice.
  bool const has_sent = write.result == boost::asio::error::would_block && write.bytes != 0;
  ec = has_sent ? error_code() : write.result;
  return write.bytes;
}

}  // namespace tls_async::detail
