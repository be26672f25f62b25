// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The blocking forms: the same engine, with the next layer's own blocking calls in place of the
// gates. A next layer in non-blocking mode ends them with would_block; what was sealed stays in the
// ring and is flushed by the next call.
#pragma once

#include <tls_async/error.hpp>
#include <tls_async/io/detail/buffer_cursor.hpp>
#include <tls_async/io/detail/stream_core.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace tls_async::detail {

template <class NextLayer>
error_code blocking_flush(stream_core& core, NextLayer& next_layer) {
  ring& ring = core.engine().ring();
  for (auto ciphertext = ring.readable(); !ciphertext.empty(); ciphertext = ring.readable()) {
    error_code ec;
    std::size_t const n =
        next_layer.write_some(boost::asio::const_buffer(ciphertext.data(), ciphertext.size()), ec);
    ring.consume(n);
    if (ec == boost::asio::error::would_block) return ec;
    if (ec || n == 0)
      return core.end_of_output(ec ? ec : error_code(boost::asio::error::broken_pipe));
  }
  return {};
}

/// Until the descriptor of kernel TLS has input, or room.
template <class NextLayer>
error_code blocking_wait([[maybe_unused]] NextLayer& next_layer,
                         [[maybe_unused]] boost::asio::socket_base::wait_type what) {
  error_code ec;
  if constexpr (requires { next_layer.wait(what, ec); }) {
    if (next_layer.non_blocking()) return boost::asio::error::would_block;
    next_layer.wait(what, ec);
  }
  return ec;
}

template <class NextLayer>
error_code blocking_fill(stream_core& core, NextLayer& next_layer) {
  using boost::asio::socket_base;
  if (core.engine().receives_directly()) return blocking_wait(next_layer, socket_base::wait_read);
  ring& ring = core.engine().ring();
  auto const room = ring.writable();
  if (room.empty()) return make_error_code(boost::system::errc::not_enough_memory);
  error_code ec;
  std::size_t const n =
      next_layer.read_some(boost::asio::mutable_buffer(room.data(), room.size()), ec);
  ring.commit(n);
  core.limit_key_updates();
  if (ec == boost::asio::error::would_block) return ec;
  if (ec || n == 0) return core.end_of_input(ec ? ec : error_code(boost::asio::error::eof));
  return {};
}

/// Repeats `call`, an engine call, with a flush after each and a fill where it wants one. The last
/// step is left in `done`. The peer's close_notify, which only `open` answers, is eof.
template <class NextLayer, class Call>
error_code blocking_drive(stream_core& core, NextLayer& next_layer, step& done, Call call) {
  for (;;) {
    done = call();
    error_code const flushed = blocking_flush(core, next_layer);
    if (done.next == want::failed) return core.failure_code();
    if (flushed) return flushed;
    if (done.next == want::closed) return core.rest(), boost::asio::error::eof;
    if (done.next == want::nothing) return core.rest(), error_code();
    if (done.next == want::fill) {
      if (error_code const ec = blocking_fill(core, next_layer)) return ec;
    } else if (core.engine().sends_directly()) {
      using boost::asio::socket_base;
      if (error_code const ec = blocking_wait(next_layer, socket_base::wait_write)) return ec;
    }
  }
}

template <class NextLayer>
error_code blocking_handshake(stream_core& core, NextLayer& next_layer) {
  step done;
  return blocking_drive(core, next_layer, done, [&] { return core.negotiate(); });
}

template <class NextLayer, class Buffers>
std::size_t blocking_read(stream_core& core, NextLayer& next_layer, Buffers const& buffers,
                          error_code& ec) {
  buffer_cursor<boost::asio::mutable_buffer, Buffers> cursor(buffers);
  if (cursor.piece().empty()) return 0;
  if (!core.engine().has_role()) return ec = errc::no_role, 0;
  if (ec = blocking_handshake(core, next_layer); ec) return 0;
  step done;
  ec = blocking_drive(core, next_layer, done, [&] { return core.engine().open(cursor.piece()); });
  if (ec) return 0;
  // The first record is there; more are taken as long as none has to be waited for.
  std::size_t total = 0;
  while (done.next == want::nothing) {
    total += done.bytes;
    cursor.advance(done.bytes);
    if (cursor.piece().empty()) break;
    done = core.engine().open(cursor.piece());
  }
  (void)blocking_flush(core, next_layer);  // replies to KeyUpdates; its error is the next call's
  return total;
}

template <class NextLayer, class Buffers>
std::size_t blocking_write(stream_core& core, NextLayer& next_layer, Buffers const& buffers,
                           error_code& ec) {
  buffer_cursor<boost::asio::const_buffer, Buffers> cursor(buffers);
  if (cursor.piece().empty()) return 0;
  engine& session = core.engine();
  if (!session.has_role()) return ec = errc::no_role, 0;
  if (ec = blocking_handshake(core, next_layer); ec) return 0;
  if (session.close_notify_sent()) return ec = errc::closed_for_writing, 0;
  step done;
  ec = blocking_drive(core, next_layer, done, [&] { return session.finish_record(); });
  std::size_t total = 0;
  while (!ec && !cursor.piece().empty()) {
    if (session.wants_new_keys()) {
      ec = blocking_drive(core, next_layer, done, [&] { return session.key_update(false); });
      if (ec) break;
    }
    step sealed;
    while (sealed.next == want::nothing && !cursor.piece().empty() && session.can_seal() &&
           !session.wants_new_keys()) {
      auto const piece = cursor.piece();
      sealed = session.seal(piece.first(std::min(piece.size(), core.record_limit())));
      total += sealed.bytes;
      cursor.advance(sealed.bytes);
    }
    ec = blocking_drive(core, next_layer, done, [&] {
      return session.record_pending() ? session.finish_record() : std::exchange(sealed, step{});
    });
    if (total != 0 && has(core.modes(), mode::enable_partial_write)) break;
  }
  // Sealed is sent: the ring keeps what the next layer did not take, and bytes may not be sealed
  // twice.
  if (ec == boost::asio::error::would_block && total != 0) ec = {};
  return total;
}

template <class NextLayer>
error_code blocking_shutdown(stream_core& core, NextLayer& next_layer) {
  engine& session = core.engine();
  if (session.failure()) return core.failure_code();
  if (!session.handshake_done()) return errc::handshake_not_done;
  step done;
  error_code ec = blocking_drive(core, next_layer, done, [&] { return session.finish_record(); });
  if (!ec) ec = blocking_drive(core, next_layer, done, [&] { return session.close_notify(); });
  if (ec) return ec;
  static thread_local std::array<std::byte, max_record_plaintext> discarded;
  while (!ec)
    ec = blocking_drive(core, next_layer, done, [&] { return session.open(discarded); });
  return done.next == want::closed ? error_code() : ec;
}

}  // namespace tls_async::detail
