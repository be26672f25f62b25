// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "scripted_peer.hpp"

#include <array>
#include <utility>

namespace tls_async::test {
namespace {

constexpr std::size_t most_said = 400'000;  // that one run is worth

// RFC 8446 section 4: type and length before the message itself.
std::string message_of(std::size_t type, std::string const& body) {
  return std::string{static_cast<char>(type), 0, static_cast<char>(body.size() >> 8),
                     static_cast<char>(body.size() & 0xff)} +
         body;
}

// Of the handshake message at the front, its header included.
std::size_t message_size(std::string_view messages) {
  if (messages.size() < 4) return everything;
  auto const byte = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(messages[at]));
  };
  return 4 + byte(1) * 65'536 + byte(2) * 256 + byte(3);
}

// Under the keys of TLS 1.3 a zero for a type is padding: the type is the last byte before it that
// is none (RFC 8446 section 5.4).
record as_opened(record sent) {
  if (sent.type != 0) return sent;
  auto const last = sent.plaintext.find_last_not_of('\0');
  if (last == std::string::npos) return sent;
  sent.type = static_cast<unsigned char>(sent.plaintext[last]);
  sent.plaintext.resize(last);
  return sent;
}

}  // namespace

void scripted_peer::perform(std::size_t which, script& with) {
  switch (which) {
    case peer_next:
      return send_made();
    case peer_all:
      while (!peer_.made.empty())
        send_made();
      return;
    case peer_says: {
      std::size_t const size = with.size();
      std::size_t const padding = with.byte();
      if (!peer_.finished_sent() || said_.size() + size > most_said) return;
      return send_due(
          {content::application_data, numbered_plaintext(size, said_.size()), epoch::application},
          padding);
    }
    case own_verb: {
      std::size_t const size = with.size();
      if (!peer_.handshake_done()) return;
      if (size == 0) {
        SSL_shutdown(peer_.ssl());
      } else if (size <= 2) {
        SSL_key_update(peer_.ssl(), size == 1 ? SSL_KEY_UPDATE_REQUESTED : 0);
      } else if (std::size_t written = 0; peer_.finished_sent()) {
        auto const plaintext = numbered_plaintext(size, said_.size());
        SSL_write_ex(peer_.ssl(), plaintext.data(), size, &written);
      }
      return peer_.receive({});
    }
    default:
      break;
  }
  honest_ = false;
  switch (which) {
    case record_due: {
      auto const type = with.byte();
      return send_due({type, with.text(), peer_.due()});
    }
    case record_plain: {
      auto const type = with.byte();
      wire += plain_record(type, with.text());
      return;
    }
    case record_wrong: {
      auto const type = with.byte();
      wire += peer_.seal_wrongly({type, with.text(), peer_.due()});
      broken_ = broken_ || peer_.finished_sent();
      return;
    }
    case raw_bytes:
      wire += with.text();
      return;
    case key_update:
      return send_due({content::handshake,
                       message_of(24, std::string(1, static_cast<char>(with.below(3)))),
                       peer_.due()});
    case alert: {
      auto const level = static_cast<char>(with.below(4));
      return send_due(
          {content::alert, std::string{level, static_cast<char>(with.byte())}, peer_.due()});
    }
    case message: {
      std::size_t const type = with.byte();
      std::size_t const parts = 1 + with.below(4);
      auto const whole = message_of(type, with.text());
      std::size_t const part = whole.size() / parts + 1;
      for (std::size_t at = 0; at < whole.size(); at += part)
        send_due({content::handshake, whole.substr(at, part), peer_.due()});
      return;
    }
    default:
      if (!peer_.made.empty()) change_made(which, with);
  }
}

void scripted_peer::change_made(std::size_t which, script& with) {
  auto& made = peer_.made;
  switch (which) {
    case flip: {
      std::size_t const at = with.size();
      auto record = peer_.seal_made();
      record[at % record.size()] = static_cast<char>(record[at % record.size()] ^ 0x10);
      wire += record;
      broken_ = broken_ || (peer_.finished_sent() && at % record.size() >= 5);
      return;
    }
    case lie: {
      auto record = peer_.seal_made();
      record[4] = static_cast<char>(record[4] + 1);
      wire += record;
      return;
    }
    case drop:
      made.pop_front();
      return;
    case swap_next:
      if (made.size() > 1) std::swap(made[0], made[1]);
      return;
    case split: {
      record const whole = std::move(made.front());
      made.pop_front();
      std::size_t const parts = 1 + with.below(8);
      std::size_t const part = whole.plaintext.size() / parts + 1;
      std::size_t const count = (whole.plaintext.size() + part - 1) / part;
      for (std::size_t i = count; i-- != 0;)
        made.push_front({whole.type, whole.plaintext.substr(i * part, part), whole.under,
                         whole.finishes && i + 1 == count});
      return;
    }
    case merge:
      if (made.size() < 2 || made[1].type != made[0].type || made[1].under != made[0].under ||
          made[0].finishes || made[0].plaintext.size() + made[1].plaintext.size() > 20'000)
        return;
      made[1].plaintext.insert(0, made[0].plaintext);
      made.pop_front();
      return;
    default:
      return;
  }
}

void scripted_peer::send_made(std::size_t padding) {
  if (peer_.made.empty()) return;
  record const sent = peer_.made.front();
  wire += peer_.seal_made(padding);
  account(sent);
}

void scripted_peer::send_due(record const& sent, std::size_t padding) {
  wire += peer_.seal(sent, padding);
  account(sent);
}

// What a record means that was sent under the keys that were due.
void scripted_peer::account(record const& as_made) {
  if (broken_ || closed_ || as_made.under != epoch::application || !peer_.finished_sent()) return;
  record const sent = is_tls1_3() ? as_opened(as_made) : as_made;
  if (sent.type == content::application_data) {
    said_ += sent.plaintext;
  } else if (sent.type == content::alert) {
    bool const is_close_notify = sent.plaintext.size() == 2 && sent.plaintext[1] == 0;
    closed_ = is_close_notify && (is_tls1_3() || sent.plaintext[0] == 1);
  } else if (sent.type == content::handshake && is_tls1_3()) {
    // Only a KeyUpdate is of interest: new keys are behind it.
    constexpr char key_update_message = 24;  // RFC 8446 section 4.6.3
    auto& messages = messages_in_parts_;
    messages += sent.plaintext;
    for (auto size = message_size(messages); size <= messages.size();
         size = message_size(messages)) {
      if (messages[0] == key_update_message) peer_.renew_keys();
      messages.erase(0, size);
    }
  }
}

}  // namespace tls_async::test
