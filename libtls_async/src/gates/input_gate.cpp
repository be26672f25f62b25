// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async/gates/input_gate.hpp>

#include <array>
#include <utility>

namespace tls_async::detail {

void input_gate::remove(verb& v) noexcept {
  if (&v == read_) {
    read_ = nullptr;
  } else if (&v == shutdown_) {
    shutdown_ = nullptr;
  } else {
    v.unlink();
  }
}

void input_gate::let_go(verb& v) noexcept {
  v.enter(verb_state::letting_go);
  letting_go_.push_back(v);
}

want input_gate::open() {
  waits_for_output_ = false;
  if (read_ == nullptr && (shutdown_ == nullptr || read_has_just_ended_)) return want::nothing;
  // A shutdown leaves the plaintext that still comes to a read, if there is one.
  want const next = read_ != nullptr ? read_into(*read_) : discard();
  waits_for_output_ = next == want::flush;
  if (next == want::nothing && read_ != nullptr) {
    parts_.done.finish(*take_read(), {});
    read_has_just_ended_ = shutdown_ != nullptr;
  }
  return next;
}

want input_gate::read_into(read_verb& read) {
  if (read.only_waits) return parts_.engine.peek().next;
  for (;;) {
    auto const place = read.place();
    if (place.empty()) return want::nothing;
    step const opened = parts_.engine.open(place);
    if (opened.next == want::nothing) {
      read.advance(opened.bytes);
      continue;
    }
    // What was opened is delivered before anything else is said: the next read will meet it again.
    return read.bytes != 0 ? want::nothing : opened.next;
  }
}

want input_gate::discard() {
  std::array<std::byte, max_record_plaintext> discarded;
  for (;;) {
    step const opened = parts_.engine.open(discarded);
    if (opened.next != want::nothing) return opened.next;
  }
}

void input_gate::leave_fill() noexcept {
  is_let_go_ = false;
  is_left_ = true;
  finish_letting_go();
}

void input_gate::finish_letting_go() noexcept {
  while (!letting_go_.empty()) {
    verb& first = letting_go_.front();
    parts_.done.finish(first, first.result);
  }
}

bool input_gate::end_fill(error_code ec, std::size_t n, bool bulk) {
  is_filling_ = false;
  more_is_likely_ = bulk;
  if (n != 0) {
    parts_.engine.stats().ciphertext_filled += n;
    limit_key_updates();
  }
  bool const was_let_go = std::exchange(is_let_go_, false);
  is_left_ = false;
  finish_letting_go();
  return !was_let_go || ec != operation_aborted();
}

void input_gate::limit_key_updates() noexcept {
  if (parts_.options.most_key_updates_per_second == 0) return;
  parts_.engine.allow_key_updates(key_updates_.allowed(
      parts_.options, parts_.engine.stats().key_updates_received, parts_.world.now));
}

}  // namespace tls_async::detail
