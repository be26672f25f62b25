// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
#include "peer.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace tls_async::test::model {
namespace {

// What one peer can be sent before it has taken it.
constexpr std::size_t ample = std::size_t{1} << 20;

class record_level_peer final : public peer {
public:
  record_level_peer(SSL_CTX* context, role side)
      : peer_(context, side, pace::all_at_once, {}, ample) {
    peer_.be_told();
  }

  SSL* ssl() override { return peer_.session().ssl(); }
  void receive(std::string_view ciphertext) override { peer_.receive(ciphertext); }
  std::string send() override {
    std::string sent;
    for (;;) {
      begin_changes();
      if (auto const next = peer_.next()) {
        sent += *next;
      } else if (may_utter()) {
        utter(max_record_plaintext);
      } else {
        return sent;
      }
    }
  }
  void say(std::string_view plaintext) override {
    unsaid_.push_back({content::application_data, std::string(plaintext), epoch::application});
  }
  void close() override {
    unsaid_.push_back({content::alert, std::string{1, 0}, epoch::application});
  }
  void perform(deed const& what) override {
    if (changes_next(what)) return changes_.push_back(&what);
    tell(what);
  }
  void update_keys(bool both) override {
    unsaid_.push_back({content::handshake, std::string{24, 0, 0, 1, static_cast<char>(both)},
                       epoch::application});
  }
  void renegotiate() override {}

  std::string const& said() override { return peer_.said(); }
  bool has_closed() override { return peer_.has_closed(); }
  std::string const& heard() override { return peer_.session().plaintext(); }
  bool is_puzzled() override { return peer_.session().unopened() != 0; }

private:
  static bool changes_next(deed const& what) {
    using manner = deed::manner;
    return what.how != manner::sends_record && what.how != manner::sends_bytes &&
           what.how != manner::does_nothing && what.how != manner::repeats_last;
  }
  void tell(deed const& what) {
    if (on_deed) on_deed(what);
    peer_.tell({&what, 0});
  }
  [[nodiscard]] bool may_utter() { return !unsaid_.empty() && peer_.session().handshake_done(); }
  // Where there is something that can be changed.
  void begin_changes() {
    if (changes_.empty()) return;
    auto const& made = peer_.session().made;
    // Some of it may be split into single bytes.
    constexpr std::size_t few_bytes = 40, enough = 3;
    if (made.empty()) {
      while (may_utter() && made.size() != enough)
        utter(few_bytes);
    }
    if (made.empty()) return;
    for (deed const* const next : std::exchange(changes_, {}))
      tell(*next);
  }
  // One record, as long as was agreed on (RFC 6066 section 4).
  void utter(std::size_t most) {
    record& first = unsaid_.front();
    auto const code = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl()));
    if (code != 0) most = std::min(most, std::size_t{256} << code);
    peer_.session().made.push_back(first);
    if (first.plaintext.size() <= most) return unsaid_.pop_front();
    peer_.session().made.back().plaintext.resize(most);
    first.plaintext.erase(0, most);
  }

  hostile_peer peer_;
  std::deque<record> unsaid_;
  std::deque<deed const*> changes_;
};

class session_peer final : public peer {
public:
  session_peer(SSL_CTX* context, role side) : session_(context, side, {ample, ample}) {}

  SSL* ssl() override { return session_.ssl(); }
  void receive(std::string_view ciphertext) override {
    // More than it holds at once, where each of many short records is padded to the longest.
    std::size_t given = 0;
    do {
      given = has_failed_ ? 0 : session_.give(ciphertext);
      ciphertext.remove_prefix(given);
      advance();
    } while (given != 0 && !ciphertext.empty());
  }
  std::string send() override {
    advance();
    return session_.take();
  }
  void say(std::string_view plaintext) override { unsaid_.push_back({what::plaintext, plaintext}); }
  void close() override { unsaid_.push_back({what::end, {}}); }
  void perform(deed const&) override {}
  void update_keys(bool both) override {
    unsaid_.push_back({both ? what::both_keys : what::keys, {}});
  }
  void renegotiate() override { unsaid_.push_back({what::handshake, {}}); }

  std::string const& said() override { return said_; }
  bool has_closed() override {
    return SSL_get_quiet_shutdown(ssl()) == 0 && (SSL_get_shutdown(ssl()) & SSL_SENT_SHUTDOWN) != 0;
  }
  std::string const& heard() override { return heard_; }
  bool is_puzzled() override { return is_puzzled_; }

private:
  enum class what { plaintext, end, keys, both_keys, handshake };
  struct utterance {
    what kind;
    std::string_view plaintext;
  };

  void advance() {
    if (has_failed_) return;
    // Another handshake is left to reading, which takes the plaintext that is on its way, too.
    bool const is_first = !has_negotiated_ || SSL_version(ssl()) >= TLS1_3_VERSION;
    if (is_first && SSL_is_init_finished(ssl()) == 0) note(session_.handshake());
    has_negotiated_ = has_negotiated_ || SSL_is_init_finished(ssl()) != 0;
    while (has_negotiated_) {
      answer got = session_.read(heard_);
      while (got)
        got = session_.read(heard_);
      note(got);
      bool const may_utter =
          !has_failed_ && SSL_is_init_finished(ssl()) != 0 && SSL_renegotiate_pending(ssl()) == 0;
      if (!may_utter || unsaid_.empty() || !utter(unsaid_.front())) return;
      unsaid_.pop_front();
    }
  }
  // False while there is no room for it.
  bool utter(utterance& next) {
    if ((SSL_get_shutdown(ssl()) & SSL_SENT_SHUTDOWN) != 0) return true;
    switch (next.kind) {
      case what::plaintext: {
        answer const written = session_.write(next.plaintext);
        note(written);
        if (!written) return false;
        said_ += next.plaintext.substr(0, written.bytes);
        next.plaintext.remove_prefix(written.bytes);
        return next.plaintext.empty();
      }
      case what::end:
        session_.shutdown();
        return true;
      case what::keys:
      case what::both_keys:
        if (SSL_version(ssl()) < TLS1_3_VERSION) return true;
        SSL_key_update(ssl(), next.kind == what::keys ? SSL_KEY_UPDATE_NOT_REQUESTED
                                                      : SSL_KEY_UPDATE_REQUESTED);
        note(session_.handshake());
        return true;
      case what::handshake:
        SSL_renegotiate(ssl());
        return true;
    }
    return true;
  }
  void note(answer const& given) {
    has_failed_ = has_failed_ || given.error == SSL_ERROR_SSL || given.error == SSL_ERROR_SYSCALL;
    bool const is_alert = given.reason >= SSL_AD_REASON_OFFSET;
    is_puzzled_ = is_puzzled_ ||
                  (given.error == SSL_ERROR_SSL && !is_alert && SSL_get_state(ssl()) == TLS_ST_OK);
  }

  raw_session session_;
  std::deque<utterance> unsaid_;
  std::string said_, heard_;
  bool has_negotiated_ = false;
  bool has_failed_ = false;
  bool is_puzzled_ = false;
};

}  // namespace

std::unique_ptr<peer> make_peer(script const& of, ends& with) {
  role const side = is_client(of) ? role::server : role::client;
  if (is_record_level(of)) return std::make_unique<record_level_peer>(with.peer(), side);
  auto made = std::make_unique<session_peer>(with.peer(), side);
  if (side == role::client && with.session() != nullptr)
    SSL_set_session(made->ssl(), with.session());
  return made;
}

}  // namespace tls_async::test::model
