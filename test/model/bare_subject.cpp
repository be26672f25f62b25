// Distributed under the Boost Software License, Version 1.0.
// SPDX-License-Identifier: BSL-1.0
//
// Bare OpenSSL: each verb is its function, called again and again until it is done, on a BIO that
// is the script's network.
#include <boost/asio/error.hpp>

#include <openssl/bio.h>

#include <deque>
#include <utility>

#include "bare_session.hpp"

namespace tls_async::test::model {
namespace {

namespace asio = boost::asio;

wire& wire_of(BIO* bio) { return *static_cast<wire*>(BIO_get_data(bio)); }

int write_bio(BIO* bio, char const* from, int n) {
  BIO_clear_retry_flags(bio);
  error_code ec;
  auto const taken = wire_of(bio).take({from, static_cast<std::size_t>(n)}, ec);
  if (taken && !ec) return static_cast<int>(*taken);
  if (!taken) BIO_set_retry_write(bio);
  return -1;
}

int read_bio(BIO* bio, char* into, int n) {
  BIO_clear_retry_flags(bio);
  error_code ec;
  auto const given = wire_of(bio).give(asio::buffer(into, static_cast<std::size_t>(n)), ec);
  if (given && !ec) return static_cast<int>(*given);
  if (!given) BIO_set_retry_read(bio);
  return ec == asio::error::eof ? 0 : -1;
}

long control_bio(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  auto const& in = wire_of(bio).in;
  return command == BIO_CTRL_EOF && in.has_ended && in.bytes.empty() ? 1 : 0;
}

BIO_METHOD const* method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "script");
    BIO_meth_set_write(m, &write_bio);
    BIO_meth_set_read(m, &read_bio);
    BIO_meth_set_ctrl(m, &control_bio);
    return m;
  }();
  return made;
}

BIO* script_bio(wire& over) {
  BIO* const made = BIO_new(method());
  BIO_set_data(made, &over);
  BIO_set_init(made, 1);
  return made;
}

class bare_subject final : public subject {
public:
  explicit bare_subject(stage const& on) : on_(on), session_(on, script_bio(*on.over)) {}

  [[nodiscard]] bool takes_all() const override { return false; }
  [[nodiscard]] bool has(event const& what) const override { return what.is_verb(); }
  void start(verb_ptr const& which) override {
    on_.told.begun(*which);
    (which->asked.what == act::read ? reading_ : writing_).push_back({which, 0});
    step();
  }
  bool step() override {
    if (std::exchange(is_stepping_, true)) return false;
    bool moved = false;
    // A handshake goes by either.
    for (auto* const queue : {&writing_, &reading_}) {
      while (!queue->empty()) {
        auto const ec = session_.advance(queue->front());
        if (ec == asio::error::would_block) break;
        auto const done = std::move(queue->front());
        queue->pop_front();
        moved = true;
        on_.told.ended(done.which, ec, done.done, false);
      }
    }
    is_stepping_ = false;
    return moved;
  }
  [[nodiscard]] SSL* ssl() override { return session_.ssl(); }
  void destroy() override {
    for (auto* const queue : {&writing_, &reading_}) {
      for (auto const& rest : std::exchange(*queue, {}))
        on_.told.ended(rest.which, asio::error::operation_aborted, rest.done, false);
    }
    session_.destroy();
    on_.over->out.has_ended = true;
  }

private:
  stage on_;
  bare_session session_;
  std::deque<bare_session::progress> writing_, reading_;
  bool is_stepping_ = false;
};

}  // namespace

std::unique_ptr<subject> make_bare(stage const& on) { return std::make_unique<bare_subject>(on); }

}  // namespace tls_async::test::model
