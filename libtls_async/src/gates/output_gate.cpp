// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// The way out, from top to bottom: queue, what OpenSSL has begun, sealing, leaving, flushed. Longer
// than other files, since each step counts what the next one takes.
#include <tls_async/gates/output_gate.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <utility>

namespace tls_async::detail {

void output_gate::add(verb& v) {
  v.enter(verb_state::queued);
  queue_.push_back(v);
  count(v, 1);
  auto& largest = parts_.engine.stats().largest_queue;
  largest = std::max<std::uint64_t>(largest, queued_writes_);
}

void output_gate::remove(verb& v) noexcept {
  if (v.state() != verb_state::leaving) count(v, -1);
  v.unlink();
}

void output_gate::count(verb const& v, int change) noexcept {
  if (v.kind == verb_kind::write) {
    queued_writes_ += static_cast<std::uint32_t>(change);
    if (!static_cast<write_verb const&>(v).is_last) return;
  }
  if (v.kind != verb_kind::key_update) queued_closes_ += static_cast<std::uint32_t>(change);
}

bool output_gate::has_shutdown() const noexcept {
  auto const is_shutdown = [](verb const& each) { return each.kind == verb_kind::shutdown; };
  return std::ranges::any_of(queue_, is_shutdown) || std::ranges::any_of(leaving_, is_shutdown);
}

// While a control verb that OpenSSL has begun stands first, it goes on by itself.
bool output_gate::is_begun_by_nobody() const noexcept {
  if (begun_ == begun::nothing) return false;
  return queue_.empty() || queue_.front().kind == verb_kind::write ||
         queue_.front().state() != verb_state::under_way;
}

want output_gate::finish_begun() {
  if (parts_.engine.record_pending()) {
    step const rest = parts_.engine.finish_record();
    if (rest.next != want::nothing) return rest.next;
    for (verb& each : leaving_) {
      if (each.ciphertext_end == not_in_ring_yet) each.ciphertext_end = sealed_end();
    }
    if (parts_.engine.path().sends_directly()) {
      last_progress_ = parts_.now();
      complete_flushed();
    }
  }
  if (!is_begun_by_nobody()) return want::nothing;
  step const rest =
      begun_ == begun::key_update ? parts_.engine.key_update(false) : parts_.engine.close_notify();
  if (rest.next == want::nothing) begun_ = begun::nothing;
  return rest.next;
}

want output_gate::seal(bool partially, control_verb*& closing) {
  while (!queue_.empty()) {
    if (sent_this_turn_ >= most_sent_a_turn) {
      wants_writable_ = true;  // the descriptor might take all there is: others come to their turn
      break;
    }
    verb& first = queue_.front();
    if (!has_plaintext(first)) {
      want const next = seal_control(first, closing);
      if (next != want::nothing) return next;
      continue;
    }
    if (first.is_locating) break;
    if (parts_.engine.close_notify_sent()) {
      remove(first);
      parts_.done.finish(first, errc::closed_for_writing);
      continue;
    }
    if (parts_.engine.wants_new_keys()) {
      step const renewed = parts_.engine.key_update(false);
      if (renewed.next != want::nothing) return renewed.next;
      continue;
    }
    bool has_sealed = false;
    want const next = seal_front(has_sealed);
    if (next != want::nothing) return next;
    if (!has_sealed) break;
  }
  // write_some has done its part with the first batch.
  if (!partially || queue_.empty() || queue_.front().kind != verb_kind::write) return want::nothing;
  auto& write = static_cast<write_verb&>(queue_.front());
  if (!write.some || write.bytes == 0) return want::nothing;
  remove(write);
  leave(write, write.result, parts_.engine.record_pending() ? not_in_ring_yet : sealed_end());
  return want::nothing;
}

want output_gate::seal_front(bool& has_sealed) {
  if (!parts_.engine.can_seal()) return want::nothing;
  auto& first = static_cast<write_verb&>(queue_.front());
  if (!is_located(first)) return want::nothing;
  if (parts_.engine.path().kernel_seals() && first.file() != nullptr) {
    want const next = send_file(first, has_sealed);
    if (next != want::nothing || has_sealed) return next;
  }
  has_sealed = true;
  return seal_writes();
}

// Seals what makes one record at the front of the queue, or several where records are shorter than
// asked for. The scratch is on the stack: no code of the program runs while it is in use, and what
// OpenSSL can't finish at once, the engine keeps.
want output_gate::seal_writes() {
  std::array<std::byte, max_record_plaintext> scratch;
  auto const limit =
      sizer_.limit(parts_.options, parts_.engine.stats().plaintext_sealed, parts_.world.now);
  auto rest = gather(std::span(scratch).first(limit));
  if (rest.empty()) return take_sealed(0, sealed_end()), want::nothing;
  step sealed_step;
  do {
    std::uint64_t const begin = sealed_end();
    sealed_step = parts_.engine.seal(rest);
    rest = rest.subspan(sealed_step.bytes);
    if (sealed_step.bytes == 0) break;
    if (parts_.engine.path().sends_directly()) sent_directly(sealed_step.bytes);
    take_sealed(sealed_step.bytes, begin);
  } while (sealed_step.next == want::nothing && !rest.empty() && parts_.engine.can_seal() &&
           !parts_.engine.wants_new_keys());
  return sealed_step.next;
}

// What the next record is made of; nothing of it is taken yet. Small pieces share a record, with
// their neighbours in one message and in the next: group commit. A piece that fills a record by
// itself is sealed where it stands.
std::span<std::byte const> output_gate::gather(std::span<std::byte> scratch) {
  std::size_t const limit = scratch.size();
  auto room = scratch;
  for (verb& each : queue_) {
    if (each.kind != verb_kind::write) break;
    auto& write = static_cast<write_verb&>(each);
    if (!is_located(write)) break;
    auto const piece = write.piece();
    if (piece.size() >= limit && room.size() == limit) {
      write.gathered = limit;
      write.gathered_all = false;
      return piece.first(limit);
    }
    if (piece.size() >= limit) break;
    std::size_t const before = room.size();
    std::size_t const n = std::min(piece.size(), before);
    if (n != 0) std::memcpy(room.data(), piece.data(), n);
    room = room.subspan(n);
    write.gathered_all = n == piece.size() && write.copy_behind(room, limit);
    write.gathered = before - room.size();
    if (!write.gathered_all || write.is_last) break;
  }
  return std::span<std::byte const>(scratch).first(limit - room.size());
}

// So many bytes of what was gathered stand in one record now.
void output_gate::take_sealed(std::size_t n, std::uint64_t begin) {
  std::uint64_t const end = parts_.engine.record_pending() ? not_in_ring_yet : sealed_end();
  verb_list ended;  // the writes whose last byte this record holds
  do {
    auto& write = static_cast<write_verb&>(queue_.front());
    std::size_t const part = std::min(n, write.gathered);
    n -= part;
    write.gathered -= part;
    if (part != 0 && write.state() == verb_state::queued) {
      write.enter(verb_state::under_way);
      write.ciphertext_begin = begin;
    }
    write.advance(part);
    // It may move between any two records. And one that makes its plaintext as it is asked may
    // have none ready behind this one, also where only a part was sealed of what was gathered.
    write.located_in = 0;
    if (write.gathered != 0 || (!write.gathered_all && !write.piece().empty())) break;
    remove(write);
    ended.push_back(write);
  } while (n != 0);
  auto& stats = parts_.engine.stats();
  if (ended.begin() != ended.end() && std::next(ended.begin()) != ended.end())
    stats.messages_merged += ended.size();
  while (!ended.empty()) {
    auto& write = static_cast<write_verb&>(ended.front());
    ended.pop_front();
    ++stats.messages;
    if (!write.is_last || write.result) {
      leave(write, write.result, end);
    } else {
      write.is_all_sealed = true;
      queue_.push_front(write);
      count(write, 1);
    }
  }
}

// A control verb, or the close_notify of a last write.
want output_gate::seal_control(verb& v, control_verb*& closing) {
  bool const is_key_update = v.kind == verb_kind::key_update;
  if (is_key_update && parts_.engine.close_notify_sent()) {
    remove(v);
    parts_.done.finish(v, errc::closed_for_writing);
    return want::nothing;
  }
  step const sealed_step = is_key_update
                               ? parts_.engine.key_update(static_cast<control_verb&>(v).asks_peer)
                               : parts_.engine.close_notify();
  if (sealed_step.next == want::flush) {
    if (v.state() == verb_state::queued) v.enter(verb_state::under_way);
    begun_ = is_key_update ? begun::key_update : begun::close_notify;
  }
  if (sealed_step.next != want::nothing) return sealed_step.next;
  begun_ = begun::nothing;
  remove(v);
  if (v.kind == verb_kind::shutdown && !parts_.engine.close_notify_received()) {
    v.enter(verb_state::closing);
    closing = static_cast<control_verb*>(&v);
  } else {
    leave(v, {}, sealed_end());
  }
  return want::nothing;
}

write_verb* output_gate::unlocated() noexcept {
  if (queue_.empty() || queue_.front().kind != verb_kind::write) return nullptr;
  auto& first = static_cast<write_verb&>(queue_.front());
  if (is_located(first) || first.is_locating) return nullptr;
  return may_locate_first() ? &first : nullptr;
}

// What is refused, or fails before anything of it is sealed, is not asked for its plaintext: some
// have given it away then.
bool output_gate::may_locate_first() const noexcept {
  return may_seal() && !error_ && !parts_.engine.failure() && parts_.engine.handshake_done() &&
         !parts_.engine.close_notify_sent() && !parts_.engine.record_pending() &&
         parts_.engine.can_seal() && sent_this_turn_ < most_sent_a_turn;
}

void output_gate::sent_directly(std::size_t plaintext) noexcept {
  constexpr std::size_t cost_of_a_call = 1024;
  sent_this_turn_ += static_cast<std::uint32_t>(plaintext + cost_of_a_call);
  last_progress_ = parts_.now();
  ++parts_.engine.stats().flushes;
}

// The kernel reads the file and seals it. If that does not work, reading it will tell why, or that
// it is at its end.
want output_gate::send_file(write_verb& write, bool& has_sealed) {
  auto const& part = *write.file();
  auto const length =
      static_cast<std::size_t>(std::min<std::uint64_t>(part.length, most_sent_a_turn));
  step const sent = parts_.engine.sendfile(part.file, part.offset, length);
  if (sent.next != want::nothing || sent.bytes == 0) return sent.next;
  has_sealed = true;
  sent_directly(sent.bytes);
  if (write.state() == verb_state::queued) write.enter(verb_state::under_way);
  write.advance(sent.bytes);
  if (part.length == 0) {
    remove(write);
    ++parts_.engine.stats().messages;
    leave(write, write.result, sealed_end());
  }
  return want::nothing;
}

void output_gate::finish_after_flush(verb& v, error_code result) { leave(v, result, sealed_end()); }

// What OpenSSL has begun and can't finish is in no ring yet, and what leaves the ring meanwhile is
// not its end.
void output_gate::leave(verb& v, error_code result, std::uint64_t end) {
  v.ciphertext_end = end;
  if (end <= flushed_) return parts_.done.finish(v, result);
  if (error_) return parts_.done.finish(v, result ? result : error_);
  v.result = result;
  v.enter(verb_state::leaving);
  leaving_.push_back(v);
  if (!has_failed(v)) return;
  // An alert is on its way: the peer should get it, but the error will not wait for ever.
  v.expiry = std::min(v.expiry, parts_.options.shutdown_deadline.after(parts_.now()));
  v.stalls = false;
  parts_.deadlines.add(v.expiry);
}

bool output_gate::wants_flush() const noexcept {
  return !is_flushing_ && !is_paused_ && !error_ && parts_.engine.ring().output_bytes() != 0;
}

void output_gate::begin_flush() noexcept {
  is_flushing_ = true;
  auto& stats = parts_.engine.stats();
  ++stats.flushes;
  stats.largest_batch = std::max(stats.largest_batch, stats.records_sealed - records_flushed_);
  records_flushed_ = stats.records_sealed;
}

void output_gate::flushed(std::size_t n) {
  is_flushing_ = false;
  if (n != 0) {
    parts_.engine.ring().consume(n);
    flushed_ += n;
    parts_.engine.stats().ciphertext_flushed += n;
    last_progress_ = parts_.now();
  }
  has_rest_ = parts_.engine.ring().output_bytes() != 0;
  complete_flushed();
}

void output_gate::complete_flushed() noexcept {
  while (!leaving_.empty() && leaving_.front().ciphertext_end <= flushed_) {
    verb& first = leaving_.front();
    parts_.done.finish(first, first.result);
  }
}

void output_gate::end_verbs(error_code result) noexcept {
  // Neither a verb that was cancelled nor one that negotiates in vain ends the session.
  bool const is_final =
      result != operation_aborted() && result != make_error_code(errc::handshake_not_done);
  each_verb([&](verb& each) {
    if (each.is_detached && !is_final) return;
    bool const none_has_left =
        !parts_.engine.path().sends_directly() && each.ciphertext_begin >= flushed_;
    if (is_final && none_has_left && each.kind == verb_kind::write) each.bytes = 0;
    end_one(each, result);
  });
}

void output_gate::end_one(verb& v, error_code result) noexcept {
  if (waits_for_its_callable(v, result)) return;
  error_code const told = has_failed(v) ? v.result : result;
  remove(v);
  parts_.done.finish(v, told);
}

// Its node is in use without the lock: it ends when it has been located.
bool output_gate::waits_for_its_callable(verb& v, error_code result) noexcept {
  if (!v.is_locating) return false;
  if (!v.ended_with) v.ended_with = result;
  return true;
}

void output_gate::fail_verbs(error_code result) {
  for (verb& each : leaving_) {
    if (each.ciphertext_end != not_in_ring_yet) continue;
    each.ciphertext_end = sealed_end();
    each.result = result;
  }
  for (auto it = queue_.begin(); it != queue_.end();) {
    verb& each = *it++;
    if (waits_for_its_callable(each, result)) continue;
    remove(each);
    leave(each, result, sealed_end());
  }
  complete_flushed();  // where nothing is in the ring, no flush ends any more
}

}  // namespace tls_async::detail
