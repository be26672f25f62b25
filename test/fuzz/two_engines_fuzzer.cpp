// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Two engines, and a network between them that does what the input says: how much goes when, and
// whether a byte is changed on its way. Judged: what is opened is what was sealed, in order; with
// an honest network all of it comes, and who is trusted decides whether there is a session at all.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "contexts.hpp"
#include "events.hpp"
#include "judged_engine.hpp"
#include "repeatable_random.hpp"
#include "script.hpp"

namespace tls_async::test {
namespace {

// The first bytes of an input: what the two are to agree on, and whom they meet.
struct setting {
  explicit setting(script& with) {
    std::size_t const first = with.byte();
    server = static_cast<shown>((first & 3) % shown_kinds);
    client = static_cast<shown>((first >> 2 & 3) % shown_kinds);
    of_clients = static_cast<asked>((first >> 4 & 3) % asked_kinds);
    version = (first & 64) != 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    for (auto* const options : {&client_options, &server_options}) {
      std::size_t const bits = with.byte();
      options->ring_records = 1 + (bits & 3);
      if ((bits & 4) != 0) options->most_key_updates_in_a_row = 2;
      if ((bits & 8) != 0) options->rekey_after_records = 2;
      reads_ahead = reads_ahead || (bits & 16) != 0;
      releases_buffers = releases_buffers || (bits & 32) != 0;
      refuses_tickets = refuses_tickets || (bits & 64) != 0;
    }
    suite = with.below(suites.size());
    fragment_length = with.below(5);
    send_fragment = with.size();
    tickets = with.below(5);
    std::size_t const errors = with.byte();
    meets_errors = (errors & 1) != 0;
    callbacks_leave_errors = (errors & 2) != 0;
  }

  [[nodiscard]] bool is_compatible() const {
    return is_acceptable_server(server) && is_acceptable_client(client, of_clients);
  }

  struct suite_names {
    char const* of_tls1_2;
    char const* of_tls1_3;
  };
  static constexpr std::array<suite_names, 4> suites{
      {{"ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"},
       {"ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384"},
       {"ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_CHACHA20_POLY1305_SHA256"},
       {"ECDHE-ECDSA-AES256-SHA384", "TLS_AES_128_GCM_SHA256"}}};  // CBC

  void apply(SSL* ssl, bool is_client) const {
    SSL_set_min_proto_version(ssl, version);
    SSL_set_max_proto_version(ssl, version);
    SSL_set_cipher_list(ssl, suites[suite].of_tls1_2);
    SSL_set_ciphersuites(ssl, suites[suite].of_tls1_3);
    SSL_set_read_ahead(ssl, reads_ahead ? 1 : 0);
    if (releases_buffers) SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    if (send_fragment >= 512) SSL_set_max_send_fragment(ssl, send_fragment);
    // RFC 6066 section 4: 512 bytes and more.
    if (is_client && fragment_length != 0)
      SSL_set_tlsext_max_fragment_length(ssl, static_cast<std::uint8_t>(fragment_length));
    if (!is_client) SSL_set_num_tickets(ssl, tickets);
    if (!is_client && refuses_tickets) SSL_set_options(ssl, SSL_OP_NO_TICKET);
    ERR_clear_error();
  }

  shown server = shown::known, client = shown::known;
  asked of_clients = asked::nobody;
  int version = TLS1_3_VERSION;
  stream_options client_options, server_options;
  std::size_t suite = 0, fragment_length = 0, send_fragment = 0, tickets = 0;
  bool reads_ahead = false, releases_buffers = false, refuses_tickets = false;
  bool meets_errors = false;
};

class pair {
public:
  explicit pair(script& with)
      : script_(with),
        setting_(with),
        client_(our_client(setting_.client), setting_.client_options, 0),
        server_(our_server(setting_.server, setting_.of_clients), setting_.server_options,
                10'000'000) {
    must(!client_.engine().be_client_of("localhost"), "localhost is no host");
    must(!server_.engine().be_server(), "the engine is no server");
    client_.meet_errors(setting_.meets_errors);
    server_.meet_errors(setting_.meets_errors);
    setting_.apply(client_.ssl(), true);
    setting_.apply(server_.ssl(), false);
  }

  void run() {
    negotiate(script_.byte());
    for (std::size_t i = 0; i != most_events && !script_.ended(); ++i) {
      std::size_t const event = script_.byte();
      perform(event >> 1, (event & 1) == 0);
      judge();
    }
    finish();
  }

private:
  static constexpr std::size_t most_events = 300;

  judged_engine& of(bool client) { return client ? client_ : server_; }

  void negotiate(std::size_t turns) {
    for (std::size_t i = 0; i != turns % 16; ++i) {
      client_.handshake();
      move(true, everything, judged_engine::way::commit);
      server_.handshake();
      move(false, everything, judged_engine::way::commit);
      judge();
    }
  }

  void perform(std::size_t event, bool client) {
    auto& ours = of(client);
    switch (event % pair_events) {
      case pair_move: {
        auto const how = static_cast<judged_engine::way>(script_.below(3));
        return move(client, script_.size(), how);
      }
      case pair_seal:
        ours.seal(script_.size());
        return;
      case pair_open:
        ours.open(script_.size());
        return;
      case pair_go_on:
        ours.go_on();
        return;
      case pair_update_keys:
        ++updates_;
        ours.key_update(script_.flag());
        return;
      case pair_close:
        ours.close_notify();
        return;
      case pair_rest:
        return ours.rest(script_.flag());
      case pair_open_all:
        ours.open_all();
        return;
      case pair_move_all:
        return move(client, everything, judged_engine::way::commit);
      case pair_corrupt: {
        auto& wire = client ? to_server_ : to_client_;
        std::size_t const at = script_.size();
        if (at >= wire.size()) return;
        wire[at] = static_cast<char>(wire[at] ^ static_cast<char>(1 + script_.below(255)));
        honest_ = false;
        return;
      }
      default:
        return;
    }
  }

  void move(bool from_client, std::size_t most, judged_engine::way how) {
    auto& wire = from_client ? to_server_ : to_client_;
    auto const flushed = of(from_client).flush(most);
    wire += flushed;
    std::size_t const filled = of(!from_client).fill(std::string_view(wire).substr(0, most), how);
    wire.erase(0, filled);
    moved_ += flushed.size() + filled;
  }

  void judge_direction(judged_engine const& from, judged_engine const& to) {
    must(from.sealed().compare(0, to.opened().size(), to.opened()) == 0,
         "what was opened was not sealed");
    if (!to.is_closed()) return;
    must(to.opened() == from.sealed(), "an end before all came that was sealed");
  }

  void judge() {
    judge_direction(client_, server_);
    judge_direction(server_, client_);
    if (client_.is_closed()) must(server_.engine().close_notify_sent(), "nobody has closed");
    if (server_.is_closed()) must(client_.engine().close_notify_sent(), "nobody has closed");
    must(!client_.engine().handshake_done() || is_acceptable_server(setting_.server),
         "success with a server that is not to be trusted");
    must(!server_.engine().handshake_done() ||
             is_acceptable_client(setting_.client, setting_.of_clients),
         "success with a client that is not to be trusted");
  }

  // Everything comes to its end.
  void finish() {
    std::size_t idle = 0;  // turns; in one of them a ring may only have been drained
    for (std::size_t i = 0; i != 10'000; ++i) {
      std::size_t const before = progress();
      for (bool const is_client : {true, false}) {
        of(is_client).go_on();
        if (of(is_client).engine().handshake_done()) of(is_client).open_all();
        move(is_client, everything, judged_engine::way::commit);
      }
      judge();
      idle = progress() == before ? idle + 1 : 0;
      if (idle < 2) continue;
      if (honest_) judge_end();
      return;
    }
    must(false, "it never comes to an end");
  }

  // Grows with whatever happens.
  [[nodiscard]] std::size_t progress() const {
    std::size_t sum = moved_;
    for (auto const* const one : {&client_, &server_})
      sum += one->opened().size() + (one->has_failed() ? 1 : 0) + (one->is_closed() ? 1 : 0);
    return sum;
  }

  void judge_end() {
    bool const was_limited = client_.failed_with(errc::peer_limit_exceeded) ||
                             server_.failed_with(errc::peer_limit_exceeded);
    if (was_limited) {
      must(updates_ > 0, "a limit that nobody has reached");
      return;
    }
    must(setting_.is_compatible() || client_.has_failed() || server_.has_failed(),
         "two that may not talk");
    if (!setting_.is_compatible()) return;
    must(!client_.has_failed(), "the client failed for no reason");
    must(!server_.has_failed(), "the server failed for no reason");
    must(client_.engine().handshake_done() && server_.engine().handshake_done(),
         "the handshake has come to a standstill");
    for (bool const is_client : {true, false}) {
      auto& ours = of(is_client);
      must(!ours.engine().record_pending(), "a record has come to a standstill");
      must(of(!is_client).opened() == ours.sealed(), "not all came that was sealed");
      must(of(!is_client).is_closed() == ours.engine().close_notify_sent(), "the end has not come");
    }
  }

  script& script_;
  setting setting_;
  judged_engine client_, server_;
  std::string to_client_, to_server_;
  bool honest_ = true;
  std::size_t updates_ = 0;
  std::size_t moved_ = 0;  // bytes, out of and into rings
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
  tls_async::test::pair(input).run();
  return 0;
}
