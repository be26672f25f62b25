// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async_test/hostile_peer.hpp>

#include <algorithm>
#include <utility>

namespace tls_async::test {
namespace {

constexpr char key_update = 24;  // RFC 8446 section 4.6.3

// Of the handshake message at the front, its header included.
std::size_t message_size(std::string_view messages) {
  if (messages.size() < 4) return everything;
  auto const byte = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(messages[at]));
  };
  return 4 + byte(1) * 65'536 + byte(2) * 256 + byte(3);
}

}  // namespace

std::string describe(placed_deed const& which) {
  std::string text = which.what->name + " before record " + std::to_string(which.point);
  if (which.under == deed_keys::none) text += ", in the clear";
  if (which.under == deed_keys::wrong) text += ", under wrong keys";
  if (which.cut != everything) text += ", its first " + std::to_string(which.cut) + " bytes";
  if (which.lacks != 0) text += ", without its last " + std::to_string(which.lacks) + " bytes";
  if (which.then == deed_end::in_place_of_next) text += ", in place of it";
  if (which.then == deed_end::end_of_transport) text += ", then the end of the transport";
  if (which.then == deed_end::silence) text += ", then silence";
  return text;
}

hostile_peer::hostile_peer(SSL_CTX* context, role side, pace speed, std::vector<placed_deed> plan,
                           std::size_t room)
    : peer_(context, side, room), pace_(speed), plan_(std::move(plan)) {}

std::optional<std::string> hostile_peer::next() {
  std::string chunk;
  if (rest_) {
    chunk = peer_.seal(*rest_);
    account(*std::exchange(rest_, {}));
  }
  while (!ended_ && !silent_ && !rest_) {
    if (done_ != plan_.size() && plan_[done_].point <= point_) {
      chunk += perform(plan_[done_++]);
    } else {
      go_on_with_session();
      if (peer_.made.empty()) {
        // Who reads now would wait for ever.
        ended_ = chunk.empty() && !is_told_;
        break;
      }
      chunk += send_made();
    }
    if (pace_ == pace::record_by_record && !chunk.empty()) break;
  }
  if (chunk.empty()) return {};
  return chunk;
}

// What it says by itself once the handshake is done, and its end.
void hostile_peer::go_on_with_session() {
  if (is_told_ || !peer_.made.empty() || !peer_.handshake_done() ||
      messages_ > message_sizes.size())
    return;
  if (messages_ == message_sizes.size()) {
    peer_.made.push_back({content::alert, std::string{1, 0}, epoch::application});
  } else {
    auto const size = message_sizes[messages_];
    peer_.made.push_back({content::application_data, numbered_plaintext(size, messages_ * 10'000),
                          epoch::application});
  }
  ++messages_;
}

std::string hostile_peer::send_made(std::size_t padding) {
  record const sent = peer_.made.front();
  ++point_;
  last_ = peer_.seal_made(padding);
  account(sent);
  return last_;
}

// What a record means that was sent under the keys that were due.
void hostile_peer::account(record const& sent) {
  if (closed_ || sent.under != epoch::application || !peer_.finished_sent()) return;
  if (sent.type == content::application_data) {
    said_ += sent.plaintext;
  } else if (sent.type == content::alert) {
    bool const is_close_notify = sent.plaintext.size() == 2 && sent.plaintext[1] == 0;
    closed_ = is_close_notify && (is_tls1_3() || sent.plaintext[0] == 1);
  } else if (sent.type == content::handshake && is_tls1_3()) {
    // Only a KeyUpdate is of interest: new keys are behind it.
    auto& messages = messages_in_parts_;
    messages += sent.plaintext;
    for (auto size = message_size(messages); size <= messages.size();
         size = message_size(messages)) {
      if (messages[0] == key_update) peer_.renew_keys();
      messages.erase(0, size);
    }
  }
}

std::string hostile_peer::perform(placed_deed const& placed) {
  auto const said = said_.size();
  bool const had_closed = closed_;
  auto bytes = sent_by(placed);
  std::size_t const uncut =
      std::min(placed.cut, bytes.size() - std::min(placed.lacks, bytes.size()));
  if (uncut < bytes.size()) {
    bytes.resize(uncut);
    said_.resize(said);
    closed_ = had_closed;
    ended_ = true;
  }
  if (placed.then == deed_end::end_of_transport) ended_ = true;
  if (placed.then == deed_end::silence) silent_ = true;
  if (placed.then == deed_end::in_place_of_next) {
    go_on_with_session();
    if (!peer_.made.empty()) {
      peer_.made.pop_front();
      ++point_;
    }
  }
  return bytes;
}

std::string hostile_peer::sent_by(placed_deed const& placed) {
  deed const& what = *placed.what;
  switch (what.how) {
    case deed::manner::sends_bytes:
      return what.bytes;
    case deed::manner::does_nothing:
      return {};
    case deed::manner::repeats_last:
      return last_;
    case deed::manner::sends_record:
      break;
    default:
      go_on_with_session();
      return peer_.made.empty() ? std::string() : change_next(what.how);
  }
  if (placed.under == deed_keys::none) return plain_record(what.type, what.bytes);
  if (placed.under == deed_keys::wrong) {
    // Keys of the session, if there are others than those that are due.
    auto const due = peer_.due();
    auto const other = due == epoch::handshake ? epoch::application : epoch::handshake;
    record const sent{what.type, what.bytes, other};
    return due != other && peer_.has_keys(other) ? peer_.seal(sent) : peer_.seal_wrongly(sent);
  }
  if (!what.rest.empty()) rest_ = record{what.type, what.rest, peer_.due()};
  record const sent{what.type, what.bytes, peer_.due()};
  auto wire = peer_.seal(sent);
  account(sent);
  return wire;
}

std::string hostile_peer::change_next(deed::manner how) {
  auto& made = peer_.made;
  std::string wire;
  switch (how) {
    case deed::manner::sends_next:
      return send_made();
    // What is changed is not said.
    case deed::manner::flips_next:
      ++point_;
      wire = peer_.seal_made();
      wire.back() = static_cast<char>(wire.back() ^ 0x10);
      return wire;
    case deed::manner::lies_of_next:
      ++point_;
      wire = peer_.seal_made();
      wire[4] = static_cast<char>(wire[4] + 1);
      return wire;
    case deed::manner::swaps_next:
      if (made.size() > 1) std::swap(made[0], made[1]);
      return {};
    case deed::manner::splits_next: {
      record const whole = std::move(made.front());
      made.pop_front();
      for (std::size_t i = whole.plaintext.size(); i-- != 0;) {
        bool const is_last = i + 1 == whole.plaintext.size();
        made.push_front(
            {whole.type, whole.plaintext.substr(i, 1), whole.under, whole.finishes && is_last});
      }
      return {};
    }
    case deed::manner::pads_next:
      return send_made(100);
    case deed::manner::merges_next:
      while (made.size() > 1 && made[1].type == made[0].type && made[1].under == made[0].under &&
             !made[0].finishes) {
        made[1].plaintext.insert(0, made[0].plaintext);
        made.pop_front();
      }
      return {};
    default:
      return {};
  }
}

}  // namespace tls_async::test
