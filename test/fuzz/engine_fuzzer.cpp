// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// One engine, whose peer sends what the input says, record by record under the session's own keys,
// beside verbs of ours. Judged: what was opened is what the peer has said, what the peer has got is
// what was sealed, an end only by close_notify, success only with a verified peer.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "contexts.hpp"
#include "events.hpp"
#include "judged_engine.hpp"
#include "repeatable_random.hpp"
#include "scripted_peer.hpp"

namespace tls_async::test {
namespace {

// The first bytes of an input.
struct setting {
  explicit setting(script& with) {
    std::size_t const first = with.byte();
    is_client = (first & 1) != 0;
    version = (first & 2) != 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    peer = static_cast<shown>((first >> 2) % shown_kinds);
    of_clients = static_cast<asked>((first >> 4) % asked_kinds);
    std::size_t const second = with.byte();
    options.ring_records = 1 + (second & 3);
    if ((second & 4) != 0) options.most_key_updates_in_a_row = 1;
    if ((second & 8) != 0) options.most_handshake_messages_in_a_row = 3;
    if ((second & 16) != 0) options.most_renegotiation_attempts = 0;
    if ((second & 32) != 0) options.rekey_after_records = 2;
    meets_errors = (second & 64) != 0;
    callbacks_leave_errors = (second & 128) != 0;
    honest_records = with.byte();
    fragment = with.size();
  }

  bool is_client = true;
  int version = TLS1_3_VERSION;
  shown peer = shown::known;
  asked of_clients = asked::nobody;
  stream_options options;
  bool meets_errors = false;
  std::size_t honest_records = 0;  // of the peer's, before the script begins
  std::size_t fragment = 0;        // the most plaintext of our records, if that can be set
};

class session {
public:
  explicit session(script& with)
      : script_(with),
        setting_(with),
        peer_(bare_peer(setting_.is_client ? role::server : role::client, setting_.version,
                        setting_.peer),
              setting_.is_client ? role::server : role::client),
        ours_(setting_.is_client ? our_client(shown::known)
                                 : our_server(shown::known, setting_.of_clients),
              setting_.options, 0) {
    if (setting_.is_client) {
      must(!ours_.engine().be_client_of("localhost"), "localhost is no host");
    } else {
      must(!ours_.engine().be_server(), "the engine is no server");
    }
    ours_.meet_errors(setting_.meets_errors);
    if (setting_.fragment >= 512) SSL_set_max_send_fragment(ours_.ssl(), setting_.fragment);
  }

  void run() {
    try {
      negotiate();
      for (std::size_t i = 0; i != most_events && !script_.ended(); ++i) {
        perform(script_.below(engine_events));
        judge();
      }
    } catch (std::runtime_error const&) {
      return;  // of the peer, whose OpenSSL has got what it can't follow
    }
    finish();
  }

private:
  static constexpr std::size_t most_events = 300;

  void negotiate() {
    for (std::size_t left = setting_.honest_records;;) {
      ours_.handshake();
      peer_.receive(ours_.flush(everything));
      if (left == 0 || peer_.session().made.empty()) return;
      --left;
      peer_.perform(peer_next, script_);
      carry(everything, judged_engine::way::commit);
      if (ours_.engine().handshake_done()) judge();
    }
  }

  void perform(std::size_t event) {
    if (event < peer_acts) return peer_.perform(event, script_);
    switch (event) {
      case deliver: {
        auto const how = static_cast<judged_engine::way>(script_.below(3));
        std::size_t const size = script_.size();
        return carry(size == 0 ? everything : size, how);
      }
      case flush: {
        std::size_t const size = script_.size();
        return peer_.receive(ours_.flush(size == 0 ? everything : size));
      }
      case seal:
        ours_.seal(script_.size());
        return;
      case open:
        ours_.open(script_.size());
        return;
      case go_on:
        ours_.go_on();
        return;
      case update_keys:
        ours_.key_update(script_.flag());
        return;
      case close_session:
        ours_.close_notify();
        return;
      case rest:
        return ours_.rest(script_.flag());
      case allow_key_updates:
        return ours_.engine().allow_key_updates(script_.byte());
      case open_all:
        ours_.open_all();
        return;
      default:
        return;
    }
  }

  void carry(std::size_t most, judged_engine::way how) {
    auto& wire = peer_.wire;
    wire.erase(0, ours_.fill(std::string_view(wire).substr(0, most), how));
  }

  void judge() {
    must(peer_.said().compare(0, ours_.opened().size(), ours_.opened()) == 0,
         "the peer has not said this");
    auto const& heard = peer_.session().plaintext();
    must(ours_.sealed().compare(0, heard.size(), heard) == 0, "more has left than was sealed");
    if (ours_.is_closed()) {
      must(peer_.has_closed(), "the end of the session, which the peer has not ended");
      must(ours_.opened() == peer_.said(), "not all came that the peer has said");
    }
    if (ours_.engine().handshake_done() && !was_judged_) judge_success();
  }

  void judge_success() {
    was_judged_ = true;
    peer_.receive(ours_.flush(everything));
    must(peer_.session().finished_sent(), "success without the peer's Finished");
    must(peer_.session().finished_received(), "success before the last flight has left");
    must(setting_.is_client ? is_acceptable_server(setting_.peer)
                            : is_acceptable_client(setting_.peer, setting_.of_clients),
         "success with a peer that is not to be trusted");
    X509* const certificate = SSL_get0_peer_certificate(ours_.ssl());
    if (setting_.is_client) {
      must(certificate != nullptr && X509_check_host(certificate, "localhost", 0, 0, nullptr) == 1,
           "success without a certificate of the host");
    } else if (setting_.of_clients == asked::required) {
      must(certificate != nullptr, "success without a client certificate");
    }
  }

  // What is under way comes to its end.
  void finish() {
    for (std::size_t i = 0; i != 10'000; ++i) {
      auto const before = peer_.wire.size();
      auto const went_on = ours_.go_on();
      if (ours_.engine().handshake_done()) ours_.open_all();
      auto const flushed = ours_.flush(everything);
      try {
        peer_.receive(flushed);
      } catch (std::runtime_error const&) {
        return;
      }
      carry(everything, judged_engine::way::commit);
      judge();
      if (!flushed.empty() || peer_.wire.size() != before) continue;
      if (ours_.has_failed() || !ours_.engine().handshake_done()) return;
      must(went_on != want::flush, "it wants a flush, and all has left");
      if (went_on == want::nothing && peer_.session().unopened() == 0)
        must(peer_.session().plaintext() == ours_.sealed(), "not all has left that was sealed");
      if (peer_.is_honest() && peer_.session().made.empty())
        must(ours_.opened() == peer_.said(), "not all came that an honest peer has said");
      return;
    }
    must(false, "it never comes to an end");
  }

  script& script_;
  setting setting_;
  scripted_peer peer_;
  judged_engine ours_;
  bool was_judged_ = false;
};

}  // namespace
}  // namespace tls_async::test

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  tls_async::test::use_repeatable_random();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  tls_async::test::restart_random();
  tls_async::test::script input(data, size);
  tls_async::test::session(input).run();
  return 0;
}
