// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A TLS peer that a test plays record by record. OpenSSL makes its part of the session; each record
// is opened before it leaves and sealed again under the session's own keys, so that it can be left
// out, changed, cut, split, merged, and followed or preceded by any other, with the sequence
// numbers right. Needs AES-128-GCM with SHA-256. Must not know what it is the peer of.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

#include <tls_async_test/record_protection.hpp>
#include <tls_async_test/tls_pair.hpp>

namespace tls_async::test {

class record_peer {
public:
  /// Less than AddressSanitizer maps and fills anew for each peer.
  static constexpr std::size_t ample = std::size_t{96} << 10;

  /// `side` is the peer's own. Puts a key log callback of its own into `context`, and app data into
  /// its session. Holds up to `room` bytes of either side at once.
  record_peer(SSL_CTX* context, role side, std::size_t room = ample);
  record_peer(record_peer const&) = delete;
  record_peer& operator=(record_peer const&) = delete;

  [[nodiscard]] SSL* ssl() noexcept { return tls_.ssl(); }

  /// Takes in what the other side has sent; what OpenSSL answers is in `made`.
  void receive(std::string_view ciphertext);
  /// What OpenSSL has made and the test has not sent yet, opened.
  std::deque<record> made;
  /// OpenSSL holds the handshake for done. It may not have left yet.
  [[nodiscard]] bool handshake_done() noexcept { return SSL_is_init_finished(ssl()) != 0; }

  /// The first of `made`, which it leaves, as it goes over the wire; zeros behind it in TLS 1.3.
  std::string seal_made(std::size_t padding = 0);
  /// Any record, as the next one under the keys of `which.under`.
  /// Precondition: `has_keys(which.under)`.
  std::string seal(record const& which, std::size_t padding = 0);
  /// The same under keys that nobody has agreed on; in the clear while there are no others.
  std::string seal_wrongly(record const& which);
  /// What is sealed from here on is of the next generation: a KeyUpdate was sealed.
  void renew_keys();
  [[nodiscard]] bool has_keys(epoch which) const {
    return which == epoch::plain || keys_.count(which) != 0;
  }
  /// What the other side expects the next record to be under.
  [[nodiscard]] epoch due() const;
  /// Our Finished was sealed and left, so plaintext may follow.
  [[nodiscard]] bool finished_sent() const noexcept { return finished_sent_; }

  /// What the other side has sent, opened, in order.
  [[nodiscard]] std::vector<record> const& received() const noexcept { return received_; }
  /// Records among that which are under keys that the session does not have: the other side has
  /// seen another handshake.
  [[nodiscard]] std::size_t unopened() const noexcept { return unopened_; }
  /// The application data of that.
  [[nodiscard]] std::string const& plaintext() const noexcept { return plaintext_; }
  /// The other side's Finished is among that.
  [[nodiscard]] bool finished_received() const noexcept { return finished_received_; }

private:
  static void on_key_log(SSL const* ssl, char const* line);
  void learn(std::string_view line);
  void add_keys(epoch which, bool of_client, record_protection const& keys);
  void advance();

  bool is_client_;
  bool is_tls1_3_;
  raw_session tls_;
  record_opener of_openssl_, of_other_side_;
  std::map<epoch, record_protection> keys_;  // what we seal with
  std::string from_openssl_, from_other_side_;
  std::vector<record> received_;
  std::string plaintext_;
  std::size_t unopened_ = 0;
  epoch last_sent_ = epoch::plain;
  bool finished_sent_ = false;
  bool finished_received_ = false;
};

}  // namespace tls_async::test
