// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "judged_engine.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <tls_async_test/tls_pair.hpp>
#include "contexts.hpp"
#include "script.hpp"

namespace tls_async::test {
namespace {

constexpr std::size_t most_plaintext = 600'000;  // that one run is worth

}  // namespace

judged_engine::judged_engine(SSL_CTX* context, stream_options const& options,
                             std::size_t numbered_from)
    : engine_(context, options), numbered_from_(numbered_from) {}

// For a call.
engine& judged_engine::prepared() {
  ERR_clear_error();
  if (meets_errors_) leave_error();
  return engine_;
}

step judged_engine::judge(step given, bool may_close) {
  // Of ours, if there was nothing to ask OpenSSL for.
  auto const left = ERR_get_error();
  must(left == 0 || (meets_errors_ && ERR_GET_LIB(left) == ERR_LIB_USER && ERR_peek_error() == 0),
       "an error was left in the queue");
  judge_ring();
  bool const failed = given.next == want::failed;
  must(failed == has_failed(), "the answer and the failure differ");
  if (failure_) {
    must(engine_.failure().openssl == failure_.openssl && engine_.failure().own == failure_.own,
         "the failure has changed");
  }
  if (failed) {
    failure_ = engine_.failure();
    must(failure_.openssl != 0 || failure_.own.failed(), "a failure without a code");
    must(!engine_.error_info().text().empty(), "a failure that nobody explains");
    must(engine_.error_info().text().size() < 20'000, "a story without a bound");
  }
  must(given.next != want::closed || may_close, "an end that only open may tell");
  must(given.next != want::open || !may_close, "open asks for itself");
  // New keys that the peer has asked for wait for a record or a close_notify that waits for us.
  bool const owes_keys = may_close && SSL_get_key_update_type(ssl()) != SSL_KEY_UPDATE_NONE &&
                         (engine_.record_pending() || unfinished_ == unfinished::close_notify);
  must(given.next != want::flush || engine_.ring().output_bytes() != 0 || owes_keys,
       "it wants a flush of nothing");
  must(given.next != want::fill || engine_.ring().input_bytes() == 0,
       "it wants a fill beside unread input");
  must(!engine_.handshake_done() || SSL_get_verify_result(ssl()) == X509_V_OK ||
           (SSL_get_verify_mode(ssl()) & SSL_VERIFY_PEER) == 0,
       "a handshake that is done without verification");
  return given;
}

void judged_engine::judge_ring() {
  auto const& ring = engine_.ring();
  std::size_t const output = engine_.options().ring_records * record_room;
  must(ring.size() == 3 * output, "another size of the ring");
  must(ring.output_bytes() + ring.output_room() <= output, "more output than the ring has room");
  must(ring.input_bytes() + ring.input_room() <= 2 * output, "more input than the ring has room");
  must(ring.rest_of_record() == follower_.rest(), "another rest of the record");
  must(ring.expects_more_than(100) == follower_.expects_more_than(100),
       "another record is expected");
}

want judged_engine::handshake() {
  bool const was_done = engine_.handshake_done();
  auto const given = judge(prepared().handshake()).next;
  must((given == want::nothing) == (engine_.handshake_done() && !has_failed()),
       "a handshake that is done and is not");
  if (!was_done && given == want::nothing)
    must(SSL_is_init_finished(ssl()) != 0, "OpenSSL is still in the handshake");
  return given;
}

want judged_engine::seal(std::size_t size) {
  // What has begun comes first, and close_notify last.
  if (auto const before = go_on(); before != want::nothing) return before;
  if (engine_.close_notify_sent() || size == 0) return want::nothing;
  if (sealed_.size() + size > most_plaintext) return want::nothing;
  bool const has_room = engine_.can_seal() && !engine_.in_handshake();
  auto const plaintext = numbered_plaintext(size, numbered_from_ + sealed_.size());
  auto const given = judge(prepared().seal(std::as_bytes(std::span(plaintext))));
  must(given.bytes <= std::min(size, max_record_plaintext), "more was sealed than there was");
  must(given.next != want::nothing || given.bytes != 0, "nothing was sealed");
  must(given.bytes == 0 || given.next == want::nothing || given.next == want::flush,
       "it took what it can't seal");
  must(!has_room || given.next == want::nothing || given.next == want::failed,
       "no room for a record where there was room");
  must(engine_.record_pending() == (given.next == want::flush && given.bytes != 0),
       "a record is pending, or is not");
  sealed_.append(plaintext, 0, given.bytes);
  return given.next;
}

want judged_engine::open(std::size_t size) {
  if (size == 0) return want::nothing;
  std::string place(size, '\0');
  auto const given = judge(prepared().open(std::as_writable_bytes(std::span(place))), true);
  must(given.bytes <= size, "more was opened than there is place for");
  must((given.next == want::nothing) == (given.bytes != 0), "plaintext, or another answer");
  must(!closed_ || given.next == want::closed || given.next == want::failed,
       "the session goes on behind its end");
  closed_ = closed_ || given.next == want::closed;
  must(!closed_ || engine_.close_notify_received(), "an end without close_notify");
  opened_.append(place, 0, given.bytes);
  return given.next;
}

want judged_engine::key_update(bool ask) {
  if (auto const before = go_on(); before != want::nothing) return before;
  if (!engine_.handshake_done() || !engine_.supports_key_update() || engine_.close_notify_sent())
    return want::nothing;
  unfinished_ = unfinished::key_update;
  asks_ = ask;
  return go_on();
}

want judged_engine::close_notify() {
  if (auto const before = go_on(); before != want::nothing) return before;
  if (!engine_.handshake_done()) return want::nothing;
  unfinished_ = unfinished::close_notify;
  return go_on();
}

want judged_engine::go_on() {
  if (!engine_.handshake_done()) return handshake();
  if (engine_.record_pending()) {
    auto const given = judge(prepared().finish_record()).next;
    must(given != want::nothing || !engine_.record_pending(), "a record is done and is pending");
    if (given != want::nothing) return given;
  }
  auto given = want::nothing;
  if (unfinished_ == unfinished::key_update) given = judge(prepared().key_update(asks_)).next;
  if (unfinished_ == unfinished::close_notify) {
    given = judge(prepared().close_notify()).next;
    must(given != want::nothing || engine_.close_notify_sent(), "closed without close_notify");
  }
  if (given == want::nothing || given == want::failed) unfinished_ = unfinished::nothing;
  return given;
}

want judged_engine::open_all() {
  auto given = want::nothing;
  while (given == want::nothing)
    given = open(max_record_plaintext);
  return given;
}

void judged_engine::rest(bool buffers) {
  engine_.go_idle(buffers);
  must(ERR_peek_error() == 0, "an error was left in the queue by a rest");
  judge_ring();
}

std::string judged_engine::flush(std::size_t most) {
  std::string ciphertext;
  auto& ring = engine_.ring();
  for (auto piece = ring.readable(); !piece.empty() && ciphertext.size() < most;
       piece = ring.readable()) {
    std::size_t const n = std::min(piece.size(), most - ciphertext.size());
    ciphertext.append(reinterpret_cast<char const*>(piece.data()), n);
    std::size_t const before = ring.output_bytes();
    ring.consume(n);
    must(ring.output_bytes() + n == before, "it consumes what it is not told to");
  }
  judge_ring();
  return ciphertext;
}

std::size_t judged_engine::fill(std::string_view ciphertext, way how) {
  auto& ring = engine_.ring();
  std::size_t n = 0;
  if (how == way::take) {
    n = std::min(ciphertext.size(), ring.input_room());
    auto const landed = ciphertext.substr(0, n);
    must(ring.take(std::as_bytes(std::span(landed))), "no room where there was room");
  } else {
    bool const begins = how == way::begin_fill;
    auto const room = begins ? ring.begin_fill() : ring.writable();
    must(!room.empty() || ring.input_bytes() != 0, "no place to fill");
    n = std::min(ciphertext.size(), room.size());
    if (begins && !room.empty()) {
      engine_.go_idle(true);
      must(ring.is_attached() && ring.is_filling(), "the ring has gone that is being filled");
    }
    if (n != 0) std::memcpy(room.data(), ciphertext.data(), n);
    if (begins && !room.empty()) {
      ring.end_fill(n);
    } else if (n != 0) {
      ring.commit(n);
    }
  }
  follower_.follow(ciphertext.substr(0, n));
  judge_ring();
  return n;
}

}  // namespace tls_async::test
