// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// A peer that plays its part of a session honestly but for a few deeds, each at its point: before
// the record of that number. Keeps account of what it has really said, which is all that the other
// side may believe. Must not know what it is the peer of.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tls_async_test/far_end.hpp>
#include <tls_async_test/record_peer.hpp>

namespace tls_async::test {

/// What is done.
struct deed {
  enum class manner {
    sends_record,  ///< Of `type`, with `bytes`; then, when it is asked again, with `rest`.
    sends_bytes,   ///< `bytes`, as they are.
    does_nothing,  ///< But what comes after it.
    sends_next,    ///< What it would send anyway: to be cut.
    flips_next,    ///< A bit of the next record, which is its last.
    lies_of_next,  ///< The next record's header says that it is a byte longer.
    repeats_last,  ///< What was sent last, again.
    swaps_next,    ///< The next record comes behind that one that follows it.
    splits_next,   ///< The next record comes as records of one byte.
    pads_next,     ///< With zeros, in TLS 1.3.
    merges_next    ///< All that waits of one type under the same keys is one record.
  };
  std::string name;
  manner how = manner::does_nothing;
  unsigned char type = 0;
  std::string bytes;
  std::string rest;
};

/// Which keys a record is under that the deed sends.
enum class deed_keys { due, none, wrong };
/// What comes after the deed.
enum class deed_end { goes_on, in_place_of_next, end_of_transport, silence };

struct placed_deed {
  deed const* what = nullptr;
  std::size_t point = 0;
  deed_keys under = deed_keys::due;
  deed_end then = deed_end::goes_on;
  std::size_t cut = everything;  ///< Only so many bytes of it are sent.
  std::size_t lacks = 0;         ///< So many of its last bytes are not sent.
};
std::string describe(placed_deed const& which);

/// What it has to say after the handshake, one record each.
inline constexpr std::array<std::size_t, 3> message_sizes{300, 1, 2'000};

/// How much comes at once.
enum class pace { record_by_record, all_at_once };

class hostile_peer final : public far_end {
public:
  /// `context` is for `side`, the peer's own. The plan is in the order of its points.
  hostile_peer(SSL_CTX* context, role side, pace speed, std::vector<placed_deed> plan,
               std::size_t room = record_peer::ample);

  /// From here on it says nothing by itself, and never ends: what it has to say is put into
  /// `session().made`, and its deeds come when they are told.
  void be_told() { is_told_ = true; }
  void tell(placed_deed const& next) { plan_.push_back(next); }

  void receive(std::string_view ciphertext) override { peer_.receive(ciphertext); }
  std::optional<std::string> next() override;
  [[nodiscard]] record_peer& session() noexcept { return peer_; }

  /// Records of its own part of the session that were sent or left out so far.
  [[nodiscard]] std::size_t points() const noexcept { return point_; }
  [[nodiscard]] std::size_t deeds_done() const noexcept { return done_; }
  [[nodiscard]] bool has_ended() const noexcept { return ended_; }
  /// It says nothing any more, and its transport has not ended.
  [[nodiscard]] bool is_silent() const noexcept override { return silent_; }
  /// The plaintext it has sent, under the right keys, after its Finished.
  [[nodiscard]] std::string const& said() const noexcept { return said_; }
  /// It has sent close_notify so.
  [[nodiscard]] bool has_closed() const noexcept { return closed_; }

private:
  bool is_tls1_3() { return SSL_version(peer_.ssl()) >= TLS1_3_VERSION; }
  void go_on_with_session();
  std::string perform(placed_deed const& placed);
  std::string change_next(deed::manner how);
  std::string send_made(std::size_t padding = 0);
  std::string sent_by(placed_deed const& placed);
  void account(record const& sent);

  record_peer peer_;
  pace pace_;
  std::vector<placed_deed> plan_;
  std::size_t done_ = 0;
  std::size_t point_ = 0;
  std::size_t messages_ = 0;  // of its plaintext that were made
  std::string last_, said_, messages_in_parts_;
  std::optional<record> rest_;
  bool closed_ = false;
  bool ended_ = false;
  bool silent_ = false;
  bool is_told_ = false;
};

}  // namespace tls_async::test
