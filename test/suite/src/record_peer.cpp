// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include <tls_async_test/record_peer.hpp>

#include <stdexcept>
#include <utility>

#include <openssl/crypto.h>

namespace tls_async::test {
namespace {

SSL_CTX* with_key_log(SSL_CTX* context, void (*on_key_log)(SSL const*, char const*)) {
  SSL_CTX_set_keylog_callback(context, on_key_log);
  return context;
}

std::string from_hex(std::string_view digits) {
  long length = 0;
  unsigned char* const octets = OPENSSL_hexstr2buf(std::string(digits).c_str(), &length);
  if (octets == nullptr) throw std::runtime_error{"record_peer: no key log line"};
  std::string made(reinterpret_cast<char const*>(octets), static_cast<std::size_t>(length));
  OPENSSL_free(octets);
  return made;
}

std::string server_random(SSL const* ssl) {
  std::string random(SSL3_RANDOM_SIZE, '\0');
  SSL_get_server_random(ssl, reinterpret_cast<unsigned char*>(random.data()), random.size());
  return random;
}

}  // namespace

record_peer::record_peer(SSL_CTX* context, role side, std::size_t room)
    : is_client_(side == role::client),
      is_tls1_3_(SSL_CTX_get_max_proto_version(context) == TLS1_3_VERSION),
      tls_(with_key_log(context, &on_key_log), side, {room, room}),
      of_openssl_(is_tls1_3_),
      of_other_side_(is_tls1_3_) {
  SSL_set_app_data(ssl(), this);
  advance();
}

void record_peer::on_key_log(SSL const* ssl, char const* line) {
  if (auto* const self = static_cast<record_peer*>(SSL_get_app_data(ssl))) self->learn(line);
}

// "LABEL client_random secret", in hexadecimal digits: SSL_CTX_set_keylog_callback(3).
void record_peer::learn(std::string_view line) {
  auto const word = [&line] {
    auto const end = line.find(' ');
    auto const first = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return first;
  };
  auto const label = word();
  auto const client_random = word();
  auto const secret = word();
  for (bool const of_client : {true, false}) {
    std::string const side = of_client ? "CLIENT_" : "SERVER_";
    if (label == side + "HANDSHAKE_TRAFFIC_SECRET") {
      add_keys(epoch::handshake, of_client, record_protection::of_secret(from_hex(secret)));
    } else if (label == side + "TRAFFIC_SECRET_0") {
      add_keys(epoch::application, of_client, record_protection::of_secret(from_hex(secret)));
    } else if (label == "CLIENT_RANDOM") {
      add_keys(epoch::application, of_client,
               record_protection::of_key_block(from_hex(secret), from_hex(client_random),
                                               server_random(ssl()), of_client));
    }
  }
}

void record_peer::add_keys(epoch which, bool of_client, record_protection const& keys) {
  if (of_client != is_client_) return of_other_side_.add(which, keys);
  of_openssl_.add(which, keys);
  keys_.insert_or_assign(which, keys);
}

void record_peer::receive(std::string_view ciphertext) {
  // More than it holds at once, where each of many short records is padded to the longest.
  for (auto rest = ciphertext;;) {
    auto const given = tls_.give(rest);
    rest.remove_prefix(given);
    advance();
    if (rest.empty()) break;
    if (given == 0) throw std::runtime_error{"record_peer: more was sent than it takes"};
  }
  // After OpenSSL, which learns the keys from it.
  from_other_side_ += ciphertext;
  for (auto next = first_record(from_other_side_); !next.empty();
       next = first_record(from_other_side_)) {
    auto opened = of_other_side_.open(next);
    from_other_side_.erase(0, next.size());
    if (!opened) {
      ++unopened_;
      continue;
    }
    if (opened->type == content::application_data) plaintext_ += opened->plaintext;
    finished_received_ = finished_received_ || opened->finishes;
    received_.push_back(std::move(*opened));
  }
}

void record_peer::advance() {
  if (!handshake_done()) (void)tls_.handshake();
  std::string unread;
  while (handshake_done() && tls_.read(unread)) {
  }
  from_openssl_ += tls_.take();
  for (auto next = first_record(from_openssl_); !next.empty(); next = first_record(from_openssl_)) {
    auto opened = of_openssl_.open(next);
    if (!opened) throw std::runtime_error{"record_peer: OpenSSL seals with unknown keys"};
    made.push_back(std::move(*opened));
    from_openssl_.erase(0, next.size());
  }
}

std::string record_peer::seal_made(std::size_t padding) {
  record const first = std::move(made.front());
  made.pop_front();
  last_sent_ = first.under;
  finished_sent_ = finished_sent_ || first.finishes;
  return seal(first, padding);
}

std::string record_peer::seal(record const& which, std::size_t padding) {
  return which.under == epoch::plain
             ? plain_record(which.type, which.plaintext)
             : keys_.at(which.under).seal(which.type, which.plaintext, padding);
}

std::string record_peer::seal_wrongly(record const& which) {
  for (auto const& [of, keys] : keys_)
    return keys.wrong().seal(which.type, which.plaintext);
  return plain_record(which.type, which.plaintext);
}

void record_peer::renew_keys() {
  auto& keys = keys_.at(epoch::application);
  keys = keys.next_generation();
}

epoch record_peer::due() const {
  if (finished_sent_) return epoch::application;
  for (record const& next : made) {
    // In TLS 1.3 it means nothing, and can come between any two records (RFC 8446 section 5).
    if (is_tls1_3_ && next.type == content::change_cipher_spec) continue;
    return next.under;
  }
  return last_sent_;
}

}  // namespace tls_async::test
